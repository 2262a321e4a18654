"""Resource Groups Tagging API."""

from emulator import every

from .base import FAR, HOME, Check


class GetResourcesCheck(Check):
    def setUp(self):
        super().setUp()
        self.account = self.world.create_account(f"tagging-{self.number}")
        self.ssm = self.client("ssm", self.account)
        self.tagging = self.client("resourcegroupstaggingapi", self.account)

    def arn(self, path, region=HOME):
        return f"arn:aws:ssm:{region}:{self.account}:parameter/{path}"

    def found(self, client=None, types=("ssm:parameter",), **arguments):
        client = client or self.tagging
        arguments["ResourceTypeFilters"] = list(types)
        listed = every(client, "get_resources", "ResourceTagMappingList", **arguments)
        return {entry["ResourceARN"]: {tag["Key"]: tag["Value"] for tag in entry["Tags"]} for entry in listed}

    def tagged(self, name, **tags):
        self.put(name, Tags=[{"Key": key, "Value": value} for key, value in tags.items()])

    def test_parameters_have_awss_arns_and_only_tagged_ones_are_listed(self):
        self.tagged("/a/b", team="shop")
        self.tagged("Bare", team="x")
        self.tagged("/Slash", team="y")
        self.put("/un/tagged")
        wanted = {self.arn("a/b"): {"team": "shop"}, self.arn("Bare"): {"team": "x"}, self.arn("Slash"): {"team": "y"}}
        self.assertEqual(wanted, self.found())

    def test_the_list_is_limited_to_the_callers_account_and_region(self):
        self.tagged("/a/b", team="shop")
        self.assertEqual({}, self.found(self.client("resourcegroupstaggingapi", self.account, FAR)))
        self.assertNotIn(self.arn("a/b"), self.found(self.client("resourcegroupstaggingapi")))

    def test_the_page_size_counts_resources_not_tags(self):
        many = {f"key{number}": "v" for number in range(40)}
        for number in range(5):
            self.tagged(f"/many/{number}", **many)
        ask = {"ResourceTypeFilters": ["ssm:parameter"], "ResourcesPerPage": 4}
        first = self.tagging.get_resources(**ask)
        self.tagged("/many/later", **many)
        second = self.tagging.get_resources(**ask, PaginationToken=first["PaginationToken"])
        self.assertEqual((4, 1), tuple(len(page["ResourceTagMappingList"]) for page in (first, second)))
        self.assertEqual("", second["PaginationToken"])
        for size in (0, 101):
            with self.refused("InvalidParameterException"):
                self.tagging.get_resources(**{**ask, "ResourcesPerPage": size})
        with self.refused("PaginationTokenExpiredException"):
            self.tagging.get_resources(**ask, PaginationToken="unknown")

    def test_tag_filters(self):
        self.tagged("/a/b", team="shop", stage="live")
        self.tagged("/a/c", team="shop", stage="test")
        filters = [{"Key": "team", "Values": ["shop"]}, {"Key": "stage", "Values": ["live", "other"]}]
        self.assertEqual([self.arn("a/b")], list(self.found(TagFilters=filters)))
        self.assertEqual(2, len(self.found(TagFilters=[{"Key": "stage"}])))

    def test_secrets_and_their_replicas(self):
        secret = self.client("secretsmanager", self.account).create_secret(
            Name="db/main",
            SecretString="s",
            Tags=[{"Key": "team", "Value": "shop"}],
            AddReplicaRegions=[{"Region": FAR}],
        )
        far = self.client("resourcegroupstaggingapi", self.account, FAR)
        for client, arn in ((self.tagging, secret["ARN"]), (far, secret["ARN"].replace(HOME, FAR))):
            self.assertEqual({arn: {"team": "shop"}}, self.found(client, types=["secretsmanager:secret"]))
        self.assertEqual({}, self.found())
