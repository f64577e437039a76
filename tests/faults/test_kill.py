"""The process is killed; the next one keeps every word that was given."""

from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass

import pytest

from tests.clients.models import Models
from tests.faults.asking import OUTPUT, ask, check_log, replayed, retrieved
from tests.faults.database import kept, statuses
from tests.faults.folding import folded
from tests.faults.wire import Exchange, event_of
from tests.server import Server
from tests.upstreams.chat_completions import ChatUpstream
from tests.upstreams.chat_replies import Reply, call, calls, refusal, text, thinking
from tests.upstreams.chat_troubles import Stall

FOREVER_SECONDS = 60.0
OSLO = call("get_weather", '{"city":', '"Os', 'lo"}')
ROME = call("get_weather", '{"city":', '"Ro', 'me"}')


@dataclass(frozen=True, slots=True)
class Moment:
    """A point of a stream: what the model says up to it, and what a reader sees last."""

    reply: Reply
    mark: str
    family: str = "model"


def until(pieces: int, said: Reply) -> Reply:
    return said.troubled(Stall(pieces, FOREVER_SECONDS))


TEXT = text(f"{OUTPUT} 👋", " and", " more")
MOMENTS: Mapping[str, Moment] = {
    "accepted": Moment(until(0, TEXT), "response.in_progress"),
    "in a text": Moment(until(2, TEXT), '" and"'),
    "in a refusal": Moment(until(1, refusal("I ", "will ", "not.")), "refusal.delta"),
    "in a thought": Moment(until(1, thinking("Well, ", "well.")), "summary_text.delta"),
    "in a raw thought": Moment(
        until(1, thinking("Well, ", "well.")), "reasoning_text.delta", family="raw"
    ),
    "after a thought": Moment(until(2, thinking("Well.") + TEXT), '"response.output_text.delta"'),
    "in a tool call": Moment(until(2, calls(OSLO)), "arguments.delta"),
    "in the second call": Moment(until(7, calls(OSLO, ROME)), '\\"Ro"'),
    "in an interleaved call": Moment(
        until(4, calls(OSLO, ROME, interleaved=True)), "arguments.delta"
    ),
    "in a custom call": Moment(
        until(2, calls(call("run_code", '{"input":"pr', 'int(1)"}'))), "output_item.added"
    ),
    "after a text, in a call": Moment(until(4, TEXT + calls(OSLO)), "function_call"),
    "right before the end": Moment(TEXT.troubled(Stall("finish", FOREVER_SECONDS)), '" more"'),
}


@dataclass(frozen=True, slots=True)
class Killed:
    """A server that was killed at every moment at once, and runs again."""

    server: Server
    seen: Mapping[str, list[bytes]]
    finished: list[bytes]
    never_begun: tuple[str, str]

    def replayed(self, moment: str) -> list[bytes]:
        """The stream as it is now."""
        return replayed(self.server, self.id_of(moment))

    def id_of(self, moment: str) -> str:
        """The response of that moment."""
        response_id: str = event_of(self.seen[moment][0])["response"]["id"]
        return response_id


@pytest.fixture(scope="module")
def killed(
    upstream: ChatUpstream,
    models: Models,
    settings: str,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Killed]:
    data = tmp_path_factory.mktemp("killed")
    with Server(data, upstream.base_url, settings) as server, ExitStack() as stack:
        with ask(server, models.saying(TEXT)) as exchange:
            finished = [*exchange.events()]
        silent = TEXT.troubled(Stall("start", FOREVER_SECONDS)), until(1, TEXT)
        never_begun = models.saying(silent[0]), models.saying(silent[1])
        for model, stream in zip(never_begun, (True, False), strict=True):
            stack.enter_context(ask(server, model, stream=stream))
        readers: dict[str, Exchange] = {}
        seen: dict[str, list[bytes]] = {}
        for name, moment in MOMENTS.items():
            model = models.saying(moment.reply, family=moment.family)
            readers[name] = stack.enter_context(ask(server, model))
            seen[name] = readers[name].until(moment.mark)
        upstream.wait_until(lambda: all(models.heard(model) for model in never_begun))
        server.kill()
        for name, reader in readers.items():
            seen[name] += reader.rest()
        server.start()
        yield Killed(server, seen, finished, never_begun)
    check_log(server)


@pytest.mark.parametrize("moment", MOMENTS)
def test_what_was_seen_is_there_again_and_ends_as_failed(killed: Killed, moment: str) -> None:
    seen = killed.seen[moment]

    told = killed.replayed(moment)

    assert told[: len(seen)] == seen
    response = folded(told)
    assert response["status"] == "failed"
    assert response["error"]["code"] == "server_error"
    assert response == retrieved(killed.server, killed.id_of(moment))


@pytest.mark.parametrize("moment", MOMENTS)
def test_items_that_were_open_are_closed_as_incomplete(killed: Killed, moment: str) -> None:
    events = [event_of(frame) for frame in killed.seen[moment]]
    added = sum(event["type"] == "response.output_item.added" for event in events)
    done = [event["item"] for event in events if event["type"] == "response.output_item.done"]

    output = folded(killed.replayed(moment))["output"]

    assert output[: len(done)] == done
    assert len(output) == added
    rest = output[len(done) :]
    assert [item.get("status", "incomplete") for item in rest] == ["incomplete"] * len(rest)


@pytest.mark.parametrize("moment", MOMENTS)
def test_what_was_cut_off_cannot_be_continued(killed: Killed, models: Models, moment: str) -> None:
    with ask(
        killed.server, models.saying(TEXT), previous_response_id=killed.id_of(moment)
    ) as exchange:
        status, error = exchange.status, exchange.json()["error"]

    assert (status, error["code"]) == (400, "previous_response_not_found")


def test_what_had_ended_is_as_it_was(killed: Killed, models: Models) -> None:
    response = folded(killed.finished)

    assert replayed(killed.server, response["id"]) == killed.finished
    assert retrieved(killed.server, response["id"]) == response
    with ask(killed.server, models.saying(TEXT), previous_response_id=response["id"]) as exchange:
        assert folded(exchange.events())["status"] == "completed"


def test_what_had_not_begun_was_never_there(killed: Killed) -> None:
    assert [kept(killed.server, model) for model in killed.never_begun] == [[], []]


def test_nothing_is_left_in_progress(killed: Killed) -> None:
    assert set(statuses(killed.server)) == {"completed", "failed"}


def test_a_second_crash_changes_nothing(killed: Killed) -> None:
    before = {moment: killed.replayed(moment) for moment in MOMENTS}

    killed.server.kill()
    killed.server.start()

    assert {moment: killed.replayed(moment) for moment in MOMENTS} == before


def test_a_burst_may_be_cut_anywhere(own_server: Server, models: Models) -> None:
    model = models.saying(text(*(f"{number} " for number in range(3_000))).paced(0.0005))
    for words in 1, 70, 700:
        with ask(own_server, model) as exchange:
            seen = exchange.until(f'"{words} "')
            own_server.kill()
            seen += exchange.rest()
        own_server.start()

        told = replayed(own_server, event_of(seen[0])["response"]["id"])

        assert told[: len(seen)] == seen
        assert folded(told)["status"] == "failed"
