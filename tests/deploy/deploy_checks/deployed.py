"""The whole deployment: the hub's stack in the one emulator, an organisation whose spokes a StackSet made in the other.

The hub's functions run natively, and their calls of AWS go to the organisation. The service gives a function no
credentials of its role, so the function takes on a role of that name first, as `hubctl` does an operator's.
"""

import functools
import json

import furnish
import stack
import templates
from emulator import MANAGEMENT_ACCOUNT, receive_all
from lambda_service import hub_program

from .base import HUB_REGION, the_emulator, the_service

TARGET = "us-east-1"
ACCOUNTS = 30
BATCH, ROUNDS = 7, 3
STACK_SET = "failover-replicator-spoke"
HUB_ROLES = ("failover-replicator-hub-events", "failover-replicator-hub-sweep", "failover-replicator-operator")


class Deployment:
    """An organisation: ACCOUNTS members in two units, one below the other, and one that no unit of the hub's holds."""

    def __init__(self):
        self.emulator, self.service = the_emulator(), the_service()
        self.organizations = furnish.organizations_client(self.emulator)
        organization = self.organizations.describe_organization()["Organization"]["Id"]
        root = self.organizations.list_roots()["Roots"][0]["Id"]
        self.unit = self.make_unit(root, "workloads")
        below = self.make_unit(self.unit, "production")
        self.members = [self.make_account(self.unit if n % 2 else below) for n in range(ACCOUNTS)]
        self.outside = self.make_account(self.make_unit(root, "elsewhere"))
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
        self.make_hubs_side()
        self.spoke_parameters = json.loads(self.outputs["SpokeParameters"])
        self.spokes_in_members = self.deploy_stack_set()
        self.deploy_spoke_here()

    def make_unit(self, parent, name):
        return self.organizations.create_organizational_unit(ParentId=parent, Name=name)["OrganizationalUnit"]["Id"]

    def make_account(self, unit):
        number = len(self.organizations.list_accounts()["Accounts"])
        made = self.organizations.create_account(AccountName=f"m-{number}", Email=f"{unit}-{id(object())}@example.com")
        account = made["CreateAccountStatus"]["AccountId"]
        root = self.organizations.list_parents(ChildId=account)["Parents"][0]["Id"]
        self.organizations.move_account(AccountId=account, SourceParentId=root, DestinationParentId=unit)
        return account

    def make_hubs_side(self):
        """What the functions find of their own account in the organisation's emulator: their roles and the topic."""
        root = {"AWS": f"arn:aws:iam::{MANAGEMENT_ACCOUNT}:root"}
        trust = {"Statement": [{"Effect": "Allow", "Principal": root, "Action": "sts:AssumeRole"}]}
        iam = self.emulator.client("iam")
        for role in HUB_ROLES:
            iam.create_role(RoleName=role, AssumeRolePolicyDocument=json.dumps(trust))
        sns, sqs = (self.emulator.client(service, region=HUB_REGION) for service in ("sns", "sqs"))
        topic = sns.create_topic(Name="failover-replicator")["TopicArn"]
        assert topic == self.outputs["TopicArn"], topic
        self.digest_queue = sqs.create_queue(QueueName="digests")["QueueUrl"]
        arn = f"arn:aws:sqs:{HUB_REGION}:{MANAGEMENT_ACCOUNT}:digests"
        sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)
        # The state machine's own messages go to the topic of the service.
        sns, sqs = self.service.client("sns"), self.service.client("sqs")
        self.told_queue = sqs.create_queue(QueueName="told")["QueueUrl"]
        arn = f"arn:aws:sqs:{HUB_REGION}:{MANAGEMENT_ACCOUNT}:told"
        sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)
        for function in ("hub-events", "hub-sweep"):
            self.configure(function)

    def configure(self, function, **variables):
        """Leads a function's calls to the organisation; with these variables beside the stack's, or in their place."""
        name = f"failover-replicator-{function}"
        client = self.service.lambda_client
        had = client.get_function_configuration(FunctionName=name)["Environment"]["Variables"]
        own = {
            "AWS_ENDPOINT_URL": self.emulator.url,
            "REPLICATOR_OPERATOR_ROLE_ARN": f"arn:aws:iam::{MANAGEMENT_ACCOUNT}:role/{name}",
        }
        client.update_function_configuration(FunctionName=name, Environment={"Variables": {**had, **own, **variables}})

    def deploy_stack_set(self):
        """The spoke in every account of the unit, and of the unit below: the instances."""
        cloudformation = self.emulator.client("cloudformation")
        parameters = self.spoke_parameters.items()
        cloudformation.create_stack_set(
            StackSetName=STACK_SET,
            PermissionModel="SERVICE_MANAGED",
            AutoDeployment={"Enabled": True, "RetainStacksOnAccountRemoval": False},
            TemplateBody=templates.SPOKE.read_text(encoding="utf-8"),
            Parameters=[{"ParameterKey": key, "ParameterValue": value} for key, value in parameters],
            Capabilities=["CAPABILITY_NAMED_IAM"],
        )
        cloudformation.create_stack_instances(
            StackSetName=STACK_SET,
            DeploymentTargets={"OrganizationalUnitIds": [self.unit]},
            Regions=self.outputs["SpokeRegions"].split(","),
        )
        return cloudformation.list_stack_instances(StackSetName=STACK_SET)["Summaries"]

    def deploy_spoke_here(self):
        """The spoke as a plain stack, in the account that no service-managed StackSet reaches."""
        for region in self.outputs["SpokeRegions"].split(","):
            self.emulator.client("cloudformation", region=region).create_stack(
                StackName=STACK_SET,
                TemplateBody=templates.SPOKE.read_text(encoding="utf-8"),
                Parameters=[{"ParameterKey": k, "ParameterValue": v} for k, v in self.spoke_parameters.items()],
                Capabilities=["CAPABILITY_NAMED_IAM"],
            )

    def digests(self):
        """The hub's messages since the last look."""
        return receive_all(self.emulator.client("sqs", region=HUB_REGION), self.digest_queue)

    def told(self):
        """The state machine's."""
        return receive_all(self.service.client("sqs"), self.told_queue)


@functools.cache
def the_deployment():
    return Deployment()
