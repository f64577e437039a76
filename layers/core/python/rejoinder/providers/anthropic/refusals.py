"""What Anthropic's errors mean to our client (contract §6.4).

Source: "Errors" of platform.claude.com/docs. The type says more than the status does, and is
all there is in the middle of a stream.
"""

import re
from collections.abc import Mapping

from rejoinder.errors import GatewayError, InvalidRequest, Unavailable
from rejoinder.providers.refusals import (
    Headers,
    Refusal,
    Told,
    as_told,
    error_object,
    not_found,
    our_account,
    overloaded,
    public_message,
    says,
    throttled,
    too_large,
    too_long,
    too_slow,
)
from rejoinder.schema.items import JSON

_TOO_LONG = re.compile(r"prompt is too long|exceed context limit|context window", re.IGNORECASE)
_POOR = re.compile(  # the type of these is `invalid_request_error`
    r"Your credit balance is too low|You have reached your specified (\w+ )?API usage limits"
)
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
_TYPE_OF_STATUS = {
    401: "authentication_error",
    402: "billing_error",
    403: "permission_error",
    404: "not_found_error",
    405: "not_found_error",
    408: "timeout_error",
    413: "request_too_large",
    429: "rate_limit_error",
    504: "timeout_error",
    503: "overloaded_error",
    529: "overloaded_error",
}


def error_for_status(status: int, headers: Headers, body: bytes) -> GatewayError:
    """The error to raise for an HTTP status of 400 or more."""
    told = error_object(body)
    usual = "api_error" if status >= 500 else "invalid_request_error"
    kind = _TYPE_OF_STATUS.get(status, usual)
    known = str(told.get("type"))
    return _OF_TYPE[known if known in _OF_TYPE else kind](told, headers)


def error_in_stream(error: JSON) -> GatewayError:
    """The error to raise for an `error` event."""
    told = error if isinstance(error, dict) else {"message": str(error)}
    return as_told(_OF_TYPE.get(str(told.get("type")), _broken)(told, {}), told)


def _invalid(told: Told, headers: Headers) -> GatewayError:
    message = public_message(told, "The model server refused the request.")
    if _POOR.match(message):
        return our_account(told, headers)
    if says(_TOO_LONG, message):
        return too_long(message)
    param = re.match(r"\w+", message)
    return InvalidRequest(message, param=_PARAMS.get(param[0]) if param else None)


def _broken(told: Told, _: Headers) -> GatewayError:
    said = public_message(told, "no reason given")
    return Unavailable(f"The model server failed: {said}")


_OF_TYPE: Mapping[str, Refusal] = {
    "invalid_request_error": _invalid,
    "authentication_error": our_account,
    "permission_error": our_account,
    "billing_error": our_account,
    "not_found_error": not_found,
    "request_too_large": too_large,
    "rate_limit_error": throttled,
    "timeout_error": too_slow,
    "overloaded_error": overloaded,
    "api_error": _broken,
}
