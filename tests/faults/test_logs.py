"""What the server writes down: who asked, and how it went; never what was said."""

from tests.clients.models import Models
from tests.faults.asking import (
    LEAKED_KEY,
    OUTPUT,
    PROMPT,
    SECRETS,
    UPSTREAM_SAID,
    ask,
    heal,
    rejoin,
    retrieved,
)
from tests.faults.wire import Exchange, event_of
from tests.server import KEY, Server
from tests.upstreams.chat_replies import call, calls, failure, html, text, thinking
from tests.upstreams.chat_troubles import ErrorFrame, Reset, Rubbish, Stall

SAID = UPSTREAM_SAID + LEAKED_KEY
REPLIES = (
    text(OUTPUT),
    thinking(OUTPUT) + calls(call("get_weather", f'{{"city":"{OUTPUT}"}}')),
    text(OUTPUT).troubled(Reset(1)),
    text(OUTPUT).troubled(ErrorFrame(1, {"error": {"message": SAID}})),
    text(OUTPUT).troubled(Rubbish(1, SAID)),
    failure(400, SAID),
    failure(401, SAID),
    failure(500, SAID),
    html(502, SAID),
)


def test_the_log_tells_of_requests_and_of_nothing_that_was_said(
    own_server: Server, models: Models
) -> None:
    for reply in REPLIES:
        for stream in True, False:
            with ask(own_server, models.saying(reply), stream=stream) as exchange:
                is_stream = "transfer-encoding" in exchange.headers
                assert [*exchange.chunks()] if is_stream else exchange.json()
        heal(own_server)
    for wrong in {"input": 7, "user": PROMPT}, {"tools": PROMPT}, {"temperature": PROMPT}:
        with Exchange(own_server, "/v1/responses", {"model": "m", **wrong}) as exchange:
            assert exchange.status == 400
    with ask(own_server, models.saying(text(OUTPUT).troubled(Stall(1, 60)))) as exchange:
        seen = exchange.until("output_text.delta")
        own_server.kill()
    own_server.start()
    response_id = event_of(seen[0])["response"]["id"]
    with rejoin(own_server, response_id) as again:
        assert OUTPUT.encode() in b"".join(again.chunks())
    assert retrieved(own_server, response_id)["status"] == "failed"

    requests = [line for line in own_server.log.splitlines() if "POST /v1/responses" in line]
    assert len(requests) >= 2 * len(REPLIES) + 3
    assert [secret for secret in SECRETS if secret in own_server.log] == []
    without_banner = [line for line in own_server.log.splitlines() if "POST" in line]
    assert KEY not in "\n".join(without_banner)
