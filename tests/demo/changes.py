"""The changes that the owners make between the two sweeps."""

from catalogue import SHOP_KEY, Parameter, Secret

DELETED_IN = "shop-production"
DELETED = ["/shop/catalogue/greeting", "/shop/catalogue/api/key"]
NEW_PARAMETER = Parameter(
    "/shop/checkout/retry/limit", "3", description="New since the first sweep", tags={"team": "checkout"}
)
NEW_SECRET = Secret("shop/checkout/session-key", "fresh", SHOP_KEY, {"team": "checkout"})


def make(organisation):
    """Makes every change with boto3, and returns one line of text for each."""
    return [*change_parameters(organisation), *change_secrets(organisation)]


def change_parameters(organisation):
    east = organisation.client("ssm", "shop-production", "us-east-2")
    ireland = organisation.client("ssm", "billing", "eu-west-1")

    def put(ssm, name, value, **settings):
        ssm.put_parameter(Name=name, Value=value, Overwrite=True, **settings)

    def value_of(ssm, name):
        return ssm.get_parameter(Name=name, WithDecryption=True)["Parameter"]["Value"]

    def tag(ssm, name, key, value):
        ssm.add_tags_to_resource(ResourceType="Parameter", ResourceId=name, Tags=[{"Key": key, "Value": value}])

    put(east, "/shop/checkout/db/host", "checkout-2.db.internal")
    yield "value changed:         /shop/checkout/db/host"
    put(east, "/shop/checkout/db/password", "correct-horse", KeyId=SHOP_KEY)
    yield "SecureString changed:  /shop/checkout/db/password"
    put(east, "DeployStage", "frozen")
    yield "root name changed:     DeployStage"
    tag(east, "/shop/payments/db/port", "reviewed", "2026-11")
    yield "tag added:             /shop/payments/db/port"
    tag(east, "/shop/payments/db/user", "team", "treasury")
    yield "tag changed:           /shop/payments/db/user"
    east.remove_tags_from_resource(ResourceType="Parameter", ResourceId="/shop/checkout/db/user", TagKeys=["tier"])
    yield "tag removed:           /shop/checkout/db/user"
    name = "/billing/eu/ledger/db/host"
    put(ireland, name, value_of(ireland, name), Description="Moved to the new cluster")
    yield f"description changed:   {name} (billing)"
    name = "/billing/eu/ledger/greeting"
    put(ireland, name, value_of(ireland, name), Description="")
    yield f"description cleared:   {name} (billing)"
    put(organisation.client("ssm", "management", "us-east-2"), "/platform/landing-zone/version", "3.4")
    yield "value changed:         /platform/landing-zone/version (management)"
    east.put_parameter(**NEW_PARAMETER.request())
    yield f"created:               {NEW_PARAMETER.name}"
    for name in DELETED:
        east.delete_parameter(Name=name)
        yield f"deleted:               {name}"


def change_secrets(organisation):
    east = organisation.client("secretsmanager", "shop-production", "us-east-2")
    east.put_secret_value(SecretId="shop/checkout/database", SecretString='{"user":"checkout","password":"n3w"}')
    yield "secret changed:        shop/checkout/database"
    east.tag_resource(SecretId="shop/payments/stripe", Tags=[{"Key": "reviewed", "Value": "2026-11"}])
    yield "secret tagged:         shop/payments/stripe"
    east.create_secret(**NEW_SECRET.request())
    yield f"secret created:        {NEW_SECRET.name}"
