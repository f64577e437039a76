"""HTTP as uvicorn reads it, except that what is no HTTP is refused in the API's own shape."""

from logging import getLogger
from typing import override

from msgspec.json import encode
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from rejoinder.errors import InvalidRequest
from rejoinder.schema.ids import new_id

MALFORMED = InvalidRequest(
    "This is not well-formed HTTP/1.1; look at the headers that tell the body's length.",
    code="invalid_http",
)

log = getLogger("rejoinder")


class Protocol(HttpToolsProtocol):
    """One connection."""

    @override
    def send_400_response(self, msg: str) -> None:
        request_id, body = new_id("req"), encode({"error": MALFORMED.body()})
        head = (
            "HTTP/1.1 400 Bad Request\r\n"
            "content-type: application/json\r\n"
            f"content-length: {len(body)}\r\n"
            f"x-request-id: {request_id}\r\n"
            "connection: close\r\n\r\n"
        )
        log.info("unreadable_request", extra={"request_id": request_id})
        self.transport.write(head.encode() + body)
        self.transport.close()
