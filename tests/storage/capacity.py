"""What DynamoDB charges for: sizes and units by its rules.

Source: docs.aws.amazon.com/amazondynamodb/latest/developerguide/CapacityUnitCalculations.html
"""

from base64 import b64decode
from collections.abc import Iterable
from dataclasses import dataclass
from math import ceil
from typing import Any

type JSON = Any
type Call = tuple[str, str, JSON, JSON]  # service, operation, request, reply

WRITE_BYTES, READ_BYTES = 1024, 4096
WRITE_DOLLARS, READ_DOLLARS = 0.625e-6, 0.125e-6  # us-east-1, on demand


def size_of(item: dict[str, JSON]) -> int:
    """The bytes of an item: its names and its values."""
    return sum(len(name.encode()) + _size(*typed.items()) for name, typed in item.items())


def _size(typed: tuple[str, JSON]) -> int:
    kind, value = typed
    if kind == "B":
        return len(b64decode(value))
    if kind == "BOOL":
        return 1
    if kind == "N":
        digits = value.replace(".", "").lstrip("-").strip("0")
        return ceil(len(digits) / 2) + 1 + int(value.startswith("-"))
    return len(str(value).encode())


@dataclass
class Units:
    """What some calls are charged for."""

    calls: int = 0
    writes: int = 0
    reads: int = 0

    @property
    def dollars(self) -> float:
        return self.writes * WRITE_DOLLARS + self.reads * READ_DOLLARS


class Meter:
    """Counts the units of calls; it must see all that wrote, because sizes before count, too."""

    def __init__(self) -> None:
        self._items: dict[str, JSON] = {}

    def units_of(self, calls: Iterable[Call]) -> Units:
        """The units of the next calls."""
        units = Units()
        for _, operation, request, reply in calls:
            units.calls += 1
            match operation:
                case "PutItem":
                    units.writes += self._put(request["Item"])
                case "UpdateItem":
                    assert request["ReturnValues"] == "ALL_NEW"
                    units.writes += self._put(reply["Attributes"])
                case "BatchWriteItem":
                    units.writes += sum(map(self._written, _asked(request)))
                case "GetItem":
                    units.reads += _reads(request, [reply.get("Item", {})])
                case "Query":
                    units.reads += _reads(request, reply["Items"])
                case _:
                    raise AssertionError(operation)
        return units

    def _written(self, asked: JSON) -> int:
        if "PutRequest" in asked:
            return self._put(asked["PutRequest"]["Item"])
        gone = self._items.pop(_key(asked["DeleteRequest"]["Key"]), {})
        return _writes(size_of(gone)) + int("waiting" in gone)

    def _put(self, item: JSON) -> int:
        """The larger of what was and what is; and the index, if the item comes, goes or moves."""
        before = self._items.get(_key(item), {})
        self._items[_key(item)] = item
        is_indexed_anew = before.get("waiting") != item.get("waiting")
        return _writes(max(size_of(before), size_of(item))) + int(is_indexed_anew)


def _asked(request: JSON) -> list[JSON]:
    [asked] = request["RequestItems"].values()
    return list(asked)


def _key(item: JSON) -> str:
    return f"{item['pk']['S']} {item['sk']['S']}"


def _writes(size: int) -> int:
    return max(1, ceil(size / WRITE_BYTES))


def _reads(request: JSON, items: list[JSON]) -> int:
    assert request["ConsistentRead"] is True
    return max(1, ceil(sum(map(size_of, items)) / READ_BYTES))
