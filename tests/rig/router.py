"""Which method of the REST API a request is for."""

from collections.abc import Iterable, Mapping
from urllib.parse import unquote

from tests.rig.stack import Route

LITERAL, PARAMETER, GREEDY = range(3)


class Router:
    """Finds the most literal resource, as API Gateway does."""

    def __init__(self, routes: Iterable[Route]) -> None:
        self._routes = tuple((route, _segments(route.resource)) for route in routes)

    def find(self, method: str, path: str) -> tuple[Route, Mapping[str, str]] | None:
        """The route of a path, which is still percent-encoded, and its parameters.

        First the resource is chosen, then its method: the method itself, or ANY.
        """
        asked = _segments(path)
        fits = [
            (_rank(pattern), route, parameters)
            for route, pattern in self._routes
            if (parameters := _parameters(pattern, asked)) is not None
        ]
        nearest = min((rank for rank, _, _ in fits), default=[])
        for wanted in (method, "ANY"):
            for rank, route, parameters in fits:
                if rank == nearest and route.method == wanted:
                    return route, parameters
        return None


def _segments(path: str) -> list[str]:
    return path.strip("/").split("/")


def _kind(segment: str) -> int:
    if not segment.startswith("{"):
        return LITERAL
    return GREEDY if segment.endswith("+}") else PARAMETER


def _rank(pattern: list[str]) -> list[int]:
    return [_kind(segment) for segment in pattern]


def _parameters(pattern: list[str], asked: list[str]) -> dict[str, str] | None:
    parameters: dict[str, str] = {}
    for position, segment in enumerate(pattern):
        if position >= len(asked) or not asked[position]:
            return {} if pattern == asked == [""] else None
        match _kind(segment):
            case 0 if segment != asked[position]:
                return None
            case 1:
                parameters[segment[1:-1]] = unquote(asked[position])
            case 2:
                parameters[segment[1:-2]] = unquote("/".join(asked[position:]))
                return parameters
    return parameters if len(pattern) == len(asked) else None
