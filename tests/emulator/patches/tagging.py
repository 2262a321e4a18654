"""Resource Groups Tagging API: GetResources."""

import uuid

from moto.core.resource_tagging import make_tag_matcher, match_resource_type
from moto.core.responses import ActionResult
from moto.resourcegroupstaggingapi.exceptions import ResourceGroupsTaggingAPIError
from moto.resourcegroupstaggingapi.responses import ResourceGroupsTaggingAPIResponse
from moto.secretsmanager.models import secretsmanager_backends
from moto.ssm.models import ssm_backends

from . import patch

BACKENDS = {"ssm": ssm_backends, "secretsmanager": secretsmanager_backends}
DEFAULT_PAGE, LARGEST_PAGE = 50, 100

# The remaining resources of a list by token. The first page reads the whole list.
_left = {}


def tagged_resources(account_id, region_name, types, filters):
    """The tagged resources of the requested types in this account and Region."""
    matches = make_tag_matcher(filters)
    for service in sorted({name.split(":")[0] for name in types}):
        for resource in BACKENDS[service][account_id][region_name].iter_tagged_resources():
            if resource.tags and match_resource_type(resource.resource_type, types) and matches(resource.tags):
                yield resource


@patch(ResourceGroupsTaggingAPIResponse)
def get_resources(self):
    """A page has 1 to 100 resources. The PaginationToken of the last page is the empty string.

    moto ends a page at 100 tags although the page size counts resources. It reads each page from the current state, so
    a write between two pages breaks the list. moto handles requests for other resource types.
    """
    types = self._get_param("ResourceTypeFilters", [])
    if not types or not {name.split(":")[0] for name in types} <= set(BACKENDS):
        return get_resources.stock(self)
    limit = self._get_int_param("ResourcesPerPage", DEFAULT_PAGE)
    if not 1 <= limit <= LARGEST_PAGE:
        raise ResourceGroupsTaggingAPIError(
            "InvalidParameterException", f"ResourcesPerPage must be between 1 and {LARGEST_PAGE}"
        )
    token = self._get_param("PaginationToken") or ""
    if not token:
        resources = list(tagged_resources(self.current_account, self.region, types, self._get_param("TagFilters", [])))
    elif token in _left:
        resources = _left[token]
    else:
        raise ResourceGroupsTaggingAPIError("PaginationTokenExpiredException", "The token is unknown or has expired.")
    page, rest = resources[:limit], resources[limit:]
    next_token = str(uuid.uuid4()) if rest else ""
    if rest:
        _left[next_token] = rest
    return ActionResult(
        {
            "PaginationToken": next_token,
            "ResourceTagMappingList": [
                {"ResourceARN": r.arn, "Tags": [{"Key": k, "Value": v} for k, v in r.tags.items()]} for r in page
            ],
        }
    )
