"""What is refused before a request is read (keys, routes, bodies that are no JSON), and how."""

from typing import Any

from tests.upstreams.chat_replies import HttpReply, raw
from tests.upstreams.chat_request import Flavour
from tests.upstreams.checks import Refusal
from tests.upstreams.connection import HttpRequest

type JSON = Any


def check_key(authorization: str | None, api_key: str | None) -> None:
    """Refuse another key than this one; None lets everybody in."""
    if api_key is None:
        return
    scheme, _, given = (authorization or "").partition(" ")
    if scheme.lower() != "bearer" or not given:
        message = "You didn't provide an API key. Send it as 'Authorization: Bearer YOUR_KEY'."
        raise Refusal(message, code="invalid_api_key", status=401)
    if given != api_key:
        masked = f"{given[:3]}***{given[-4:]}" if len(given) > 8 else "***"
        message = f"Incorrect API key provided: {masked}."
        raise Refusal(message, code="invalid_api_key", status=401)


def no_route(method: str, path: str) -> Refusal:
    """The refusal of a path or a method that is not there."""
    if path in ("/v1/chat/completions", "/v1/models"):
        message = f"Not allowed to {method} on {path}. (HINT: use a different HTTP method.)"
        return Refusal(message, code="method_not_supported", status=405)
    return Refusal(f"Invalid URL ({method} {path})", code="unknown_url", status=404)


def body_of(request: HttpRequest) -> JSON:
    """The JSON of a request.

    Raises:
        Refusal: if it is none, or says that it is none.
    """
    content_type = request.headers.get("content-type", "")
    if content_type.partition(";")[0].strip().lower() != "application/json":
        message = f"Unsupported content type: '{content_type}'. Send 'application/json'."
        raise Refusal(message, code="unsupported_content_type")
    try:
        return request.json
    except ValueError as error:
        raise Refusal("We could not parse the JSON body of your request.") from error


def refused(refusal: Refusal, flavour: Flavour) -> HttpReply:
    """The refusal as OpenAI tells it, or as vLLM does: with a class name and a number."""
    body = refusal.body()
    if flavour == "generic" and refusal.status != 401:
        name = "NotFoundError" if refusal.status == 404 else "BadRequestError"
        body["error"] |= {"type": name, "code": refusal.status}
    return raw(refusal.status, body)
