"""From a request to a turn: the conversation put together, the routes chosen, nothing kept yet."""

from dataclasses import dataclass, field, replace
from time import time

from rejoinder import context
from rejoinder.compacting import Asking, Compacting, summarising, summary, to_summarise
from rejoinder.engine.assembler import ResponseAssembler
from rejoinder.engine.padding import padded, unpadded
from rejoinder.engine.tool_names import ToolNames
from rejoinder.floor import Floor
from rejoinder.folding import Fold, folded, natives, unfolded
from rejoinder.providers.attempts import Attempts, Circuit
from rejoinder.providers.base import Turn
from rejoinder.providers.registry import Registry, Route
from rejoinder.schema.echo import first_response
from rejoinder.schema.items import Compaction, Item
from rejoinder.schema.request import CreateResponse
from rejoinder.schema.response import Usage
from rejoinder.schema.tools import Tool
from rejoinder.sealing import Sealer, Secret
from rejoinder.storage.base import ResponseStore, StoredResponse
from rejoinder.truncation import shortened

INCLUDE_SEALED = "reasoning.encrypted_content"


@dataclass(slots=True)
class Draft:
    """A turn before it is known who is asked, and how much of the conversation fits."""

    tenant: str
    request: CreateResponse
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
            | natives(self.sealer, self.tenant, self.items, route.dialect),
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
class Begun:
    """A response that is ready to be made: nothing is kept and nobody was asked yet.

    `version` is that of its conversation, as it was read.
    """

    assembler: ResponseAssembler
    attempts: Asking
    stored: StoredResponse
    draft: Draft
    version: int = 0


@dataclass(frozen=True)
class Turns:
    """Begins responses; knows which services are down."""

    registry: Registry
    store: ResponseStore
    floor: Floor
    sealer: Sealer
    retention_seconds: int
    retries: int
    _circuits: dict[str, Circuit] = field(default_factory=dict)

    async def begin(self, tenant: str, request: CreateResponse, response_id: str) -> Begun:
        """A response of that id; all that can be refused is refused here.

        Raises:
            GatewayError: naming what to change.
        """
        before = await self._earlier(tenant, request)
        history = before.items
        stores = (self.store, self.floor.conversations)
        own = await context.resolved(stores, tenant, request.input, history)
        if request.conversation is not None:
            own = context.distinct(own, history)
        known_tools = request.tools or before.tools
        response = first_response(request, id=response_id, created_at=int(time()))
        expires_at = response.created_at + self.retention_seconds
        stored = StoredResponse(tenant, response, history, own, known_tools, expires_at, request)
        return replace(self.again(stored, request), version=before.version)

    async def _earlier(self, tenant: str, request: CreateResponse) -> Earlier:
        if request.conversation is not None:
            items, version = await self.floor.opened(tenant, request.conversation)
            return Earlier(items, version=version)
        if (before := await context.earlier(self.store, tenant, request)) is not None:
            return Earlier(before.items, before.tools)
        return Earlier()

    def again(self, stored: StoredResponse, request: CreateResponse) -> Begun:
        """A response whose conversation is put together already, from its beginning.

        Raises:
            GatewayError: if nobody serves the model, or the conversation is not whole.
        """
        begun = self._begun(stored, request)
        if request.compact_threshold is None and not request.is_compaction:
            return begun

        async def fold(older: list[Item], tail: list[Item]) -> tuple[Compaction, Usage]:
            made, usage = await self.fold(stored, older, tail, is_whole=True)
            return folded(self.sealer, stored.tenant, made), usage

        compacting = Compacting(
            begun.attempts,
            begun.draft,
            fold,
            lambda items: unfolded(self.sealer, stored.tenant, items, {}),
            request.compact_threshold or 0,
            is_only=request.is_compaction,
        )
        return replace(begun, attempts=compacting)

    async def fold(
        self, stored: StoredResponse, items: list[Item], tail: list[Item], *, is_whole: bool
    ) -> tuple[Fold, Usage]:
        """The items as a summary by the model that is asked for, and the tail word for word.

        Raises:
            GatewayError: if the model cannot be asked, or says nothing.
        """
        assert stored.request is not None
        request = summarising(stored.request)
        asked = replace(stored, history=[], input=to_summarise(stored.request, items))
        begun = self._begun(asked, request)
        told = await summary(begun.assembler, begun.attempts)
        return Fold(request.model, told.text, tail, is_whole), told.usage

    def _begun(self, stored: StoredResponse, request: CreateResponse) -> Begun:
        tenant = stored.tenant
        routes = self.registry.routes(request.model)
        tools = ToolNames(request.tools, request.tool_choice)
        whole = [*stored.history, *stored.input]
        items = context.paired(unfolded(self.sealer, tenant, whole, request.places()))
        draft = Draft(tenant, request, items, tools, ToolNames(stored.tools), self.sealer)
        attempts = Attempts(
            routes, draft.turn_for, draft.shorten, self._circuit_of, retries=self.retries
        )
        assembler = ResponseAssembler(
            stored.response,
            tools,
            padding=padded if request.include_obfuscation else unpadded,
            has_raw_reasoning=routes[0].facts.reasoning_output == "raw",
            seal=lambda content: self.sealer.seal(tenant, Secret(attempts.route.dialect, content)),
            shows_sealed=not request.store or INCLUDE_SEALED in request.include,
        )
        return Begun(assembler, attempts, stored, draft)

    def _circuit_of(self, service: str) -> Circuit:
        return self._circuits.setdefault(service, Circuit())
