"""The Node clients: openai-node, and the AI SDK with its OpenAI provider."""

import json
import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from openai import OpenAI

from tests.clients.models import Models
from tests.clients.rows import CASES, ROWS
from tests.clients.tools import THINKING, TOOLS
from tests.dialects.differences import UNSAYABLE
from tests.server import KEY, Server
from tests.upstreams.chat_replies import Usage, call, calls, failure, text, thinking
from tests.upstreams.chat_troubles import Cut, Stall

type JSON = Any
type Play = Callable[..., JSON]

SCRIPTS = Path(__file__).parents[1] / "node"
OLDEST_NODE = 20
PLAYS_WITHIN_SECONDS = 60

WORDS = [f"{number} " for number in range(12)]
SUM = {"steps": ["Two and two."], "result": 4}
OSLO, ROME = ({"city": city} for city in ("Oslo", "Rome"))


def node_major() -> int:
    """The version of the Node at hand; 0 if there is none."""
    node = shutil.which("node")
    if node is None:
        return 0
    told = subprocess.run([node, "--version"], capture_output=True, text=True, check=False)
    return int(told.stdout.removeprefix("v").partition(".")[0] or 0)


pytestmark = pytest.mark.skipif(
    "CI" not in os.environ  # there, what is missing is a failure
    and (not (SCRIPTS / "node_modules" / "ai").exists() or node_major() < OLDEST_NODE),
    reason="needs Node 20 or newer, and `make test` to install the packages",
)


@pytest.fixture
def play(server: Server) -> Play:
    def played(script: str, scenario: str, **given: JSON) -> JSON:
        """The result of a scenario of a script."""
        done = subprocess.run(
            ["node", SCRIPTS / f"{script}.mjs", scenario],
            input=json.dumps(given),
            env=os.environ | {"BASE_URL": server.base_url, "API_KEY": KEY},
            capture_output=True,
            text=True,
            timeout=PLAYS_WITHIN_SECONDS,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    return played


def test_openai_node_takes_the_stream_of_each_case(play: Play, any_models: Models) -> None:
    rows = {name: ROWS[name] for dialect, name in CASES if dialect == any_models.name}
    models = {name: any_models.saying(row.reply, family=row.family) for name, row in rows.items()}

    told = play("openai_client", "streams", models=models, tools=TOOLS, reasoning=THINKING)

    assert set(told) == set(rows)
    for name, row in rows.items():
        final, error = told[name]["final"], told[name]["error"]
        if row.fails:
            assert error["isApiError"], (name, error)
            assert error["code"] == "server_error"
        else:
            assert error is None, (name, error)
            assert final["status"] == row.order_at(any_models.name).split()[-1], name


def test_openai_node_parses_answers_and_calls(play: Play, any_models: Models) -> None:
    answering = any_models.saying(text(*json.dumps(SUM).partition(",")))
    calling = any_models.saying(
        calls(call("get_weather", '{"city":', '"Oslo"}'), call("get_weather", '{"city":"Rome"}'))
    )

    told = play("openai_client", "parse", answering=answering, calling=calling)

    assert told == {"answered": SUM, "streamed": SUM, "called": [OSLO, ROME]}


def test_openai_node_goes_on_at_once_after_a_stream(play: Play, any_models: Models) -> None:
    step = calls(call("get_weather", '{"city":"Oslo"}'), call("get_weather", '{"city":"Rome"}'))
    model = any_models.saying(step, step, text("Sun everywhere."))

    told = play("openai_client", "conversation", model=model)

    assert told == {"turns": 3, "text": "Sun everywhere."}


def test_openai_node_keeps_conversations(play: Play, models: Models) -> None:
    model = models.saying(text("Black."), text("Hot."))

    told = play("openai_client", "conversations", model=model)

    assert told == {
        "texts": ["Tea!", "Colour?", "Black.", "Heat?", "Hot.", "When?"],
        "isItsOwn": True,
        "gone": "item_not_found",
        "deleted": True,
    }


def test_openai_node_reads_what_is_stored(play: Play, models: Models) -> None:
    model = models.saying(text("Yes."))

    told = play("openai_client", "stored", model=model)

    assert told["kept"] == told["created"]
    assert told["items"] == ["One.", "Two.", "Three."]
    assert told["numbers"] == [*range(3, 3 + len(told["numbers"]))]
    assert (told["gone"]["name"], told["gone"]["code"]) == ("NotFoundError", "response_not_found")


def test_openai_node_joins_a_stream_that_it_left(play: Play, any_models: Models) -> None:
    model = any_models.saying(text(*WORDS).paced(0.02))

    told = play("openai_client", "rejoin", model=model)

    assert told == {"pieces": WORDS, "text": "".join(WORDS)}


def test_openai_node_makes_joins_and_cancels_in_the_background(
    play: Play, any_models: Models
) -> None:
    slow = any_models.saying(text(*WORDS).paced(0.02))
    stalling = any_models.saying(text("One, ", "two.").troubled(Stall(1, 60)))

    told = play("openai_client", "background", slow=slow, stalling=stalling)

    statuses = [told[name]["status"] for name in ("queued", "polled", "joined", "cancelled")]
    assert statuses == ["queued", "completed", "completed", "cancelled"]
    assert told["polled"]["output_text"] == told["joined"]["output_text"] == "".join(WORDS)
    assert told["kinds"][:3] == ["response.created", "response.queued", "response.in_progress"]
    assert told["kinds"].count("response.output_text.delta") == len(WORDS)
    assert told["kinds"][-1] == "response.completed"
    assert told["cancelled"] == told["again"]
    assert told["cancelled"]["output_text"] == told["final"]["output_text"] == "One, "
    assert (told["final"]["id"], told["final"]["status"]) == (told["again"]["id"], "cancelled")


def test_openai_node_raises_the_errors_that_it_declares(play: Play, models: Models) -> None:
    busy = models.saying(failure(429, headers={"retry-after": "7"}))
    broken = models.saying(failure(500))

    told = play("openai_client", "errors", busy=busy, broken=broken)

    seen = {name: (error["name"], error["status"], error["code"]) for name, error in told.items()}
    assert seen == {
        "key": ("AuthenticationError", 401, "invalid_api_key"),
        "request": ("BadRequestError", 400, "model_not_found"),
        "unknown": ("NotFoundError", 404, "response_not_found"),
        "busy": ("RateLimitError", 429, "rate_limit_exceeded"),
        "broken": ("InternalServerError", 503, "upstream_unavailable"),
    }
    assert told["busy"]["retryAfter"] == "7"


def test_openai_node_lists_the_models(play: Play) -> None:
    told = play("openai_client", "models")

    assert "demo" in told["ids"]
    assert told["demo"]["id"] == "demo"


@pytest.mark.parametrize("store", [True, False])
@pytest.mark.parametrize("scenario", ["generate", "stream"])
def test_the_ai_sdk_loops_over_tools_and_goes_on(
    play: Play, any_models: Models, scenario: str, *, store: bool
) -> None:
    usage = Usage(prompt=10, completion=5, reasoning=2)
    model = any_models.saying(
        (thinking("Oslo first.") + calls(call("get_weather", '{"city":"Oslo"}'))).costing(usage),
        (
            thinking("Then Rome.")
            + text("One moment.")
            + calls(call("get_weather", '{"city":"Rome"}'))
        ).costing(usage),
        text("Sun everywhere.").costing(usage),
        calls(call("get_weather", '{"city":"Oslo"}'), call("get_weather", '{"city":"Rome"}')),
        text("Still sun."),
    )

    told = play("ai_sdk", scenario, model=model, store=store)

    first, second = told["first"], told["second"]
    assert (first["text"], first["finishReason"]) == ("Sun everywhere.", "stop")
    assert first["calls"] == [OSLO, ROME]
    assert first["thoughts"] == ["Oslo first.", "Then Rome.", None]
    assert first["usage"]["totalTokens"] == 45
    is_counted = (any_models.name, "reasoning tokens") not in UNSAYABLE
    assert first["usage"]["reasoningTokens"] == (6 if is_counted else 0)
    assert (second["text"], second["calls"]) == ("Still sun.", [OSLO, ROME])
    if scenario == "stream":
        assert first["errors"] == second["errors"] == []
        assert {"reasoning-delta", "text-delta", "tool-call", "tool-result"} <= {*first["parts"]}
    assert ("item_reference" in told["sent"][1]) == store
    assert first["warnings"] == second["warnings"] == []
    last = any_models.history(model)
    assert [who for who, _ in last] == [
        *["user", "call", "result", "assistant", "call", "result", "assistant"],
        *["user", "call", "call", "result", "result"],
    ]
    assert last[3] == ("assistant", "One moment.")
    assert "Sun in Rome." in last[5][1]


def test_the_ai_sdk_reads_structured_output(play: Play, any_models: Models) -> None:
    model = any_models.saying(text(*json.dumps(SUM).partition(",")))

    told = play("ai_sdk", "structured", model=model)

    assert told["generated"] == told["output"] == told["streamed"] == SUM
    assert told["partials"] > 0
    forms = [any_models.form(model, request) for request in range(3)]
    assert [form["properties"].keys() for form in forms] == [SUM.keys()] * 3


def test_the_ai_sdk_chains_by_the_id_of_the_response(play: Play, any_models: Models) -> None:
    model = any_models.saying()

    told = play("ai_sdk", "chained", model=model)

    assert told == {"text": "You said: Two.", "sent": [["user"], ["user"]]}
    assert [said for _, said in any_models.history(model)] == ["One.", "You said: One.", "Two."]


def test_the_ai_sdk_knows_our_errors(play: Play, models: Models) -> None:
    busy = models.saying(failure(429, headers={"retry-after": "7"}))
    broken = models.saying(failure(500))
    dying = models.saying(text("Hel", "lo").troubled(Cut(1)))

    told = play("ai_sdk", "errors", busy=busy, broken=broken, dying=dying)

    seen = {
        name: (error["name"], error["status"], error["isRetryable"])
        for name, error in told.items()
        if not name.endswith("Stream")
    }
    assert seen == {
        "request": ("APICallError", 400, False),
        "busy": ("APICallError", 429, True),
        "broken": ("APICallError", 503, True),
        "dead": ("APICallError", 503, True),
    }
    assert "nobody/knows" in told["request"]["message"]
    [busy_stream] = told["busyStream"]
    assert (busy_stream["status"], busy_stream["isRetryable"]) == (429, True)
    assert told["dyingStream"]["text"] == "Hel"
    assert "The connection to the model server broke." in str(told["dyingStream"]["errors"])


def test_an_abort_in_the_ai_sdk_leaves_a_stored_response_running(
    play: Play, client: OpenAI, models: Models
) -> None:
    model = models.saying(text(*WORDS).paced(0.03))

    told = play("ai_sdk", "abort", model=model, store=True)

    assert told["parts"][-1] == "abort"
    assert models.upstream.wait_until(lambda: models.upstream.open_streams == 0)
    follow_up = models.saying(text("Yes."))
    client.responses.create(model=follow_up, input=[{"type": "item_reference", "id": told["item"]}])
    [message] = models.heard(follow_up)[0]["messages"]
    assert message["content"] == "".join(WORDS)


@pytest.mark.parametrize("server", ["local"], indirect=True)  # Lambda tells nobody of an abort
def test_an_abort_in_the_ai_sdk_ends_an_unstored_response(play: Play, models: Models) -> None:
    model = models.saying(text("One, ", "two.").troubled(Stall(1, 60)))
    before = models.upstream.disconnects

    told = play("ai_sdk", "abort", model=model, store=False)

    assert told["parts"][-1] == "abort"
    assert models.upstream.wait_until(lambda: models.upstream.disconnects == before + 1)
