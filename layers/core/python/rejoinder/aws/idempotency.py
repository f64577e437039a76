"""Idempotency keys in the table: an item each, kept under a condition."""

from collections.abc import Callable
from time import time

from rejoinder.aws.client import AwsError, Service
from rejoinder.aws.table import EXPIRES_AT, PK, idempotency_key
from rejoinder.storage.idempotency import Remembered


class DynamoKeys:
    """`IdempotencyKeys` in a table."""

    def __init__(self, dynamodb: Service, table: str, clock: Callable[[], float] = time) -> None:
        self._dynamodb = dynamodb
        self._table = table
        self._clock = clock

    async def remember(
        self, tenant: str, key: str, what: Remembered, *, expires_at: int
    ) -> Remembered | None:
        item = {
            **idempotency_key(tenant, key),
            "digest": {"S": what.digest},
            "response_id": {"S": what.response_id},
            "reserved_until": {"N": str(what.reserved_until)},
            EXPIRES_AT: {"N": str(expires_at)},
        }
        request = {
            "TableName": self._table,
            "Item": item,
            "ConditionExpression": f"attribute_not_exists({PK}) OR {EXPIRES_AT} <= :now",
            "ExpressionAttributeValues": {":now": {"N": str(self._clock())}},
            "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
        }
        try:
            await self._dynamodb.call("PutItem", request)
        except AwsError as error:
            if error.code != "ConditionalCheckFailedException":
                raise
            found = error.body["Item"]
            if found["response_id"] == item["response_id"]:
                return None  # it was we who put it, and the reply was lost
            return Remembered(
                found["digest"]["S"],
                found["response_id"]["S"],
                float(found["reserved_until"]["N"]),
            )
        return None

    async def forget(self, tenant: str, key: str, response_id: str) -> None:
        request = {
            "TableName": self._table,
            "Key": idempotency_key(tenant, key),
            "ConditionExpression": "response_id = :response_id",
            "ExpressionAttributeValues": {":response_id": {"S": response_id}},
        }
        try:
            await self._dynamodb.call("DeleteItem", request)
        except AwsError as error:
            if error.code != "ConditionalCheckFailedException":
                raise
