"""What OpenAI's errors mean to our client, who speaks the same API (contract §6.4).

Codes are OpenAI's own; parameters too, unless they name what the client did not send: an item by
its place in the whole conversation, or an option that is ours.
"""

import re

from rejoinder.engine.failures import RESPONSE_ERROR_CODES
from rejoinder.errors import GatewayError, InvalidRequest
from rejoinder.providers import refusals
from rejoinder.providers.refusals import (
    Headers,
    Told,
    as_told,
    error_object,
    out_of_quota,
    public_message,
)
from rejoinder.schema.items import JSON
from rejoinder.schema.request import CreateResponse

STALE_THINKING = "invalid_encrypted_content"

_OURS = frozenset({"store", "include", "previous_response_id", "background"})
_PARAMS = frozenset(CreateResponse.__struct_fields__) - _OURS
_PATH = re.compile(r"([a-z_]+)(\.[a-z_]+)*")
_CODE = re.compile(r"[a-z0-9_]{1,64}")
_NOT_THE_CLIENTS = frozenset({"server_error", "rate_limit_exceeded", "insufficient_quota"})
_THE_CLIENTS = (RESPONSE_ERROR_CODES - _NOT_THE_CLIENTS) | {
    "context_length_exceeded",
    "content_policy_violation",
    STALE_THINKING,
}


def error_for_status(status: int, headers: Headers, body: bytes) -> GatewayError:
    """The error to raise for a 4xx or 5xx of OpenAI's."""
    usual = refusals.error_for_status(status, headers, body)
    if not isinstance(usual, InvalidRequest) or usual.code in (
        "context_length_exceeded",
        "model_not_found",
    ):
        return usual
    return _invalid(error_object(body))


def error_in_stream(told: JSON) -> GatewayError:
    """The error to raise for an `error` event, or for the `error` of a failed response."""
    error: dict[str, JSON] = told if isinstance(told, dict) else {}
    code = error.get("code")
    if code == "insufficient_quota":
        return as_told(out_of_quota(error, {}), error)
    if code in _THE_CLIENTS or error.get("type") == "invalid_request_error":
        return as_told(_invalid(error), error)
    return refusals.error_in_stream(error)


def _invalid(told: Told) -> InvalidRequest:
    message = public_message(told, "The model server refused the request.")
    code, param = told.get("code"), told.get("param")
    is_code = isinstance(code, str) and _CODE.fullmatch(code)
    return InvalidRequest(message, code=code if is_code else None, param=_param(param))


def _param(told: JSON) -> str | None:
    """`tools[0].name` → `tools`: places in a list may not be those of the client's."""
    path = _PATH.match(told) if isinstance(told, str) else None
    return path[0] if path is not None and path[1] in _PARAMS else None
