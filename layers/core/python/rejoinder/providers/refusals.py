"""What an upstream's errors mean to our client (contract §6.4).

Upstream texts reach clients only where they say what to change (400), cut short and without
anything that looks like a key. Dialects that say more than a status have refusals of their own,
which are made of these.
"""

import re
from collections.abc import Callable, Mapping

from msgspec import DecodeError
from msgspec.json import decode

from rejoinder.errors import (
    GatewayError,
    InvalidRequest,
    RateLimited,
    TooLarge,
    Unavailable,
    UpstreamAuth,
)
from rejoinder.providers.misaddressed import nothing_there
from rejoinder.schema.items import JSON

type Told = Mapping[str, JSON]  # the object that tells an error
type Headers = Mapping[str, str]
type Refusal = Callable[[Told, Headers], GatewayError]

MAX_MESSAGE_LENGTH = 500
MAX_FAULTS = 5  # of those that one answer tells

_KEYS = re.compile(
    r"\b(sk|pk|gsk|xai|key|AKIA)[-_]?[A-Za-z0-9_\-*]{8,}|Bearer +\S+"
    r"|\b(?=[A-Za-z]*[0-9])[A-Za-z0-9]{32,}\b"  # keys that are nothing but letters and digits
)
_CODE = re.compile(r"[A-Za-z][A-Za-z_.#]{1,63}|[1-9][0-9]{2,4}")
_QUOTED = re.compile(r"(?<!\w)'[^']*'(?!\w)|\"[^\"]*\"|`[^`]*`")
_TOO_LONG = re.compile(
    r"context.{0,20}(length|window|size)|maximum.{0,20}tokens|too many tokens|prompt is too long",
    re.IGNORECASE,
)
_MODEL = re.compile(r"(?<!/)model|deployment|no endpoints found", re.IGNORECASE)  # no path
_PLACE = re.compile(r"countr(y|ies)|region|territor(y|ies)|location", re.IGNORECASE)
_KEPT_CODES = frozenset({"context_length_exceeded", "invalid_prompt", "content_policy_violation"})
_KEPT_PARAMS = frozenset({"model", "temperature", "top_p", "top_logprobs", "user", "service_tier"})
_PARAMS = {
    "max_tokens": "max_output_tokens",
    "max_completion_tokens": "max_output_tokens",
    "messages": "input",
    "reasoning_effort": "reasoning.effort",
    "response_format": "text.format",
    "verbosity": "text.verbosity",
}


class Refused(Exception):
    """The cause of an error that an upstream told: its status and its code, and none of its words.

    For the log. It is never raised by itself.
    """

    def __init__(self, status: int | None = None, told: Told | None = None) -> None:
        super().__init__()
        self.status = status
        self.code = next(filter(None, map(_code, _names_of(told or {}))), None)


def as_told[E: GatewayError](error: E, told: Told, status: int | None = None) -> E:
    """The same error, of which the log is told what the upstream called it."""
    error.__cause__ = Refused(status, told)
    return error


def error_for_status(status: int, headers: Headers, body: bytes) -> GatewayError:
    """The error to raise for an upstream's 4xx or 5xx."""
    told = error_object(body)
    if status == 429 and told.get("code") == "insufficient_quota":
        return out_of_quota(told, headers)
    if status >= 500 and status not in _OF_STATUS:
        code = "overloaded" if status in (503, 529) else "upstream_unavailable"
        said = f"The model server failed with status {status}."
        return Unavailable(said, code=code, headers=_when(headers))
    return _OF_STATUS.get(status, _invalid)(told, headers)


def error_in_stream(error: JSON) -> GatewayError:
    """The error to raise for one that comes where a reply should be, or in the middle of it."""
    told = error if isinstance(error, dict) else {"message": str(error)}
    return as_told(_in_stream(told), told)


def _in_stream(told: Told) -> GatewayError:
    code = told.get("code")
    if str(code) in ("429", "rate_limit_exceeded"):
        return RateLimited(public_message(told, "The model server wants us to slow down."))
    if isinstance(code, int) and code in _IN_STREAM:
        return _IN_STREAM[code](told, {})
    said = public_message(told, "no reason given")
    return Unavailable(f"The model server reported an error: {said}")


def error_object(body: bytes) -> dict[str, JSON]:
    """`{"error": {…}}`, `{"error": "…"}`, `{"message": …}` or FastAPI's `{"detail": …}`."""
    try:
        whole = decode(body)
    except (DecodeError, UnicodeDecodeError):
        return {}
    if not isinstance(whole, dict):
        return {}
    told = whole.get("error", whole.get("detail", whole))
    if isinstance(told, list):
        return _faults(told)
    return told if isinstance(told, dict) else {"message": told if isinstance(told, str) else None}


def _faults(details: list[JSON]) -> dict[str, JSON]:
    """Pydantic's: where, and of which type; its other words may be the client's."""
    told: list[tuple[list[str], str]] = [
        ([str(step) for step in at if step != "body"], kind)
        for detail in details[:MAX_FAULTS]
        if isinstance(detail, dict)
        and isinstance(at := detail.get("loc"), list)
        and isinstance(kind := detail.get("type"), str)
    ]
    if not told:
        return {}
    where = ", ".join(f"{'.'.join(at)}: {kind}" for at, kind in told)
    message = f"The model server refused {where}."
    (at, kind), *_ = told
    return {"message": message, "param": at[0] if at else None, "type": kind}


def public_message(told: Told, otherwise: str) -> str:
    """The upstream's own words, fit for a client."""
    message = told.get("message")
    if not isinstance(message, str) or not message.strip():
        return otherwise
    return _KEYS.sub("[removed]", message.strip())[:MAX_MESSAGE_LENGTH]


def says(sentence: re.Pattern[str], message: str) -> bool:
    """Whether a message says this by itself: the words that it quotes are a client's."""
    return sentence.search(_QUOTED.sub("''", message)) is not None


def too_long(message: str) -> InvalidRequest:
    """The conversation does not fit."""
    return InvalidRequest(message, code="context_length_exceeded", param="input")


def unknown_model(told: Told, _: Headers) -> InvalidRequest:
    """No such model."""
    message = public_message(told, "The model server does not know this model.")
    return InvalidRequest(message, code="model_not_found", param="model")


def not_found(told: Told, headers: Headers) -> GatewayError:
    """No such model; but what names none has never heard of models."""
    names_one = says(_MODEL, f"{told.get('message')} {told.get('code')} {told.get('type')}")
    return unknown_model(told, headers) if names_one else nothing_there()


def forbidden(told: Told, headers: Headers) -> UpstreamAuth:
    """Not the client's fault, and not always that of the key."""
    if says(_PLACE, f"{told.get('message')} {told.get('code')}"):
        return UpstreamAuth(
            "The model server does not serve the country or region that it is asked from; "
            "whoever runs this gateway has to mend that."
        )
    return our_account(told, headers)


def our_account(_told: Told, _: Headers) -> UpstreamAuth:
    """Not the client's fault."""
    return UpstreamAuth(
        "The model server refused the API key that is configured for it, or its account; "
        "whoever runs this gateway has to mend that."
    )


def too_slow(_told: Told, _: Headers) -> Unavailable:
    """A timeout of the upstream's own."""
    return Unavailable("The model server took too long.", code="upstream_timeout")


def overloaded(_told: Told, headers: Headers) -> Unavailable:
    """Too many ask at once; when to ask again, if it is told."""
    return Unavailable(
        "The model server is overloaded; try again later.",
        code="overloaded",
        headers=_when(headers),
    )


def too_large(_told: Told, _: Headers) -> TooLarge:
    """The body of the request, not the conversation in it."""
    return TooLarge("The model server says that the request is too large.")


def throttled(_told: Told, headers: Headers) -> RateLimited:
    """We ask too often; when to ask again, if it is told."""
    return RateLimited(
        "The model server wants us to slow down; try again later.", headers=_when(headers)
    )


def _when(headers: Headers) -> Headers:
    return {"Retry-After": wait} if (wait := headers.get("retry-after")) else {}


def out_of_quota(_told: Told, _: Headers) -> RateLimited:
    """Asking again is no use."""
    return RateLimited(
        "The account at the model server is out of quota.",
        code="insufficient_quota",
        headers={"x-should-retry": "false"},
    )


def _names_of(told: Told) -> list[JSON]:
    return [told.get(name) for name in ("code", "type", "__type")]


def _code(name: JSON) -> str | None:
    """A name as servers give them to errors; nothing that could be somebody's words, or a key."""
    is_code = _CODE.fullmatch(str(name)) and not _KEYS.search(str(name))
    return str(name) if name is not None and is_code else None


def _invalid(told: Told, _: Headers) -> InvalidRequest:
    message = public_message(told, "The model server refused the request.")
    code, param = told.get("code"), told.get("param")
    if code == "context_length_exceeded" or says(_TOO_LONG, message):
        return too_long(message)
    return InvalidRequest(
        message,
        code=code if code in _KEPT_CODES else None,
        param=param if param in _KEPT_PARAMS else _PARAMS.get(str(param)),
    )


_OF_STATUS: Mapping[int, Refusal] = {
    401: our_account,
    402: out_of_quota,
    403: forbidden,
    404: not_found,
    405: not_found,
    408: too_slow,
    413: too_large,
    429: throttled,
    504: too_slow,
}

# Some servers tell a status by the code of an error that comes with status 200.
_IN_STREAM: Mapping[int, Refusal] = {
    400: _invalid,
    401: our_account,
    402: out_of_quota,
    403: forbidden,
    413: too_large,
    422: _invalid,
}
