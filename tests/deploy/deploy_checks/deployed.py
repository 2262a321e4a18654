"""A complete deployment: the hub's stack in one emulator, an organisation with a StackSet of spokes in the other.

The hub's functions run natively, and their AWS calls go to the organisation. The emulator gives a function no
credentials of its role, so the function first assumes a role of that name, as `hubctl` assumes an operator's role.
"""

import functools
import json

import furnish
import hub_table
import stack
import templates
from emulator import MANAGEMENT_ACCOUNT, receive_all
from lambda_service import hub_program

from .base import HUB_REGION, SOURCE, the_emulator, the_service

TARGET = "us-east-1"
ACCOUNTS = 30
BATCH, ROUNDS = 7, 3
STACK_SET = "failover-replicator-spoke"
HUB_ROLES = ("failover-replicator-hub-events", "failover-replicator-hub-sweep", "failover-replicator-operator")


class Deployment:
    """An organisation with ACCOUNTS members in two nested units, and one account outside of the hub's units."""

    def __init__(self):
        self.emulator, self.service = the_emulator(), the_service()
        self.organizations = furnish.organisation_of(self.emulator)
        organization = self.organizations.describe_organization()["Organization"]["Id"]
        root = self.organizations.list_roots()["Roots"][0]["Id"]
        self.unit = self.create_unit(root, "workloads")
        below = self.create_unit(self.unit, "production")
        self.members = [self.create_account(self.unit if n % 2 else below) for n in range(ACCOUNTS)]
        self.outside = self.create_account(self.create_unit(root, "elsewhere"))
        self.outputs = stack.create(
            self.service,
            stack.STACK,
            stack.emulated(stack.packaged(self.service, hub_program())),
            {
                **stack.USUAL,
                "OrganizationId": organization,
                "TargetRegions": TARGET,
                "SweepBatch": str(BATCH),
                "SweepRounds": str(ROUNDS),
                "Quotas": json.dumps({"*/*/*": 1000}),
            },
        )
        self.create_hub_resources()
        self.spoke_parameters = json.loads(self.outputs["SpokeParameters"])
        self.spokes_in_members = self.deploy_stack_set()
        self.deploy_spoke_to_management_account()

    def create_unit(self, parent, name):
        return self.organizations.create_organizational_unit(ParentId=parent, Name=name)["OrganizationalUnit"]["Id"]

    def create_account(self, unit):
        number = len(self.organizations.list_accounts()["Accounts"])
        made = self.organizations.create_account(AccountName=f"m-{number}", Email=f"{unit}-{id(object())}@example.com")
        account = made["CreateAccountStatus"]["AccountId"]
        root = self.organizations.list_parents(ChildId=account)["Parents"][0]["Id"]
        self.organizations.move_account(AccountId=account, SourceParentId=root, DestinationParentId=unit)
        return account

    def create_hub_resources(self):
        """Creates the roles, the table and the topic of the hub's own account in the organisation's emulator."""
        root = {"AWS": f"arn:aws:iam::{MANAGEMENT_ACCOUNT}:root"}
        trust = {"Statement": [{"Effect": "Allow", "Principal": root, "Action": "sts:AssumeRole"}]}
        iam = self.emulator.client("iam")
        for role in HUB_ROLES:
            iam.create_role(RoleName=role, AssumeRolePolicyDocument=json.dumps(trust))
        # The stack creates the table of the service, and the functions use the one of the organisation's emulator.
        table = hub_table.activate(self.emulator.client("dynamodb", region=HUB_REGION), {SOURCE: [TARGET]})
        assert table == self.outputs["TableName"], table
        sns, sqs = (self.emulator.client(service, region=HUB_REGION) for service in ("sns", "sqs"))
        topic = sns.create_topic(Name="failover-replicator")["TopicArn"]
        assert topic == self.outputs["TopicArn"], topic
        self.digest_queue = sqs.create_queue(QueueName="digests")["QueueUrl"]
        arn = f"arn:aws:sqs:{HUB_REGION}:{MANAGEMENT_ACCOUNT}:digests"
        sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)
        # The state machine publishes to the topic in the service, not in the organisation's emulator.
        sns, sqs = self.service.client("sns"), self.service.client("sqs")
        self.message_queue = sqs.create_queue(QueueName="told")["QueueUrl"]
        arn = f"arn:aws:sqs:{HUB_REGION}:{MANAGEMENT_ACCOUNT}:told"
        sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)
        for function in ("hub-events", "hub-sweep"):
            self.configure(function)

    def configure(self, function, **variables):
        """Directs a function's calls to the organisation. `variables` are added to the stack's variables or replace them."""
        name = f"failover-replicator-{function}"
        client = self.service.lambda_client
        had = client.get_function_configuration(FunctionName=name)["Environment"]["Variables"]
        own = {
            "AWS_ENDPOINT_URL": self.emulator.url,
            "REPLICATOR_OPERATOR_ROLE_ARN": f"arn:aws:iam::{MANAGEMENT_ACCOUNT}:role/{name}",
        }
        client.update_function_configuration(FunctionName=name, Environment={"Variables": {**had, **own, **variables}})

    def deploy_stack_set(self):
        """Deploys the spoke to every account of the unit and of the nested unit, and returns the stack instances."""
        cloudformation = self.emulator.client("cloudformation")
        cloudformation.create_stack_set(
            StackSetName=STACK_SET,
            PermissionModel="SERVICE_MANAGED",
            AutoDeployment={"Enabled": True, "RetainStacksOnAccountRemoval": False},
            **self.spoke_stack(),
        )
        cloudformation.create_stack_instances(
            StackSetName=STACK_SET,
            DeploymentTargets={"OrganizationalUnitIds": [self.unit]},
            Regions=self.outputs["SpokeRegions"].split(","),
        )
        return cloudformation.list_stack_instances(StackSetName=STACK_SET)["Summaries"]

    def deploy_spoke_to_management_account(self):
        """Deploys the spoke as a plain stack in the management account, which no service-managed StackSet reaches."""
        for region in self.outputs["SpokeRegions"].split(","):
            self.emulator.client("cloudformation", region=region).create_stack(
                StackName=STACK_SET,
                **self.spoke_stack(),
            )

    def spoke_stack(self):
        parameters = self.spoke_parameters.items()
        return {
            "TemplateBody": templates.SPOKE.read_text(encoding="utf-8"),
            "Parameters": [{"ParameterKey": key, "ParameterValue": value} for key, value in parameters],
            "Capabilities": ["CAPABILITY_NAMED_IAM"],
        }

    def digests(self):
        """The hub's notifications since the last call."""
        return receive_all(self.emulator.client("sqs", region=HUB_REGION), self.digest_queue)

    def state_machine_messages(self):
        """The state machine's notifications since the last call."""
        return receive_all(self.service.client("sqs"), self.message_queue)


@functools.cache
def the_deployment():
    return Deployment()
