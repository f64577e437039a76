"""The state machine: deltas in, events out.

Laws (contract §4.3, §4.4):

1. Whatever decides the order, the indexes or the numbers of events lives here and in the
   `open_*` modules. Nothing here does I/O or knows which upstream is speaking.
2. One item is open at a time, and it is done before the next is added. What an upstream says
   of another block meanwhile waits until the open item is *settled*: text and thinking always
   are, a call once its arguments are a whole JSON object.
3. A told event never changes: items and responses in events are values of their own.
4. After the terminal event nothing is told.
"""

from collections.abc import Callable, Sequence
from time import time

from msgspec.structs import replace

from rejoinder.engine.calls import Calls
from rejoinder.engine.deltas import (
    Block,
    BlockDelta,
    BlockEnded,
    Delta,
    Finished,
    ReasoningDelta,
    ReasoningSigned,
    RefusalDelta,
    Relayed,
    Started,
    TextDelta,
    ToolCallDelta,
)
from rejoinder.engine.failures import error_event, response_error
from rejoinder.engine.open_item import OpenItem
from rejoinder.engine.open_message import OpenMessage
from rejoinder.engine.open_reasoning import OpenRawReasoning, OpenReasoning
from rejoinder.engine.open_relayed import OpenRelayed
from rejoinder.engine.padding import Padding, padded
from rejoinder.engine.tool_names import ToolNames
from rejoinder.errors import GatewayError
from rejoinder.schema import events
from rejoinder.schema.events import StreamEvent
from rejoinder.schema.items import JSON, ItemStatus, OutputItem
from rejoinder.schema.response import (
    IncompleteDetails,
    Response,
    Status,
    Usage,
    joined_text,
)

type Seal = Callable[[JSON], str]  # a secret of the upstream's → text that only we can read


class ResponseAssembler:
    """Folds deltas into a response and narrates each change as stream events."""

    def __init__(
        self,
        response: Response,
        tools: ToolNames,
        *,
        padding: Padding = padded,
        has_raw_reasoning: bool = False,
        seal: Seal | None = None,
        shows_sealed: bool = False,
    ) -> None:
        self.response = response
        self.sealed: dict[str, str] = {}  # by item id: what upstreams signed, for later turns
        self._seal = seal
        self._shows_sealed = shows_sealed
        self._calls = Calls(tools)
        self._pad = padding
        self._new_reasoning = OpenRawReasoning if has_raw_reasoning else OpenReasoning
        self._done: list[OutputItem] = []
        self._item: OpenItem | None = None
        self._block: Block | None = None  # of the open item
        self._waiting: dict[Block, list[BlockDelta]] = {}
        self._next_number = 0
        self._is_promised = False
        self.has_started = False  # whether anything was told
        self.failure: GatewayError | None = None  # what it failed of, if it did

    @property
    def kept(self) -> Response:
        """The response as it is to be stored: with what was sealed, shown or not."""
        if not self.sealed:
            return self.response
        output = [
            item | {"encrypted_content": self.sealed[item["id"]]}
            if item["id"] in self.sealed
            else item
            for item in self.response.output
        ]
        return replace(self.response, output=output)

    @property
    def must_tell(self) -> bool:
        """Whether a failure can only be told: for raising it, it is too late."""
        return self.has_started or self._is_promised

    def promise(self) -> None:
        """The client has its status line: whatever happens now is told in events."""
        self._is_promised = True

    @property
    def is_finished(self) -> bool:
        """Whether the terminal event was told."""
        return not self.response.is_live

    def resume(self, *, next_number: int, done: list[OutputItem], item: OpenItem | None) -> None:
        """Stand where another process left off."""
        self._next_number, self._done, self._item = next_number, done, item
        self.has_started = next_number > 0
        self._show_done()

    def feed(self, deltas: Sequence[Delta]) -> list[StreamEvent]:
        """Apply deltas that came together. A list, not a generator: they change us, read or not.

        An upstream that contradicts itself makes the response fail; nothing is raised, because
        an exception would lose what was to be told before it.
        """
        told: list[StreamEvent] = []
        for delta in deltas:
            told += self._change(delta)
            if self._calls.fault is not None and not self.is_finished:
                told += self._failure(self._calls.fault)
        return self._numbered(told)

    def enqueue(self) -> list[StreamEvent]:
        """Tell that a background response waits for its worker."""
        self.has_started = True
        self.response = replace(self.response, status="queued")
        shown = self.response
        return self._numbered([events.Created(response=shown), events.Queued(response=shown)])

    def cancel(self) -> list[StreamEvent]:
        """End as cancelled, with what there is; nothing if it has ended already (§4.4)."""
        if self.is_finished:
            return []
        told = self._close_all("incomplete")
        self._end("cancelled", Usage())
        return self._numbered([*told, events.Incomplete(response=self.response)])

    def cut(self) -> list[StreamEvent]:
        """End as incomplete, with what there is, because time is up."""
        if self.is_finished:
            return []
        return self.feed([Started(), Finished("max_output_tokens")])

    def fail(self, error: GatewayError) -> list[StreamEvent]:
        """End as failed, telling why; nothing if it has ended already."""
        return self._numbered([] if self.is_finished else self._failure(error))

    def _numbered(self, told: list[StreamEvent]) -> list[StreamEvent]:
        number = self._next_number
        for event in told:
            event.sequence_number = number
            number += 1
        self._next_number = number
        return told

    def _change(self, delta: Delta) -> Sequence[StreamEvent]:
        if isinstance(delta, Started):
            return self._start()
        if self.is_finished:
            return []
        if isinstance(delta, Finished):
            return self._finish(delta)
        if delta.block != self._block:
            return self._turn_to(delta)
        told = self._apply(delta)
        return [*told, *self._advance()] if self._waiting else told

    def _start(self) -> Sequence[StreamEvent]:
        is_queued = self.has_started and self.response.status == "queued"
        if self.has_started and not is_queued:
            return []
        self.has_started = True
        self.response = replace(self.response, status="in_progress")
        begun = events.InProgress(response=self.response)
        return [begun] if is_queued else [events.Created(response=self.response), begun]

    def _turn_to(self, delta: BlockDelta) -> Sequence[StreamEvent]:
        """A block other than the open one: its turn comes when the open item is settled."""
        if isinstance(delta, BlockEnded) and delta.block not in self._waiting:
            return []  # nothing was said in it, or it is closed
        self._waiting.setdefault(delta.block, []).append(delta)
        return self._advance()

    def _advance(self) -> Sequence[StreamEvent]:
        told: list[StreamEvent] = []
        while self._waiting and (self._item is None or self._item.is_settled):
            told += self._apply_waiting()
        return told

    def _apply_waiting(self) -> Sequence[StreamEvent]:
        """What the first waiting block says; a new item that it begins closes the open one."""
        first = next(iter(self._waiting))
        return [event for delta in self._waiting.pop(first) for event in self._apply(delta)]

    def _apply(self, delta: BlockDelta) -> Sequence[StreamEvent]:
        """A delta whose turn it is: more of the open item, or the first of a new one."""
        if isinstance(delta, BlockEnded):
            return self._close("completed") if delta.block == self._block else []
        if isinstance(delta, TextDelta | RefusalDelta | ReasoningDelta) and not delta.text:
            return []
        if self._item is not None and delta.block == self._block and self._item.takes(delta):
            return self._item.add(delta)
        item = self._new_item(delta)
        if item is None:
            return []
        told = self._close("completed")
        self._item, self._block = item, delta.block
        return [*told, *item.open(), *item.add(delta)]

    def _new_item(self, delta: BlockDelta) -> OpenItem | None:
        index = len(self._done) + (self._item is not None)
        if isinstance(delta, ToolCallDelta):
            return self._calls.opened(delta, index, self._pad)
        if isinstance(delta, ReasoningDelta | ReasoningSigned):
            return self._new_reasoning(index, self._pad)
        if isinstance(delta, Relayed):
            return OpenRelayed(index, self._pad, delta.event["item"])
        return OpenMessage(index, self._pad)

    def _close(self, status: ItemStatus) -> Sequence[StreamEvent]:
        if self._item is None:
            return []
        told = self._item.close(status)
        done = told[-1]
        assert isinstance(done, events.OutputItemDone)
        self._keep_secret(self._item, done)
        self._done = [*self._done, done.item]
        self._item = self._block = None
        self._show_done()
        return told

    def _show_done(self) -> None:
        self.response = replace(
            self.response, output=self._done, output_text=joined_text(self._done)
        )

    def _keep_secret(self, item: OpenItem, done: events.OutputItemDone) -> None:
        if self._seal is not None and item.secret is not None:
            self.sealed[item.id] = self._seal(item.secret)
            if self._shows_sealed:
                done.item["encrypted_content"] = self.sealed[item.id]

    def _close_all(self, status: ItemStatus) -> Sequence[StreamEvent]:
        """Close what is open and all that waits behind it; the last ends with `status`."""
        told: list[StreamEvent] = []
        while self._waiting:
            told += self._apply_waiting()
        return [*told, *self._close(status)]

    def _finish(self, delta: Finished) -> Sequence[StreamEvent]:
        told = self._close_all("completed" if delta.reason == "stop" else "incomplete")
        if self._calls.fault is not None:
            return told  # `feed` ends it
        usage, tier = delta.usage, delta.service_tier or "default"
        if delta.reason == "stop":
            self._end("completed", usage, service_tier=tier, completed_at=int(time()))
            return [*told, events.Completed(response=self.response)]
        details = IncompleteDetails(delta.reason)
        self._end("incomplete", usage, service_tier=tier, incomplete_details=details)
        return [*told, events.Incomplete(response=self.response)]

    def _failure(self, error: GatewayError) -> list[StreamEvent]:
        begun = [] if self.has_started else self._start()
        told = [*begun, *self._close_all("incomplete")]
        self.failure = error
        shown = response_error(error)
        self._end("failed", None, error=shown)
        return [
            *told,
            error_event(shown),
            events.Failed(response=self.response),
        ]

    def _end(self, status: Status, usage: Usage | None, **changes: JSON) -> None:
        self.response = replace(self.response, status=status, usage=usage, **changes)
