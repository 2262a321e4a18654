"""Builds the demo's organisation in the emulator with boto3, and reads it."""

from concurrent.futures import ThreadPoolExecutor

import catalogue
import hub_table
from emulator import MANAGEMENT_ACCOUNT, every
from member_account import SPOKE_ROLE, create_keys, create_role

EXTERNAL_ID = "demo-external-id"


class Organisation:
    """The ids of the accounts by name, and clients with administrator access to each account."""

    def __init__(self, emulator):
        self.emulator = emulator
        self.ids = {"management": MANAGEMENT_ACCOUNT}

    def client(self, service, account, region):
        return self.emulator.client(service, self.ids[account], region)

    def build(self):
        """Creates the hub's table, the accounts and their resources. Closes the suspended account last."""
        hub_table.create(self.client("dynamodb", "management", catalogue.HUB_REGION))
        organizations = self.emulator.client("organizations")
        organizations.create_organization(FeatureSet="ALL")
        for plan in catalogue.ACCOUNTS:
            if plan.name not in self.ids:
                created = organizations.create_account(AccountName=plan.name, Email=f"{plan.name}@example.com")
                self.ids[plan.name] = created["CreateAccountStatus"]["AccountId"]
        with ThreadPoolExecutor(4) as pool:
            list(pool.map(self.fill_account, catalogue.ACCOUNTS))
        ssm = self.client("ssm", catalogue.CONFLICT_ACCOUNT, catalogue.CONFLICT_REGION)
        ssm.put_parameter(**catalogue.CONFLICT.request())
        for plan in catalogue.ACCOUNTS:
            if plan.suspended:
                organizations.close_account(AccountId=self.ids[plan.name])

    def fill_account(self, plan):
        """Creates the spoke role, keys, parameters and secrets of one account."""
        if plan.spoke_role:
            create_role(self.client("iam", plan.name, "us-east-1"), SPOKE_ROLE, EXTERNAL_ID)
        for region in catalogue.REGIONS if plan.keys else ():
            create_keys(self.client("kms", plan.name, region), plan.keys)
        for region, parameters in plan.parameters.items():
            ssm = self.client("ssm", plan.name, region)
            for parameter in parameters:
                ssm.put_parameter(**parameter.request())
        for region, secrets in catalogue.SECRETS.get(plan.name, {}).items():
            secretsmanager = self.client("secretsmanager", plan.name, region)
            for secret in secrets:
                secretsmanager.create_secret(**secret.request())

    def parameters(self, account, region):
        """The parameters of an account's Region by name: the listed metadata, plus `Value` and `Tags`."""
        ssm = self.client("ssm", account, region)
        found = {p["Name"]: dict(p) for p in every(ssm, "describe_parameters", "Parameters")}
        names = sorted(found)
        for start in range(0, len(names), 10):
            got = ssm.get_parameters(Names=names[start : start + 10], WithDecryption=True)
            for parameter in got["Parameters"]:
                found[parameter["Name"]]["Value"] = parameter["Value"]
        for name in names:
            listed = ssm.list_tags_for_resource(ResourceType="Parameter", ResourceId=name)["TagList"]
            found[name]["Tags"] = {tag["Key"]: tag["Value"] for tag in listed}
        return found

    def secrets(self, account, region):
        """The secrets of an account's Region by name: the description, plus `Value`, with the tags as a dictionary."""
        secretsmanager = self.client("secretsmanager", account, region)
        found = {}
        for listed in every(secretsmanager, "list_secrets", "SecretList"):
            secret = secretsmanager.describe_secret(SecretId=listed["ARN"])
            secret["Value"] = secretsmanager.get_secret_value(SecretId=listed["ARN"])["SecretString"]
            secret["Tags"] = {tag["Key"]: tag["Value"] for tag in secret.get("Tags", [])}
            found[secret["Name"]] = secret
        return found

    def key_id(self, account, region, name):
        """The id of the key that an alias, an ARN or an id names."""
        return self.client("kms", account, region).describe_key(KeyId=name)["KeyMetadata"]["KeyId"]
