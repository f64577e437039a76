"""Where the names in the settings lead: one that leads nowhere is told before a client meets it.

Patterns and lists of models leave much open; what is told here is what no request can ever reach.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from fnmatch import fnmatchcase
from json import dumps

from rejoinder.mistakes import Place, written
from rejoinder.settings import ProviderSettings, Settings, refuse

ALIKE = 0.75  # of two names, when one may be meant by the other


def check_destinations(
    settings: Settings,
    providers: Mapping[str, ProviderSettings],
    *,
    file: object,
) -> None:
    """Refuse a file whose aliases, fallbacks or routes lead nowhere.

    Raises:
        SettingsError: naming the file, and for each mistake the key and what to write there.
    """
    refuse(file, dead_ends(settings, providers))


def dead_ends(
    settings: Settings, providers: Mapping[str, ProviderSettings], *, may_learn: bool = False
) -> list[str]:
    """Aliases, fallbacks and routes that lead nowhere: for each, what to write there.

    `providers`: all that are there, or may be as soon as their keys are. `may_learn`: servers are
    asked for their models, so that any name may turn out to be known.
    """
    return [*_Names(settings, providers, may_learn).dead_ends()]


@dataclass(frozen=True, slots=True)
class _Names:
    """The names that can be asked for."""

    settings: Settings
    providers: Mapping[str, ProviderSettings]
    may_learn: bool

    def dead_ends(self) -> Iterator[str]:
        """What is wrong with each name that leads nowhere."""
        settings = self.settings
        for pattern, provider in settings.routes.items():
            if provider not in self.providers:
                yield (
                    f"{written(('routes', pattern))} leads to {_quoted(provider)}, which is no "
                    f"provider here; {self._instead_of_provider(provider)}"
                )
        for alias, target in settings.aliases.items():
            yield from self._alias(target, ("aliases", alias))
        for model, others in settings.fallbacks.items():
            yield from self._model(model, ("fallbacks", model))
            for number, other in enumerate(others):
                yield from self._model(other, ("fallbacks", model, number))

    def _alias(self, target: str, place: Place) -> Iterator[str]:
        meant = self.settings.aliases.get(target, target)
        if meant == target or self._is_served(target):
            yield from self._model(target, place)
        else:
            yield (
                f"{written(place)} leads to {_quoted(target)}, which is an alias itself; write "
                f"{_quoted(meant)}."
            )

    def _model(self, name: str, place: Place) -> Iterator[str]:
        may_be_learnt = self.may_learn and bool(name)
        is_alias = name in self.settings.aliases and place[0] != "aliases"
        if not (may_be_learnt or is_alias or self._is_served(name)):
            yield (
                f"{written(place)} names {_quoted(name)}, which nobody here serves; "
                f"{self._instead_of_model(name)}"
            )

    def _is_served(self, name: str) -> bool:
        """As the registry looks a name up, except for what servers list."""
        halves = [name.partition(mark) for mark in "/."]
        has_provider = any(head in self.providers and model for head, _, model in halves)
        known = [*self.settings.routes, *self._known_models()]
        return has_provider or any(name == each or fnmatchcase(name, each) for each in known)

    def _known_models(self) -> Iterator[str]:
        for provider in self.providers.values():
            yield from provider.models

    def _instead_of_model(self, name: str) -> str:
        provider, mark, model = name.partition("/")
        if mark and (near := get_close_matches(provider, self.providers, n=1, cutoff=ALIKE)):
            return f"did you mean {_quoted(f'{near[0]}/{model}')}?"
        if near := get_close_matches(name, self._known_models(), n=1, cutoff=ALIKE):
            return f"did you mean {_quoted(near[0])}?"
        return f"write PROVIDER/MODEL, with one of {', '.join(self.providers)}."

    def _instead_of_provider(self, name: str) -> str:
        if near := get_close_matches(name, self.providers, n=1, cutoff=ALIKE):
            return f"did you mean {_quoted(near[0])}?"
        return f"known are {', '.join(self.providers)}."


def _quoted(name: str) -> str:
    return dumps(name, ensure_ascii=False)
