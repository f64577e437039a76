"""From a request to a turn: the conversation put together, the routes chosen, nothing kept yet."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from time import time

from rejoinder import context
from rejoinder.compaction.before_turn import CompactingAttempts
from rejoinder.compaction.on_demand import check_compactable, compacted
from rejoinder.compaction.sealed import expanded, seal_digest, vendor_secrets
from rejoinder.compaction.summarising import Summary, summarised, summary_request, to_summarise
from rejoinder.conversation_locks import ConversationLocks
from rejoinder.engine.assembler import ResponseAssembler
from rejoinder.engine.padding import padded, unpadded
from rejoinder.engine.tool_names import ToolNames
from rejoinder.providers.attempts import Attempts, Errand
from rejoinder.providers.base import Turn
from rejoinder.providers.circuits import Circuits
from rejoinder.providers.registry import Registry, Route
from rejoinder.schema.echo import first_response
from rejoinder.schema.ids import new_id
from rejoinder.schema.items import INCLUDE_SEALED, Item
from rejoinder.schema.request import CreateResponse
from rejoinder.schema.response import CompactedResponse
from rejoinder.schema.tools import Tool
from rejoinder.sealing import Sealer, Secret
from rejoinder.storage.base import ResponseStore, StoredResponse
from rejoinder.truncation import shortened


@dataclass(slots=True)
class Draft:
    """A turn before it is known who is asked, and how much of the conversation fits.

    It belongs to one `Attempts`, which may shorten it; nobody else sees that.
    """

    tenant: str
    request: CreateResponse
    errand: Errand
    routes: Sequence[Route]
    items: list[Item]
    tools: ToolNames
    known_tools: ToolNames
    sealer: Sealer

    def turn_for(self, route: Route) -> Turn:
        """The turn as this route's provider is asked it, with the thinking that it signed."""
        return Turn(
            model=route.model,
            request=self.request,
            items=self.items,
            tools=self.tools,
            known_tools=self.known_tools,
            facts=route.facts,
            is_streamed=self.request.stream or self.request.background,
            signed=context.signed(self.sealer, self.tenant, self.items, route.dialect)
            | vendor_secrets(self.sealer, self.tenant, self.items, route.dialect),
        )

    def shorten(self) -> bool:
        """Leave out the oldest steps, if the client allows it and there are any."""
        if self.request.truncation != "auto" or (fewer := shortened(self.items)) is None:
            return False
        self.items = fewer
        return True


@dataclass(frozen=True, slots=True)
class Earlier:
    """What was said before a turn, and the tools there were; of a conversation, its version."""

    items: list[Item] = field(default_factory=list)
    tools: list[Tool] = field(default_factory=list)
    version: int = 0


@dataclass(frozen=True, slots=True)
class Prepared:
    """A response that is ready to be made: nothing is kept and nobody was asked yet.

    `items` are the whole conversation; `version` is that of its conversation, as it was read.
    """

    assembler: ResponseAssembler
    attempts: Attempts | CompactingAttempts
    stored: StoredResponse
    items: list[Item]
    version: int = 0


@dataclass(frozen=True)
class Turns:
    """Prepares responses; knows which services are down."""

    registry: Registry
    store: ResponseStore
    locks: ConversationLocks
    sealer: Sealer
    retention_seconds: int
    retries: int
    patience_seconds: float  # before a stream opens though nobody has answered
    _circuits: Circuits = field(default_factory=Circuits)

    async def prepare(self, tenant: str, request: CreateResponse, response_id: str) -> Prepared:
        """A response of that id; all that can be refused is refused here.

        Raises:
            GatewayError: naming what to change.
        """
        before = await self._earlier(tenant, request)
        history = before.items
        stores = (self.store, self.locks.conversations)
        own = await context.resolved(stores, tenant, request.input, history)
        if request.conversation is not None:
            own = context.distinct(own, history)
        known_tools = request.tools or before.tools
        response = first_response(request, id=response_id, created_at=int(time()))
        expires_at = response.created_at + self.retention_seconds
        stored = StoredResponse(tenant, response, history, own, known_tools, expires_at, request)
        return replace(self.prepare_stored(stored, request), version=before.version)

    async def _earlier(self, tenant: str, request: CreateResponse) -> Earlier:
        if request.conversation is not None:
            items, version = await self.locks.read(tenant, request.conversation)
            return Earlier(items, version=version)
        if (previous := await context.continued(self.store, tenant, request)) is not None:
            return Earlier(previous.items, previous.tools)
        return Earlier()

    def prepare_stored(self, stored: StoredResponse, request: CreateResponse) -> Prepared:
        """A response whose conversation is put together already, from its beginning.

        Raises:
            GatewayError: if nobody serves the model, or the conversation is not whole.
        """
        draft = self._draft(stored, request)
        if request.is_compaction:
            check_compactable(draft.items)
        may_compact = request.is_compaction or request.compact_threshold is not None
        attempts: Attempts | CompactingAttempts = (
            self._compacting_attempts(stored, draft) if may_compact else self._attempts(draft)
        )
        assembler = ResponseAssembler(
            stored.response,
            draft.tools,
            padding=padded if request.include_obfuscation else unpadded,
            has_raw_reasoning=draft.routes[0].facts.reasoning_output == "raw",
            seal=lambda content: self.sealer.seal(
                stored.tenant, Secret(attempts.route.dialect, content)
            ),
            shows_sealed=not request.store or INCLUDE_SEALED in request.include,
        )
        return Prepared(assembler, attempts, stored, draft.items)

    async def compact(self, tenant: str, request: CreateResponse) -> CompactedResponse:
        """What takes the place of a conversation; nothing of it is kept.

        Raises:
            GatewayError: as for making a response.
        """
        prepared = await self.prepare(tenant, request, new_id("resp"))
        return await compacted(
            prepared.items,
            prepared.attempts,
            partial(self._summarise, prepared.stored),
            partial(seal_digest, self.sealer, tenant),
        )

    def _draft(self, stored: StoredResponse, request: CreateResponse) -> Draft:
        routes = self.registry.routes(request.model)
        tools = ToolNames(request.tools, request.tool_choice)
        said = [*stored.history, *stored.input]
        items = context.paired(
            expanded(self.sealer, stored.tenant, said, request.places()),
            request.conversation,
            stored.input,
        )
        known_tools = ToolNames(stored.tools)
        return Draft(
            stored.tenant,
            request,
            self._errand(stored, request),
            routes,
            items,
            tools,
            known_tools,
            self.sealer,
        )

    def _errand(self, stored: StoredResponse, request: CreateResponse) -> Errand:
        """For a turn of the client's own, or for one that it is to wait for."""
        client = stored.request or request
        if client.stream and not client.background:
            return Errand(stored.response.id, self.retries, self.patience_seconds)
        return Errand(stored.response.id, self.retries)

    def _compacting_attempts(self, stored: StoredResponse, draft: Draft) -> CompactingAttempts:
        return CompactingAttempts(
            items=draft.items,
            attempts_with=lambda items: self._attempts(replace(draft, items=items)),
            summarise=partial(self._summarise, stored),
            seal=partial(seal_digest, self.sealer, stored.tenant),
            threshold_tokens=draft.request.compact_threshold or 0,
            is_only=draft.request.is_compaction,
        )

    def _attempts(self, draft: Draft) -> Attempts:
        return Attempts(draft.routes, draft.turn_for, draft.shorten, self._circuits, draft.errand)

    async def _summarise(self, stored: StoredResponse, items: list[Item]) -> Summary:
        """By a turn of its own, of the same model; that turn never compacts anything."""
        assert stored.request is not None
        request = summary_request(stored.request)
        asked = replace(stored, history=[], input=to_summarise(stored.request, items))
        prepared = self.prepare_stored(asked, request)
        return await summarised(request, prepared.assembler, prepared.attempts.deltas())
