"""Upstreams that break off: before they accept, and at any point after."""

from dataclasses import dataclass

import pytest

from tests.clients.models import Models
from tests.faults.asking import LEAKED_KEY, OUTPUT, ask, replayed, retrieved
from tests.faults.database import kept
from tests.faults.folding import folded
from tests.faults.wire import event_of
from tests.server import Server
from tests.upstreams.chat_replies import Reply, call, calls, refusal, text, thinking
from tests.upstreams.chat_troubles import Cut, End, ErrorFrame, Reset, Rubbish, Stall, Trouble

UNREACHABLE = "The model server cannot be reached. Is it running?"
BROKEN = "The connection to the model server broke."
SILENT = "The model server said nothing for too long."
ENDED = "The model server ended its reply in the middle."
NO_CHUNK = "The model server sent something that is no chunk."
REPORTED = "The model server reported an error: "

FOREVER_SECONDS = 60.0
HELLO = text(f"{OUTPUT} ", "and ", "more")
SAYINGS = {
    "text": HELLO,
    "a tool call": calls(call("get_weather", '{"city":', '"Os', 'lo"}')),
    "parallel tool calls": calls(
        call("get_weather", '{"ci', 'ty":"Oslo"}'),
        call("get_weather", '{"ci', 'ty":"Rome"}'),
        interleaved=True,
    ),
    "a custom tool call": calls(call("run_code", '{"input":"pr', "int(1)", '\\n"}')),
    "thinking": thinking("Well, ", "well, ", "well."),
    "a refusal": refusal("I ", "will ", "not."),
}
LEAKY: Trouble = ErrorFrame(1, {"error": {"message": f"Key {LEAKED_KEY} is bad", "code": 500}})
BREAKS: dict[str, tuple[Trouble, str]] = {
    "reset": (Reset(2), BROKEN),
    "cut": (Cut(2), BROKEN),
    "ended": (End(2), ENDED),
    "rubbish": (Rubbish(2), NO_CHUNK),
    "error frame": (ErrorFrame(2), REPORTED),
    "stall": (Stall(2, FOREVER_SECONDS), SILENT),
    "reset at once": (Reset(0), BROKEN),
    "cut at once": (Cut(0), BROKEN),
    "ended at once": (End(0), ENDED),
    "rubbish at once": (Rubbish(0), NO_CHUNK),
    "error frame at once": (ErrorFrame(0), REPORTED),
    "stall at once": (Stall(0, FOREVER_SECONDS), SILENT),
    "error frame with a key": (LEAKY, REPORTED),
}


@dataclass(frozen=True, slots=True)
class Early:
    """An upstream that fails before it accepts, and what the client hears of it."""

    provider: str
    reply: Reply
    message: str
    code: str = "upstream_unavailable"


EARLY = {
    "refuses the connection": Early("absent", HELLO, UNREACHABLE),
    "resets": Early("scripted", HELLO.troubled(Reset("start")), UNREACHABLE),
    "closes": Early("scripted", HELLO.troubled(Cut("start")), UNREACHABLE),
    "is silent": Early(
        "hasty",
        HELLO.troubled(Stall("start", FOREVER_SECONDS)),
        SILENT,
        "upstream_timeout",
    ),
}


def hasty(model: str) -> str:
    return model.replace("scripted/", "hasty/")


@pytest.mark.parametrize("store", [True, False], ids=["stored", "unstored"])
@pytest.mark.parametrize("stream", [True, False], ids=["stream", "json"])
@pytest.mark.parametrize("early", EARLY.values(), ids=EARLY)
def test_a_failure_before_the_first_event_is_an_http_error(
    server: Server, models: Models, early: Early, stream: bool, store: bool
) -> None:
    model = models.saying(early.reply).replace("scripted/", f"{early.provider}/")

    with ask(server, model, stream=stream, store=store) as exchange:
        status, told = exchange.status, exchange.json()

    assert status == 503
    assert told["error"] == {
        "type": "server_error",
        "code": early.code,
        "param": None,
        "message": early.message,
    }
    assert kept(server, model) == []


@pytest.mark.parametrize("store", [True, False], ids=["stored", "unstored"])
@pytest.mark.parametrize("saying", SAYINGS.values(), ids=SAYINGS)
@pytest.mark.parametrize(("trouble", "message"), BREAKS.values(), ids=BREAKS)
def test_a_failure_after_the_first_event_is_told_in_the_stream(
    server: Server, models: Models, trouble: Trouble, message: str, saying: Reply, store: bool
) -> None:
    model = hasty(models.saying(saying.troubled(trouble)))

    with ask(server, model, store=store) as exchange:
        frames = [*exchange.events()]

    response = folded(frames)
    assert response["status"] == "failed"
    assert response["error"]["message"].startswith(message)
    assert response["error"]["code"] == event_of(frames[-2])["code"] == "server_error"
    assert LEAKED_KEY.encode() not in b"".join(frames)
    assert [item.get("status", "incomplete") for item in response["output"]][-1:] in (
        [],
        ["incomplete"],
    )
    if store:
        assert kept(server, model) == [response] == [retrieved(server, response["id"])]
        assert replayed(server, response["id"]) == frames
    else:
        assert kept(server, model) == []
        assert retrieved(server, response["id"])["error"]["code"] == "response_not_found"


@pytest.mark.parametrize("store", [True, False], ids=["stored", "unstored"])
@pytest.mark.parametrize("trouble", [trouble for trouble, _ in BREAKS.values()], ids=BREAKS)
def test_a_json_request_gets_an_http_error_whenever_the_upstream_fails(
    server: Server, models: Models, trouble: Trouble, store: bool
) -> None:
    model = hasty(models.saying(HELLO.troubled(trouble)))

    with ask(server, model, stream=False, store=store) as exchange:
        status, told = exchange.status, exchange.json()

    assert status == 503
    assert told["error"]["type"] == "server_error"
    assert LEAKED_KEY not in told["error"]["message"]
    assert kept(server, model) == []


@pytest.mark.parametrize("when", ["finish", 3])
@pytest.mark.parametrize("breaks", [Reset, Cut, End])
def test_an_end_that_comes_too_early_or_just_in_time_is_one_end(
    server: Server, models: Models, breaks: type[Reset | Cut | End], when: int
) -> None:
    model = models.saying(HELLO.troubled(breaks(when)))

    with ask(server, model) as exchange:
        frames = [*exchange.events()]

    response = folded(frames)
    assert response["output_text"] == f"{OUTPUT} and more"
    assert response["status"] in ("completed", "failed")
    assert kept(server, model) == [response]
    assert replayed(server, response["id"]) == frames
