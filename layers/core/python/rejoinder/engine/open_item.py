"""An item that is being written: the part that all kinds share.

An open item knows the events of its own life: `open`, then `add` for each delta, then `close`.
It holds fragments; each item that it shows, empty or final, is a new value, so that an event
once told never changes. Event orders: contract §4.4.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence

from rejoinder.engine.deltas import Delta
from rejoinder.engine.padding import Padding
from rejoinder.schema import events
from rejoinder.schema.events import StreamEvent
from rejoinder.schema.items import JSON, ItemStatus, OutputItem


class OpenItem(ABC):
    """An item at its place in the output."""

    def __init__(self, item_id: str, output_index: int, padding: Padding) -> None:
        self.id = item_id
        self.output_index = output_index
        self.pad = padding
        self.fragments: list[str] = []
        self.secret: JSON = None  # what the upstream signed of it

    @property
    def said(self) -> str:
        """All fragments of the part being written, joined."""
        return "".join(self.fragments)

    def open(self) -> Sequence[StreamEvent]:
        """Tell that the item begins, empty."""
        return [events.OutputItemAdded(output_index=self.output_index, item=self.empty())]

    def close(self, status: ItemStatus) -> Sequence[StreamEvent]:
        """Tell that the item has ended; the last event holds its final form."""
        told = self.finish(status)
        item = self.final(status)
        return [*told, events.OutputItemDone(output_index=self.output_index, item=item)]

    @property
    def is_settled(self) -> bool:
        """Whether nothing need follow, so that the next item may begin."""
        return True

    @abstractmethod
    def takes(self, delta: Delta) -> bool:
        """Whether this delta, of the item's own block, belongs to it."""

    @abstractmethod
    def empty(self) -> OutputItem:
        """The item with every key and no content."""

    @abstractmethod
    def add(self, delta: Delta) -> Sequence[StreamEvent]:
        """Take a delta that `takes` agrees to."""

    @abstractmethod
    def finish(self, status: ItemStatus) -> Sequence[StreamEvent]:
        """The events between the last delta and the end of the item."""

    @abstractmethod
    def final(self, status: ItemStatus) -> OutputItem:
        """The item with all that was said."""
