"""What an upstream's HTTP error means to our client (contract §6.4).

Upstream texts reach clients only where they say what to change (400), cut short and without
anything that looks like a key.
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
from rejoinder.schema.items import JSON

MAX_MESSAGE_LENGTH = 500

_KEYS = re.compile(
    r"\b(sk|pk|gsk|xai|key|AKIA)[-_]?[A-Za-z0-9_\-*]{8,}|Bearer +\S+"
    r"|\b(?=[A-Za-z]*[0-9])[A-Za-z0-9]{32,}\b"  # keys that are nothing but letters and digits
)
_TOO_LONG = re.compile(
    r"context.{0,20}(length|window|size)|maximum.{0,20}tokens|too many tokens|prompt is too long",
    re.IGNORECASE,
)
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


def refusal(status: int, headers: Mapping[str, str], body: bytes) -> GatewayError:
    """The error to raise for an upstream's 4xx or 5xx."""
    told = error_object(body)
    if status == 429 and told.get("code") != "insufficient_quota":
        return _throttled(headers)
    if status >= 500 and status not in _OF_STATUS:
        code = "overloaded" if status in (503, 529) else "upstream_unavailable"
        return Unavailable(f"The model server failed with status {status}.", code=code)
    return _OF_STATUS.get(status, _invalid)(told)


def told_in_stream(error: JSON) -> GatewayError:
    """The error to raise for an error that comes in the middle of a stream."""
    told = error if isinstance(error, dict) else {"message": str(error)}
    if str(told.get("code")) in ("429", "rate_limit_exceeded"):
        return RateLimited(public_message(told, "The model server wants us to slow down."))
    said = public_message(told, "no reason given")
    return Unavailable(f"The model server reported an error in the middle of its reply: {said}")


def public_message(told: Mapping[str, JSON], otherwise: str) -> str:
    """The upstream's own words, fit for a client."""
    message = told.get("message")
    if not isinstance(message, str) or not message.strip():
        return otherwise
    return _KEYS.sub("[removed]", message.strip())[:MAX_MESSAGE_LENGTH]


def _invalid(told: Mapping[str, JSON]) -> InvalidRequest:
    message = public_message(told, "The model server refused the request.")
    code, param = told.get("code"), told.get("param")
    if code == "context_length_exceeded" or _TOO_LONG.search(message):
        return InvalidRequest(message, code="context_length_exceeded", param="input")
    return InvalidRequest(
        message,
        code=code if code in _KEPT_CODES else None,
        param=param if param in _KEPT_PARAMS else _PARAMS.get(str(param)),
    )


def _unknown_model(told: Mapping[str, JSON]) -> InvalidRequest:
    message = public_message(told, "The model server does not know this model.")
    return InvalidRequest(message, code="model_not_found", param="model")


def _our_key(_told: Mapping[str, JSON]) -> UpstreamAuth:
    return UpstreamAuth(
        "The model server refused the API key that is configured for it; "
        "whoever runs this gateway has to mend that."
    )


def _too_slow(_told: Mapping[str, JSON]) -> Unavailable:
    return Unavailable("The model server took too long.", code="upstream_timeout")


def _too_large(_told: Mapping[str, JSON]) -> TooLarge:
    return TooLarge("The model server says that the request is too large.")


def _throttled(headers: Mapping[str, str]) -> RateLimited:
    kept = {"Retry-After": wait} if (wait := headers.get("retry-after")) else {}
    return RateLimited("The model server wants us to slow down; try again later.", headers=kept)


def _out_of_quota(_told: Mapping[str, JSON]) -> RateLimited:
    return RateLimited(
        "The account at the model server is out of quota.",
        code="insufficient_quota",
        headers={"x-should-retry": "false"},
    )


def error_object(body: bytes) -> dict[str, JSON]:
    """`{"error": {…}}`, `{"error": "…"}`, `{"message": …}` or FastAPI's `{"detail": …}`."""
    try:
        whole = decode(body)
    except (DecodeError, UnicodeDecodeError):
        return {}
    if not isinstance(whole, dict):
        return {}
    told = whole.get("error", whole.get("detail", whole))
    return told if isinstance(told, dict) else {"message": told if isinstance(told, str) else None}


_OF_STATUS: Mapping[int, Callable[[Mapping[str, JSON]], GatewayError]] = {
    401: _our_key,
    402: _out_of_quota,
    403: _our_key,
    404: _unknown_model,
    408: _too_slow,
    413: _too_large,
    429: _out_of_quota,
    504: _too_slow,
}
