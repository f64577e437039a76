"""From a request to a turn: the conversation put together, the routes chosen, nothing kept yet."""

from dataclasses import dataclass, field
from time import time

from rejoinder import conversation
from rejoinder.engine.assembler import ResponseAssembler
from rejoinder.engine.padding import padded, unpadded
from rejoinder.engine.tool_names import ToolNames
from rejoinder.providers.attempts import Attempts, Circuit
from rejoinder.providers.base import Turn
from rejoinder.providers.registry import Registry, Route
from rejoinder.schema.echo import first_response
from rejoinder.schema.ids import new_id
from rejoinder.schema.items import Item
from rejoinder.schema.request import CreateResponse
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
            signed=conversation.signed(self.sealer, self.tenant, self.items, route.dialect),
        )

    def shorten(self) -> bool:
        """Leave out the oldest steps, if the client allows it and there are any."""
        if self.request.truncation != "auto" or (fewer := shortened(self.items)) is None:
            return False
        self.items = fewer
        return True


@dataclass(frozen=True, slots=True)
class Begun:
    """A response that is ready to be made: nothing is kept and nobody was asked yet."""

    assembler: ResponseAssembler
    attempts: Attempts
    stored: StoredResponse


@dataclass(frozen=True)
class Turns:
    """Begins responses; knows which services are down."""

    registry: Registry
    store: ResponseStore
    sealer: Sealer
    retention_seconds: int
    retries: int
    _circuits: dict[str, Circuit] = field(default_factory=dict)

    async def begin(self, tenant: str, request: CreateResponse) -> Begun:
        """All that can be refused is refused here.

        Raises:
            GatewayError: naming what to change.
        """
        before = await conversation.earlier(self.store, tenant, request)
        history = before.items if before else []
        own = await conversation.resolved(self.store, tenant, request.input, history)
        known_tools = request.tools or (before.tools if before else [])
        response = first_response(request, id=new_id("resp"), created_at=int(time()))
        expires_at = response.created_at + self.retention_seconds
        stored = StoredResponse(tenant, response, history, own, known_tools, expires_at, request)
        return self.again(stored, request)

    def again(self, stored: StoredResponse, request: CreateResponse) -> Begun:
        """A response whose conversation is put together already, from its beginning.

        Raises:
            GatewayError: if nobody serves the model, or the conversation is not whole.
        """
        tenant = stored.tenant
        routes = self.registry.routes(request.model)
        tools = ToolNames(request.tools, request.tool_choice)
        items = conversation.paired([*stored.history, *stored.input])
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
        return Begun(assembler, attempts, stored)

    def _circuit_of(self, service: str) -> Circuit:
        return self._circuits.setdefault(service, Circuit())
