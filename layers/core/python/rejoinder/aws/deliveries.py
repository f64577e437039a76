"""The log of webhook deliveries in the table: a partition of each tenant's, sorted by time."""

from collections.abc import Callable
from time import time, time_ns
from uuid import uuid4

from msgspec.json import decode, encode

from rejoinder.aws.client import Service
from rejoinder.aws.table import EXPIRES_AT, PK, SK, deliveries_key
from rejoinder.schema.items import JSON
from rejoinder.storage.deliveries import Delivery


class DynamoDeliveries:
    """A `DeliveryLog` in a table."""

    def __init__(self, dynamodb: Service, table: str, clock: Callable[[], float] = time) -> None:
        self._dynamodb = dynamodb
        self._table = table
        self._clock = clock

    async def note(self, delivery: Delivery, *, expires_at: int) -> None:
        noted = f"{time_ns():020d}-{uuid4().hex[:8]}"  # sorts those of one second
        item = {
            PK: {"S": deliveries_key(delivery.tenant)},
            SK: {"S": f"{delivery.at:012d}#{noted}"},
            "webhook": {"S": delivery.webhook},
            "event": {"S": encode(delivery.event).decode()},
            "attempt": {"N": str(delivery.attempt)},
            "at": {"N": str(delivery.at)},
            "outcome": {"S": delivery.outcome},
            EXPIRES_AT: {"N": str(expires_at)},
        }
        await self._dynamodb.call("PutItem", {"TableName": self._table, "Item": item})

    async def deliveries(self, tenant: str, *, limit: int) -> list[Delivery]:
        request = {
            "TableName": self._table,
            "KeyConditionExpression": f"{PK} = :pk",
            "FilterExpression": f"{EXPIRES_AT} > :now",
            "ExpressionAttributeValues": {
                ":pk": {"S": deliveries_key(tenant)},
                ":now": {"N": str(self._clock())},
            },
            "ScanIndexForward": False,
            "ConsistentRead": True,
            "Limit": limit,
        }
        found: list[Delivery] = []
        while True:
            page = await self._dynamodb.call("Query", request)
            found += (_delivery_in(tenant, item) for item in page["Items"])
            if len(found) >= limit or "LastEvaluatedKey" not in page:
                return found[:limit]
            request["ExclusiveStartKey"] = page["LastEvaluatedKey"]  # it lacked what has expired


def _delivery_in(tenant: str, item: JSON) -> Delivery:
    return Delivery(
        tenant,
        item["webhook"]["S"],
        decode(item["event"]["S"]),
        int(item["attempt"]["N"]),
        int(item["at"]["N"]),
        item["outcome"]["S"],
    )
