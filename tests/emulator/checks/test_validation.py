"""Validation of requests against AWS's service models before moto handles them."""

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError
from emulator import MANAGEMENT_KEYS

from .base import HOME, Check


REFUSALS = ("ValidationException", "ValidationError", "InvalidInputException", "InvalidParameterException")


class ValidationCheck(Check):
    """Uses clients without parameter validation, so that invalid requests reach the server."""

    def unchecked_client(self, service):
        return boto3.client(
            service,
            region_name=HOME,
            endpoint_url=self.world.emulator.url,
            aws_access_key_id=MANAGEMENT_KEYS[0],
            aws_secret_access_key=MANAGEMENT_KEYS[1],
            config=Config(parameter_validation=False, retries={"total_max_attempts": 1}),
        )

    def refused(self, message, service, operation, **parameters):
        with self.assertRaises(ClientError) as caught:
            getattr(self.unchecked_client(service), operation)(**parameters)
        error = caught.exception.response["Error"]
        self.assertIn(error["Code"], REFUSALS)
        self.assertIn(message, error["Message"])

    def test_a_missing_member(self):
        self.refused("Value null at 'name' failed", "ssm", "put_parameter", Value="v", Type="String")
        self.refused("'tags.1.member.value'", "ssm", "put_parameter", Name=self.name, Value="v", Tags=[{"Key": "k"}])
        self.refused("Value null at 'roleSessionName' failed", "sts", "assume_role", RoleArn="arn:aws:iam::1:role/some")

    def test_a_member_of_another_type(self):
        self.refused("'tags.1.member.value' failed to satisfy", "ssm", "put_parameter", Name=self.name, Value="v", Tags=[{"Key": "k", "Value": 7}])
        self.refused("'overwrite' failed to satisfy constraint: Member must be a boolean", "ssm", "put_parameter", Name=self.name, Value="v", Overwrite="yes")

    def test_a_pattern(self):
        bad = [{"Key": "owner", "Value": "team*"}]
        self.refused("regular expression pattern", "ssm", "put_parameter", Name=self.name, Value="v", Tags=bad)
        self.refused("'tags.1.member.value'", "ssm", "add_tags_to_resource", ResourceType="Parameter", ResourceId="/a", Tags=bad)
        self.refused("'keyId'", "ssm", "put_parameter", Name=self.name, Value="v", Type="SecureString", KeyId="a key")
        regions = [{"Region": "Ohio"}]
        self.refused("at 'addReplicaRegions.1.member.region'", "secretsmanager", "replicate_secret_to_regions", SecretId="s", AddReplicaRegions=regions)
        role = {"RoleArn": "arn:aws:iam::123456789012:role/some"}
        self.refused("at 'roleSessionName'", "sts", "assume_role", RoleSessionName="a session", **role)
        tags = [{"Key": "k", "Value": "v!"}]
        self.refused("at 'tags.1.member.value'", "sts", "assume_role", RoleSessionName="session", Tags=tags, **role)

    def test_a_length_or_a_range(self):
        eleven = [f"/a/{number}" for number in range(11)]
        self.refused("length less than or equal to 10", "ssm", "get_parameters", Names=eleven)
        self.refused("length less than or equal to 10", "ssm", "delete_parameters", Names=eleven)
        self.refused("length greater than or equal to 1", "ssm", "get_parameters", Names=[])
        self.refused("value less than or equal to 50", "ssm", "describe_parameters", MaxResults=51)
        self.refused("value less than or equal to 20", "organizations", "list_accounts", MaxResults=21)
        self.refused("length less than or equal to 1024", "ssm", "put_parameter", Name=self.name, Value="v", Description="d" * 1025)
        arns = [f"arn:aws:ssm:{HOME}:123456789012:parameter/{number}" for number in range(101)]
        self.refused("less than or equal to 100", "resourcegroupstaggingapi", "get_resources", ResourceARNList=arns)

    def test_an_enumeration(self):
        self.refused("satisfy enum value set: [String, ", "ssm", "put_parameter", Name=self.name, Value="v", Type="Text")
        self.refused("'resourceType'", "ssm", "list_tags_for_resource", ResourceType="parameter", ResourceId="/a")

    def test_one_answer_lists_every_violation(self):
        self.refused("2 validation errors detected: ", "ssm", "put_parameter", Name=self.name, Type="Text", Value="v", Tier="Fast")

    def test_a_valid_request_is_accepted(self):
        self.put(Tags=[{"Key": "team", "Value": "sales: é_.:/=+-@"}, {"Key": "empty", "Value": ""}], Overwrite=False)
        topic = self.unchecked_client("sns").create_topic(Name="validated")["TopicArn"]
        attributes = {"kind": {"DataType": "String", "StringValue": "new"}}
        self.assertTrue(self.unchecked_client("sns").publish(TopicArn=topic, Message="m", MessageAttributes=attributes)["MessageId"])
