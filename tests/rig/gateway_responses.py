"""What API Gateway answers by itself, through the templates of the stack's gateway responses.

Source: "Gateway response types" and "$context variables" of AWS's guide; the defaults are AWS's.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass

from tests.rig.stack import STAGE, GatewayResponse
from tests.rig.wire import Headers

DEFAULT_TEMPLATE = '{"message":$context.error.messageString}'


@dataclass(frozen=True, slots=True)
class Case:
    """A type of gateway response, with AWS's own status and message."""

    kind: str
    status: int
    message: str


UNKNOWN_ROUTE = Case("MISSING_AUTHENTICATION_TOKEN", 403, "Missing Authentication Token")
TOO_LARGE = Case("REQUEST_TOO_LARGE", 413, "Request Too Long")
THROTTLED = Case("THROTTLED", 429, "Too Many Requests")
TIMED_OUT = Case("INTEGRATION_TIMEOUT", 504, "Endpoint request timed out")
FAILED = Case("INTEGRATION_FAILURE", 502, "Internal server error")
BROKEN = Case("DEFAULT_5XX", 500, "Internal server error")
BAD_HEAD = Case("DEFAULT_4XX", 431, "Request Header Fields Too Large")
BAD_REQUEST = Case("DEFAULT_4XX", 400, "Bad Request")

_NAME = r"context\.([A-Za-z]+(?:\.[A-Za-z]+)*)"
_VARIABLE = re.compile(rf"\$!?(?:{_NAME}|\{{{_NAME}\}})")


def answer_of(
    case: Case, responses: Mapping[str, GatewayResponse], request_id: str
) -> tuple[int, Headers, bytes]:
    """Status, headers and body of a case, with the fallback to DEFAULT_4XX or DEFAULT_5XX."""
    default = f"DEFAULT_{case.status // 100}XX"
    chosen = responses.get(case.kind) or responses.get(default) or GatewayResponse()
    context = {
        "error.message": case.message,
        "error.messageString": json.dumps(case.message),
        "error.responseType": case.kind,
        "requestId": request_id,
        "extendedRequestId": request_id,
        "stage": STAGE,
    }
    template = DEFAULT_TEMPLATE if chosen.template is None else chosen.template
    body = _VARIABLE.sub(lambda found: context.get(found[1] or found[2], ""), template)
    headers = [("Content-Type", "application/json"), ("x-amzn-ErrorType", case.kind)]
    headers += [(name, _mapped(value, context)) for name, value in chosen.headers.items()]
    return chosen.status or case.status, headers, body.encode()


def _mapped(value: str, context: Mapping[str, str]) -> str:
    """A mapping expression: a 'literal', or a variable of the context."""
    if value.startswith("'"):
        return value.strip("'")
    return context.get(value.removeprefix("context."), "")
