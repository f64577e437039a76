"""From the model that a client names to the provider that answers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from fnmatch import fnmatchcase
from time import time

from rejoinder.errors import InvalidRequest
from rejoinder.providers.base import ModelFacts, Provider
from rejoinder.providers.catalogue import listed
from rejoinder.schema.items import JSON

GENERIC = ModelFacts(
    drops=frozenset({"safety_identifier", "prompt_cache_key", "service_tier", "verbosity"})
)
OPENAI = ModelFacts(
    knows_developer_role=True,
    knows_allowed_tools=True,
    enforces_schemas="all",
    max_tokens_field="max_completion_tokens",
)
type Changes = Mapping[str, Mapping[str, JSON]]  # pattern of names → facts that differ

LOCAL = replace(GENERIC, takes_image_urls=False)  # half cannot, and it may see our own network
FLAVOURS: Mapping[str, ModelFacts] = {"generic": GENERIC, "openai": OPENAI, "local": LOCAL}


@dataclass(slots=True)
class Service:
    """A provider as configured."""

    name: str
    dialect: str
    provider: Provider
    facts: ModelFacts
    patterns: Sequence[str] = ()  # names that reach it without its prefix
    models: list[str] = field(default_factory=list)  # those it was found to serve
    known: Changes = field(default_factory=dict)  # about its models, before the settings' own
    learnt_at: dict[str, int] = field(default_factory=dict)  # Unix seconds, of those it was found

    def learn(self, models: Sequence[str]) -> None:
        """Serve these from now on."""
        self.models = [*models]
        for model in models:
            self.learnt_at.setdefault(model, int(time()))


@dataclass(frozen=True, slots=True)
class Route:
    """Where a request goes."""

    provider: Provider
    provider_name: str
    dialect: str
    model: str  # as the upstream calls it
    facts: ModelFacts

    @property
    def name(self) -> str:
        """The name that leads here and nowhere else."""
        return f"{self.provider_name}/{self.model}"


@dataclass(frozen=True, slots=True)
class ModelCard:
    """A model that can be asked for."""

    id: str
    owned_by: str
    learnt_at: int  # Unix seconds
    context_window_tokens: int | None = None


class Registry:
    """The routing table.

    Order of search: alias, `provider/model`, route, known name, pattern, `provider.model`.
    """

    def __init__(
        self,
        services: Sequence[Service],
        *,
        aliases: Mapping[str, str] | None = None,
        routes: Mapping[str, str] | None = None,
        fallbacks: Mapping[str, Sequence[str]] | None = None,
        facts: Changes | None = None,
    ) -> None:
        self.services = {service.name: service for service in services}
        self._aliases = dict(aliases or {})
        self._routes = dict(routes or {})
        self._fallbacks = dict(fallbacks or {})
        self._facts = dict(facts or {})
        self._made_at = int(time())

    def route(self, name: str) -> Route:
        """Where requests for this model go.

        Raises:
            InvalidRequest: if nobody serves it; the message names near misses.
        """
        target = self._aliases.get(name, name)
        found = self._found(target)
        if found is None:
            raise self._unknown(name, target)
        service, model = found
        return Route(
            service.provider,
            service.name,
            service.dialect,
            model,
            self._facts_of(service, model),
        )

    def routes(self, name: str) -> list[Route]:
        """Where requests for this model go, and where else if that fails.

        Raises:
            InvalidRequest: if nobody serves it.
        """
        first = self.route(name)
        others = self._fallbacks.get(name) or self._fallbacks.get(self._aliases.get(name, name))
        return [first, *(route for other in others or () if (route := self._other(other)))]

    def _other(self, name: str) -> Route | None:
        """A fallback's route; one that nobody serves at present must not harm the first."""
        try:
            return self.route(name)
        except InvalidRequest:
            return None

    def models(self) -> list[ModelCard]:
        """Every name that is known to work: aliases, then each service's models."""
        cards = {
            alias: ModelCard(alias, "alias", self._made_at)
            for alias, target in self._aliases.items()
            if self._found(target) is not None
        }
        for service in self.services.values():
            named = [name for name in service.patterns if not _is_pattern(name)]
            for model in dict.fromkeys([*named, *service.models]):
                is_taken = model in cards
                name = f"{service.name}/{model}" if is_taken else model
                cards[name] = self._card(name, service, model)
        return list(cards.values())

    def unserved(self) -> list[str]:
        """What aliases and fallbacks lead to, and nobody is known to serve at present."""
        others = [name for names in self._fallbacks.values() for name in names]
        models = {*self._fallbacks, *others} - self._aliases.keys() | {*self._aliases.values()}
        return sorted(name for name in models if self._found(name) is None)

    def card(self, name: str) -> ModelCard | None:
        """The card of one model, also of one that only a pattern or prefix reaches."""
        known = next((card for card in self.models() if card.id == name), None)
        if known is not None:
            return known
        found = self._found(self._aliases.get(name, name))
        return found and self._card(name, *found)

    def _card(self, name: str, service: Service, model: str) -> ModelCard:
        learnt_at = service.learnt_at.get(model, self._made_at)
        window = self._facts_of(service, model).context_window_tokens
        return ModelCard(name, service.name, learnt_at, window)

    def _found(self, target: str) -> tuple[Service, str] | None:
        return (
            self._explicit(target, "/")
            or self._routed(target)
            or self._served(target)
            or self._explicit(target, ".")
        )

    def _explicit(self, name: str, mark: str) -> tuple[Service, str] | None:
        head, _, model = name.partition(mark)
        service = self.services.get(head)
        return (service, model) if service is not None and model else None

    def _routed(self, name: str) -> tuple[Service, str] | None:
        for pattern, provider in self._routes.items():
            if fnmatchcase(name, pattern) and provider in self.services:
                return self.services[provider], name
        return None

    def _served(self, name: str) -> tuple[Service, str] | None:
        for service in self.services.values():
            if name in service.models or name in service.patterns:
                return service, name
        for service in self.services.values():
            if any(fnmatchcase(name, pattern) for pattern in service.patterns):
                return service, name
        return None

    def _facts_of(self, service: Service, model: str) -> ModelFacts:
        facts = replace(service.facts, **listed(model))
        for pattern, changes in [*service.known.items(), *self._facts.items()]:
            if fnmatchcase(model, pattern) or fnmatchcase(f"{service.name}/{model}", pattern):
                facts = replace(facts, **changes)
        return facts

    def _unknown(self, name: str, target: str) -> InvalidRequest:
        known = [card.id for card in self.models() if card.id != name]
        near = get_close_matches(target.strip("/"), known, n=3, cutoff=0.5)
        hint = f" Did you mean {' or '.join(map(repr, near))}?" if near else ""
        meant = "" if target == name else f", which stands for {target!r},"
        return InvalidRequest(
            f"The model {name!r}{meant} is not served here.{hint} GET /v1/models lists all.",
            code="model_not_found",
            param="model",
        )


def _is_pattern(name: str) -> bool:
    return any(letter in name for letter in "*?[")
