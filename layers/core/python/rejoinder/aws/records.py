"""The table's items as plain dictionaries: kept, changed under conditions, read, removed."""

import asyncio
import re
from base64 import b64decode, b64encode
from collections.abc import AsyncGenerator, AsyncIterator, Iterable, Mapping, Sequence
from contextlib import aclosing
from itertools import batched
from random import uniform
from typing import Any

from rejoinder.aws.client import AwsError, Service
from rejoinder.aws.table import PK, SK
from rejoinder.errors import Unavailable
from rejoinder.schema.items import JSON

type Record = dict[str, Any]  # attributes that are text, bytes, numbers or truths
type Key = tuple[str, str]

BATCH_ITEMS = 25  # of one BatchWriteItem
PAGE = 500  # records; a page ends at 1 MB, too
WAITS_SECONDS = (0.05, 0.1, 0.2, 0.4, 0.8, 1.6)  # for what a busy table left undone

_NAME = re.compile(r"#(\w+)")
_VALUE = re.compile(r":(\w+)")


class Refused(Exception):
    """A condition did not hold; `found` is what stood there instead."""

    def __init__(self, found: Record | None) -> None:
        super().__init__()
        self.found = found


class Records:
    """One table. Every reading is strongly consistent.

    In expressions `#name` is an attribute and `:name` a value.
    """

    def __init__(self, dynamodb: Service, table: str) -> None:
        self._dynamodb = dynamodb
        self._table = table

    async def keep(self, records: Sequence[Record]) -> None:
        """Put records, in no order; those that were there are replaced.

        Raises:
            Unavailable: as every method here, if the table cannot be reached, or is too busy.
        """
        if len(records) == 1:
            await self._call("PutItem", Item=written(records[0]))
            return
        by_key = {(record[PK], record[SK]): record for record in records}
        await self._write({"PutRequest": {"Item": written(record)}} for record in by_key.values())

    async def remove(self, keys: Iterable[Key]) -> None:
        """Remove records, if they are there."""
        await self._write({"DeleteRequest": {"Key": _key(key)}} for key in dict.fromkeys(keys))

    async def put_new(self, record: Record) -> None:
        """Put a record where none is.

        Raises:
            Refused: if one is there.
        """
        await self._conditional("PutItem", f"attribute_not_exists(#{PK})", {}, Item=written(record))

    async def update(
        self,
        key: Key,
        changes: Mapping[str, Any],
        *,
        condition: str,
        values: Mapping[str, Any],
        removed: Sequence[str] = (),
        counted: Sequence[str] = (),
    ) -> Record:
        """Change some attributes of a record, and give it as it is then.

        `values` may hold more than the condition names; what is `counted` goes up by one.

        Raises:
            Refused: if the condition does not hold.
        """
        expression = "SET " + ", ".join(f"#{name} = :{name}" for name in changes)
        if removed:
            expression += " REMOVE " + ", ".join(f"#{name}" for name in removed)
        if counted:
            expression += " ADD " + ", ".join(f"#{name} :one" for name in counted)
        changed = await self._conditional(
            "UpdateItem",
            condition,
            {**values, **changes, "one": 1},
            Key=_key(key),
            UpdateExpression=expression,
            ReturnValues="ALL_NEW",
        )
        return read(changed["Attributes"])

    async def get(self, key: Key) -> Record | None:
        """A record, if there is one."""
        found = await self._call("GetItem", Key=_key(key), ConsistentRead=True)
        return read(found["Item"]) if "Item" in found else None

    async def newest(
        self, pk: str, low: str, high: str, *, limit: int | None = None
    ) -> list[Record]:
        """The records of a partition between two sort keys, both included, the last one first."""
        found: list[Record] = []
        async with aclosing(self.backwards(pk, low, high, page=limit)) as records:
            async for record in records:
                found.append(record)
                if len(found) == limit:
                    break
        return found

    async def backwards(
        self, pk: str, low: str, high: str, *, page: int | None = None
    ) -> AsyncGenerator[Record]:
        """As `newest`, read as far as wanted, by pages."""
        async for record in self._pages(
            "Query",
            KeyConditionExpression=f"{PK} = :pk AND {SK} BETWEEN :low AND :high",
            ExpressionAttributeValues=written({":pk": pk, ":low": low, ":high": high}),
            ScanIndexForward=False,
            Limit=page or PAGE,
        ):
            yield record

    async def past(self, now: float) -> AsyncIterator[Record]:
        """All that is expired or marked as deleted, in the whole table: for small ones only."""
        async for record in self._pages(
            "Scan",
            FilterExpression="expires_at <= :now OR attribute_exists(deleted_at)",
            ExpressionAttributeValues=written({":now": now}),
        ):
            yield record

    async def _pages(self, operation: str, **request: JSON) -> AsyncIterator[Record]:
        while True:
            page = await self._call(operation, ConsistentRead=True, **request)
            for item in page["Items"]:
                yield read(item)
            if "LastEvaluatedKey" not in page:
                return
            request["ExclusiveStartKey"] = page["LastEvaluatedKey"]

    async def _write(self, asked: Iterable[JSON]) -> None:
        for some in batched(asked, BATCH_ITEMS, strict=False):
            undone: list[JSON] = list(some)
            for wait_seconds in (*WAITS_SECONDS, None):
                request = {"RequestItems": {self._table: undone}}
                reply = await self._dynamodb.call("BatchWriteItem", request)
                undone = reply.get("UnprocessedItems", {}).get(self._table, [])
                if not undone:
                    break
                if wait_seconds is None:
                    raise Unavailable("The table is too busy.", code="server_error")
                await asyncio.sleep(uniform(wait_seconds / 2, wait_seconds))

    async def _conditional(
        self, operation: str, condition: str, values: Mapping[str, Any], **request: JSON
    ) -> JSON:
        expressions = f"{condition} {request.get('UpdateExpression', '')}"
        names = {f"#{name}": name for name in _NAME.findall(expressions)}
        if said := {f":{name}": values[name] for name in _VALUE.findall(expressions)}:
            request["ExpressionAttributeValues"] = written(said)
        try:
            return await self._call(
                operation,
                ConditionExpression=condition,
                ExpressionAttributeNames=names,
                ReturnValuesOnConditionCheckFailure="ALL_OLD",
                **request,
            )
        except AwsError as error:
            if error.code != "ConditionalCheckFailedException":
                raise
            found = error.body.get("Item")
            raise Refused(read(found) if found else None) from None

    async def _call(self, operation: str, **request: JSON) -> JSON:
        return await self._dynamodb.call(operation, {"TableName": self._table, **request})


def written(record: Mapping[str, Any]) -> JSON:
    """A record as DynamoDB takes it."""
    return {name: _typed(value) for name, value in record.items()}


def read(item: JSON) -> Record:
    """A record out of what DynamoDB gives."""
    return {name: _plain(*typed.items()) for name, typed in item.items()}


def _typed(value: str | bytes | float) -> JSON:
    match value:
        case bool():
            return {"BOOL": value}
        case str():
            return {"S": value}
        case bytes():
            return {"B": b64encode(value).decode("ascii")}
        case _:
            return {"N": str(value)}


def _plain(typed: tuple[str, JSON]) -> JSON:
    match typed:
        case ("B", text):
            return b64decode(text)
        case ("N", text):
            return int(text) if text.isdigit() else float(text)
        case (_, value):
            return value


def _key(key: Key) -> JSON:
    return written({PK: key[0], SK: key[1]})
