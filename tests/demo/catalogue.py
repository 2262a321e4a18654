"""The data of the demo: the organisation's accounts, their parameters and their secrets."""

import json
from dataclasses import dataclass, field

ROUTES = {"us-east-2": ["us-east-1", "us-west-2"], "eu-west-1": ["eu-central-1"]}
HUB_REGION = "us-west-2"
REGIONS = [*ROUTES, *(target for targets in ROUTES.values() for target in targets)]

SHOP_KEY = "alias/shop-data"  # the same alias in every Region
LEDGER_KEY, LEDGER_STANDBY_KEY = "alias/ledger", "alias/ledger-standby"  # mapped by REPLICATOR_KMS_KEYS


def tag_list(tags):
    return [{"Key": key, "Value": value} for key, value in tags.items()]


@dataclass(frozen=True)
class Parameter:
    name: str
    value: str
    type: str = "String"
    description: str | None = None
    pattern: str | None = None
    tier: str = "Standard"
    key: str | None = None
    tags: dict = field(default_factory=dict)

    def request(self):
        """The arguments of the PutParameter call that creates the parameter."""
        arguments = {"Name": self.name, "Value": self.value, "Type": self.type, "Tier": self.tier}
        optional = {"Description": self.description, "AllowedPattern": self.pattern, "KeyId": self.key}
        arguments.update({key: value for key, value in optional.items() if value is not None})
        if self.tags:
            arguments["Tags"] = tag_list(self.tags)
        return arguments


@dataclass(frozen=True)
class Secret:
    name: str
    value: str
    key: str | None = None
    tags: dict = field(default_factory=dict)

    def request(self):
        """The arguments of the CreateSecret call that creates the secret."""
        arguments = {"Name": self.name, "SecretString": self.value}
        if self.key:
            arguments["KmsKeyId"] = self.key
        if self.tags:
            arguments["Tags"] = tag_list(self.tags)
        return arguments


def service(prefix, key=None, **tags):
    """The parameters of one service. They cover every type, with and without description, pattern, tags and key."""
    own = prefix.strip("/").replace("/", "-")
    prices = json.dumps({f"sku-{number:04}": 100 + number for number in range(340)})
    return [
        Parameter(f"{prefix}/db/host", f"{own}.db.internal", description=f"Database of {own}", tags=tags),
        Parameter(f"{prefix}/db/port", "5432", pattern=r"^\d{2,5}$", tags=tags),
        Parameter(f"{prefix}/db/user", own, description="Changed each spring", tags={**tags, "tier": "data"}),
        Parameter(f"{prefix}/db/password", f"hunter2-{own}", "SecureString", "Reads and writes", key=key, tags=tags),
        Parameter(f"{prefix}/api/key", f"key-of-{own}", "SecureString"),
        Parameter(f"{prefix}/allowed-origins", f"https://{own}.example.com,https://shop", "StringList", tags=tags),
        Parameter(f"{prefix}/greeting", "Grüß Gott – 你好", description="Shown on the front page, as it is"),
        Parameter(f"{prefix}/prices", prices, tier="Advanced", description="Over 4 KB", tags=tags),
    ]


SHOP = {
    "us-east-2": [
        *service("/shop/checkout", SHOP_KEY, team="checkout", **{"cost-centre": "4711"}),
        *service("/shop/catalogue", team="catalogue"),
        *service("/shop/payments", SHOP_KEY, team="payments", **{"data class": "card: pci/1"}),
        Parameter("DeployStage", "production", pattern="^[a-z]+$", tags={"team": "platform"}),
        Parameter("/MaintenanceWindow", "sun:03:00", description="A root name with a slash", tags={"team": "platform"}),
    ],
    "eu-west-1": service("/shop/eu/checkout", SHOP_KEY, team="checkout"),
}
STAGING = {
    "us-east-2": [*service("/shop/checkout", team="checkout"), Parameter("DeployStage", "staging")],
    "eu-west-1": service("/shop/eu/checkout", team="checkout"),
}
BILLING = {
    "us-east-2": [
        *service("/billing/ledger", LEDGER_KEY, team="billing"),
        *service("/billing/invoices/v2/pdf", team="billing"),
    ],
    "eu-west-1": service("/billing/eu/ledger", LEDGER_KEY, team="billing"),
}
ANALYTICS = {
    "us-east-2": [Parameter("/analytics/warehouse/url", "jdbc:redshift://w")],
    "eu-west-1": service("/analytics/eu"),
}
MANAGEMENT = {
    "us-east-2": [
        Parameter("/platform/landing-zone/version", "3.3", tags={"team": "platform"}),
        Parameter("/platform/breakglass/phone", "+1 555 0100", "SecureString", "Whom to call"),
        Parameter("OrganisationName", "Example Retail"),
    ],
    "eu-west-1": [],
}
LEGACY = {"us-east-2": service("/intranet", team="intranet"), "eu-west-1": []}
SANDBOX = {"us-east-2": [Parameter("/sandbox/owner", "someone")], "eu-west-1": []}

SECRETS = {
    "shop-production": {
        "us-east-2": [
            Secret("shop/checkout/database", '{"user":"checkout","password":"s3cret"}', tags={"team": "checkout"}),
            Secret("shop/payments/stripe", "sk_live_0123456789", SHOP_KEY, {"team": "payments", "pci": "yes"}),
        ],
        "eu-west-1": [Secret("shop/eu/tax-office", "certificate", tags={"team": "checkout"})],
    },
    "billing": {"us-east-2": [Secret("billing/ledger/signing-key", "-----KEY-----", LEDGER_KEY, {"team": "billing"})]},
    "management": {"eu-west-1": [Secret("platform/registry", "token")]},
}


@dataclass(frozen=True)
class Plan:
    """The plan of an account: its parameters by source Region, and its special properties."""

    name: str
    parameters: dict
    keys: tuple = ()
    note: str = ""
    spoke_role: bool = True
    suspended: bool = False


ACCOUNTS = [
    Plan("management", MANAGEMENT, note="the hub runs here"),
    Plan("shop-production", SHOP, (SHOP_KEY,), f"{SHOP_KEY} exists in every Region; holds the planned conflict"),
    Plan("shop-staging", STAGING),
    Plan("billing", BILLING, (LEDGER_KEY, LEDGER_STANDBY_KEY), f"{LEDGER_KEY} maps to {LEDGER_STANDBY_KEY}"),
    Plan("analytics", ANALYTICS),
    Plan("legacy-intranet", LEGACY, note="suspended; the hub skips it", suspended=True),
    Plan("sandbox", SANDBOX, note="has no spoke role; the hub reports it", spoke_role=False),
]

# Another team owns a parameter of this name in a target Region, so the hub must not write the replica there.
CONFLICT_ACCOUNT, CONFLICT_REGION = "shop-production", "us-west-2"
CONFLICT = Parameter(
    "/shop/catalogue/db/host", "west-team.db.internal", description="Of the west team", tags={"owner": "west-team"}
)
