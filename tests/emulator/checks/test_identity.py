"""STS, Organizations and KMS."""

from emulator import MANAGEMENT_ACCOUNT

from .base import EXTERNAL_ID, FAR, HOME, Check, trust

MANAGEMENT = {"AWS": f"arn:aws:iam::{MANAGEMENT_ACCOUNT}:root"}


class AssumeRoleCheck(Check):
    def assume(self, role_arn, keys=None, **arguments):
        chosen = {"keys": keys} if keys else {}
        return self.world.emulator.assume(role_arn, "check", **chosen, **arguments)

    def denied(self, role_arn, **arguments):
        with self.refused("AccessDenied", 403):
            self.assume(role_arn, **arguments)

    def chained_keys(self):
        """Credentials of a role in the second member, and that role's ARN."""
        role = self.role(trust(MANAGEMENT), account=self.world.members[1])
        return self.assume(role), role

    def test_the_role_must_exist(self):
        self.denied(f"arn:aws:iam::{self.member}:role/absent")
        self.denied("arn:aws:iam::999999999999:role/absent")

    def test_a_role_in_a_closed_account_is_denied(self):
        account = self.world.create_account("closing")
        role = self.role(trust(MANAGEMENT), account=account)
        self.assertTrue(self.assume(role))
        self.client("organizations", MANAGEMENT_ACCOUNT).close_account(AccountId=account)
        self.denied(role)

    def test_the_principal_can_be_an_account_a_root_a_role_or_anyone(self):
        keys, chained_role = self.chained_keys()
        second = self.world.members[1]
        for principal in (second, f"arn:aws:iam::{second}:root", chained_role, "*"):
            self.assertTrue(self.assume(self.role(trust({"AWS": principal})), keys=keys), principal)
        self.assertTrue(self.assume(self.role(trust("*")), keys=keys))

    def test_another_principal_is_denied(self):
        keys, _ = self.chained_keys()
        self.denied(self.role(trust(MANAGEMENT)), keys=keys)
        self.denied(self.role(trust({"Service": "lambda.amazonaws.com"})))

    def test_the_external_id_must_be_equal(self):
        role = self.role(trust(MANAGEMENT, StringEquals={"sts:ExternalId": EXTERNAL_ID}))
        self.assertTrue(self.assume(role, ExternalId=EXTERNAL_ID))
        self.denied(role, ExternalId="another")
        self.denied(role)

    def test_the_organisation_condition_uses_the_callers_organisation(self):
        ours = {"aws:PrincipalOrgID": self.world.organization_id}
        self.assertTrue(self.assume(self.role(trust("*", StringEquals=ours))))
        self.denied(self.role(trust("*", StringEquals={"aws:PrincipalOrgID": "o-anotherorg"})))

    def test_the_principal_arn_of_a_session_is_the_arn_of_its_role(self):
        keys, role = self.chained_keys()
        start = role.rsplit("/", 1)[0]
        for operator, pattern in (("ArnLike", f"{start}/*"), ("ArnEquals", role), ("StringLike", "arn:*:role/role-*")):
            document = trust("*", **{operator: {"aws:PrincipalArn": pattern}})
            self.assertTrue(self.assume(self.role(document), keys=keys), operator)
            self.denied(self.role(trust("*", **{operator: {"aws:PrincipalArn": f"{start}/other-*"}})), keys=keys)

    def test_a_chained_session_lasts_at_most_one_hour(self):
        keys, _ = self.chained_keys()
        role = self.role(trust("*"), MaxSessionDuration=7200)
        self.assertTrue(self.assume(role, DurationSeconds=7200))
        self.assertTrue(self.assume(role, keys=keys, DurationSeconds=3600))
        with self.refused("ValidationError"):
            self.assume(role, keys=keys, DurationSeconds=3601)

    def test_a_session_lasts_at_most_the_roles_maximum(self):
        with self.refused("ValidationError"):
            self.assume(self.role(trust(MANAGEMENT)), DurationSeconds=3601)

    def test_a_session_acts_in_the_roles_account(self):
        role = self.role(trust(MANAGEMENT))
        sts = self.world.emulator.client_with(self.assume(role), "sts", HOME)
        identity = sts.get_caller_identity()
        self.assertEqual(self.member, identity["Account"])
        name = role.rsplit("/", 1)[1]
        self.assertEqual(f"arn:aws:sts::{self.member}:assumed-role/{name}/check", identity["Arn"])


class OrganizationsCheck(Check):
    def setUp(self):
        super().setUp()
        self.organizations = self.client("organizations", MANAGEMENT_ACCOUNT)

    def test_a_page_has_at_most_20_accounts(self):
        for number in range(25):
            self.world.create_account(f"page-{self.number}-{number}")
        first = self.organizations.list_accounts()
        self.assertEqual(20, len(first["Accounts"]))
        second = self.organizations.list_accounts(NextToken=first["NextToken"], MaxResults=20)
        self.assertFalse({a["Id"] for a in first["Accounts"]} & {a["Id"] for a in second["Accounts"]})
        with self.refused("InvalidInputException"):
            self.organizations.list_accounts(MaxResults=21)

    def test_accounts_have_state_and_paths(self):
        account = self.world.create_account(f"deep-{self.number}")
        create = self.organizations.create_organizational_unit
        outer = create(ParentId=self.world.root, Name=f"outer-{self.number}")["OrganizationalUnit"]["Id"]
        inner = create(ParentId=outer, Name="inner")["OrganizationalUnit"]["Id"]
        self.organizations.move_account(AccountId=account, SourceParentId=self.world.root, DestinationParentId=inner)
        shown = self.organizations.describe_account(AccountId=account)["Account"]
        self.assertEqual(("ACTIVE", "ACTIVE"), (shown["State"], shown["Status"]))
        self.assertEqual([f"{self.world.organization_id}/{self.world.root}/{outer}/{inner}/{account}/"], shown["Paths"])

    def test_only_the_management_account_and_delegated_administrators_list_accounts(self):
        member = self.world.create_account(f"delegate-{self.number}")
        asking = self.client("organizations", member)
        with self.refused("AccessDeniedException"):
            asking.list_accounts()
        self.organizations.register_delegated_administrator(AccountId=member, ServicePrincipal="ssm.amazonaws.com")
        self.assertEqual(self.organizations.list_accounts()["Accounts"], asking.list_accounts()["Accounts"])

    def test_an_account_outside_an_organisation_is_refused(self):
        account = self.world.create_account(f"leaving-{self.number}")
        asking = self.client("organizations", account)
        self.organizations.remove_account_from_organization(AccountId=account)
        with self.refused("AWSOrganizationsNotInUseException"):
            asking.list_accounts()


class KmsCheck(Check):
    def test_keys_and_aliases_belong_to_an_account_and_region(self):
        alias = f"alias/check-{self.number}"
        kms = self.client("kms")
        key = kms.create_key()["KeyMetadata"]["KeyId"]
        kms.create_alias(AliasName=alias, TargetKeyId=key)
        self.assertEqual(key, kms.describe_key(KeyId=alias)["KeyMetadata"]["KeyId"])
        for elsewhere in (self.client("kms", region=FAR), self.client("kms", self.world.members[1])):
            with self.refused("NotFoundException"):
                elsewhere.describe_key(KeyId=alias)
        kms.disable_key(KeyId=key)
        self.assertEqual("Disabled", kms.describe_key(KeyId=alias)["KeyMetadata"]["KeyState"])
