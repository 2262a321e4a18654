"""SSM: the resources that can be tagged, and the limits of tags."""

from moto.ssm.exceptions import InvalidResourceId, SSMException, ValidationException
from moto.ssm.models import SimpleSystemManagerBackend
from moto.ssm.responses import SimpleSystemManagerResponse

from . import patch

TAGS_LIMIT = 50
KEY_LENGTH, VALUE_LENGTH = 128, 256


def check_tags(tags, already):
    """Keys that begin with `aws:` are reserved for AWS. A parameter has at most 50 other tags."""
    for key, value in tags.items():
        if key.lower().startswith("aws:"):
            raise ValidationException("aws: prefixed tag key names are not allowed for external use.")
        if not 1 <= len(key) <= KEY_LENGTH or len(value) > VALUE_LENGTH:
            raise ValidationException(f"A tag's key has 1 to {KEY_LENGTH} characters, its value up to {VALUE_LENGTH}.")
    own = {key for key in {*tags, *already} if not key.lower().startswith("aws:")}
    if len(own) > TAGS_LIMIT:
        raise SSMException("TooManyTagsError", f"A resource has at most {TAGS_LIMIT} tags.")


@patch(SimpleSystemManagerResponse)
def add_tags_to_resource(self):
    """Refuses `aws:` keys and a 51st tag. A refused call adds none of its tags."""
    if self._get_param("ResourceType") == "Parameter":
        already = self.ssm_backend.list_tags_for_resource("Parameter", self._get_param("ResourceId"))
        check_tags({tag["Key"]: tag["Value"] for tag in self._get_param("Tags")}, already)
    return add_tags_to_resource.stock(self)


@patch(SimpleSystemManagerBackend)
def _validate_resource_type_and_id(self, resource_type, resource_id):
    """A parameter's `ResourceId` is its name. moto also accepts ARNs and versions."""
    if resource_type == "Parameter" and ":" in resource_id:
        raise InvalidResourceId
    return _validate_resource_type_and_id.stock(self, resource_type, resource_id)
