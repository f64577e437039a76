"""What Anthropic's errors mean to our client (contract §6.4).

Source: "Errors" of platform.claude.com/docs. The type says more than the status does, and is
all there is in the middle of a stream.
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
from rejoinder.providers.refusals import public_message
from rejoinder.schema.items import JSON

type Told = Mapping[str, JSON]

_TOO_LONG = re.compile(r"prompt is too long|exceed context limit|context window", re.IGNORECASE)
_POOR = re.compile(r"credit balance|billing|spend limit", re.IGNORECASE)
_PARAMS = {
    "messages": "input",
    "system": "instructions",
    "max_tokens": "max_output_tokens",
    "thinking": "reasoning.effort",
    "output_config": "text.format",
    "metadata": "user",
    "tools": "tools",
    "tool_choice": "tool_choice",
    "model": "model",
    "temperature": "temperature",
    "top_p": "top_p",
    "service_tier": "service_tier",
}
OF_STATUS = {
    401: "authentication_error",
    402: "billing_error",
    403: "permission_error",
    404: "not_found_error",
    408: "timeout_error",
    413: "request_too_large",
    429: "rate_limit_error",
    504: "timeout_error",
    503: "overloaded_error",
    529: "overloaded_error",
}


def refusal(status: int, headers: Mapping[str, str], body: bytes) -> GatewayError:
    """The error to raise for an HTTP status of 400 or more."""
    told = _error_object(body)
    kind = OF_STATUS.get(status) or ("api_error" if status >= 500 else "invalid_request_error")
    known = str(told.get("type"))
    return _OF_TYPE[known if known in _OF_TYPE else kind](told, headers)


def told_in_stream(error: JSON) -> GatewayError:
    """The error to raise for an `error` event."""
    told = error if isinstance(error, dict) else {"message": str(error)}
    return _OF_TYPE.get(str(told.get("type")), _broken)(told, {})


def _invalid(told: Told, _: Mapping[str, str]) -> GatewayError:
    message = public_message(told, "The model server refused the request.")
    if _POOR.search(message):
        return _our_account(told, {})
    if _TOO_LONG.search(message):
        return InvalidRequest(message, code="context_length_exceeded", param="input")
    param = re.match(r"\w+", message)
    return InvalidRequest(message, param=_PARAMS.get(param[0]) if param else None)


def _our_account(_told: Told, _: Mapping[str, str]) -> GatewayError:
    return UpstreamAuth(
        "The model server refused the API key that is configured for it, or its account; "
        "whoever runs this gateway has to mend that."
    )


def _unknown_model(told: Told, _: Mapping[str, str]) -> GatewayError:
    message = public_message(told, "The model server does not know this model.")
    return InvalidRequest(message, code="model_not_found", param="model")


def _too_large(_told: Told, _: Mapping[str, str]) -> GatewayError:
    return TooLarge("The model server says that the request is too large.")


def _throttled(_told: Told, headers: Mapping[str, str]) -> GatewayError:
    kept = {"Retry-After": wait} if (wait := headers.get("retry-after")) else {}
    return RateLimited("The model server wants us to slow down; try again later.", headers=kept)


def _too_slow(_told: Told, _: Mapping[str, str]) -> GatewayError:
    return Unavailable("The model server took too long.", code="upstream_timeout")


def _overloaded(_told: Told, _: Mapping[str, str]) -> GatewayError:
    return Unavailable("The model server is overloaded; try again later.", code="overloaded")


def _broken(told: Told, _: Mapping[str, str]) -> GatewayError:
    said = public_message(told, "no reason given")
    return Unavailable(f"The model server failed: {said}")


_OF_TYPE: Mapping[str, Callable[[Told, Mapping[str, str]], GatewayError]] = {
    "invalid_request_error": _invalid,
    "authentication_error": _our_account,
    "permission_error": _our_account,
    "billing_error": _our_account,
    "not_found_error": _unknown_model,
    "request_too_large": _too_large,
    "rate_limit_error": _throttled,
    "timeout_error": _too_slow,
    "overloaded_error": _overloaded,
    "api_error": _broken,
}


def _error_object(body: bytes) -> Told:
    """`{"type": "error", "error": {"type": …, "message": …}}`; a proxy may say anything."""
    try:
        whole = decode(body)
    except (DecodeError, UnicodeDecodeError):
        return {}
    told = whole.get("error") if isinstance(whole, dict) else None
    return told if isinstance(told, dict) else {}
