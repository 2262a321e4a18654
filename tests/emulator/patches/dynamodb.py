"""DynamoDB: BatchWriteItem."""

from moto.dynamodb.exceptions import MockValidationException
from moto.dynamodb.responses import DynamoHandler

from . import patch


@patch(DynamoHandler)
def batch_write_item(self):
    """A batch names each item once. moto compares whole items, so it accepts a put and a deletion of one item."""
    for name, requests in self.body["RequestItems"].items():
        attributes = self.dynamodb_backend.get_table(name).attribute_keys
        keys = []
        for request in requests:
            item = request["PutRequest"]["Item"] if "PutRequest" in request else request["DeleteRequest"]["Key"]
            keys.append([item.get(attribute) for attribute in attributes])
        if any(key in keys[:number] for number, key in enumerate(keys)):
            raise MockValidationException("Provided list of item keys contains duplicates")
    return batch_write_item.stock(self)
