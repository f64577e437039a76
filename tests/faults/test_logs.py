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
    wait_until,
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


def test_the_log_tells_of_a_call_that_nobody_waited_for(own_server: Server, models: Models) -> None:
    model = models.saying(text(OUTPUT).troubled(Stall(1, 60)))

    with ask(own_server, model, store=False) as exchange:
        exchange.until("output_text.delta")

    wait_until(lambda: "abandoned" in own_server.log)


def test_the_line_of_a_call_says_what_is_known_of_it(own_server: Server, models: Models) -> None:
    good, bad = models.saying(text(OUTPUT)), models.saying(failure(500, SAID))
    for model in good, bad:
        with ask(own_server, model, stream=False) as exchange:
            assert exchange.json()
            request_id = exchange.headers["x-request-id"]
    wait_until(lambda: own_server.log.count(request_id) == 2)

    lines = [line for line in own_server.log.splitlines() if " → " in line]
    [of_good] = [line for line in lines if good in line]
    [of_bad] = [line for line in lines if bad in line]
    assert " tokens" in of_good
    assert "tokens" not in of_bad
    assert "upstream_unavailable" in of_bad
    assert "None" not in of_good + of_bad
    of_call, of_request = [line for line in own_server.log.splitlines() if request_id in line]
    assert of_call == of_bad
    assert of_request.endswith(f"{request_id} upstream_unavailable")


def test_the_line_of_a_call_says_why_it_was_refused_and_whose_it_was(
    own_server: Server, models: Models
) -> None:
    refused = failure(400, SAID, code="unsupported_value")
    broken = text(OUTPUT).troubled(ErrorFrame(1, {"error": {"message": SAID, "code": "engine"}}))
    secretive = failure(400, SAID, code=LEAKED_KEY, kind=UPSTREAM_SAID)
    said: list[str] = []
    for reply in refused, broken, secretive:
        with ask(own_server, models.saying(reply)) as exchange:
            is_stream = exchange.status == 200
            told = b"".join(exchange.events()).decode() if is_stream else exchange.json()
            said += [exchange.headers["x-request-id"], str(told)]
    wait_until(lambda: own_server.log.count(" → ") == 3)

    calls = [line for line in own_server.log.splitlines() if " → " in line]
    of_refused, of_broken, of_secretive = calls
    assert "status=400 code=unsupported_value" in of_refused
    assert "code=engine" in of_broken
    assert of_secretive.endswith("status=400")
    for line, request_id in zip(calls, said[::2], strict=True):
        assert request_id in line
    [response_id] = {word for word in of_broken.split() if word.startswith("resp_")}
    assert response_id in said[3]


def test_calls_in_the_background_name_their_response(own_server: Server, models: Models) -> None:
    with ask(own_server, models.saying(text(OUTPUT)), stream=False, background=True) as exchange:
        response_id = exchange.json()["id"]

    wait_until(lambda: retrieved(own_server, response_id)["status"] == "completed")
    wait_until(lambda: " → " in own_server.log)

    [line] = [line for line in own_server.log.splitlines() if " → " in line]
    assert response_id in line
    assert "req_" not in line


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
