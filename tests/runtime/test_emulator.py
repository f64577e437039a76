"""What AWS's own emulator says of the runtime."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.runtime.emulator import Emulator, require_emulator
from tests.runtime.events import event

type Emulate = Callable[[str], Emulator]

WHOLE = (
    b'{"statusCode":200,"headers":{"content-type":"application/json","x-own":"1"}}'
    b'\0\0\0\0\0\0\0\0{"ok":true}'
)
STREAM = (
    b'{"statusCode":200,"headers":{"content-type":"text/event-stream"}}'
    b"\0\0\0\0\0\0\0\0data: 0\n\ndata: 1\n\ndata: 2\n\n"
)


@pytest.fixture
def emulate(tmp_path: Path) -> Iterator[Emulate]:
    require_emulator()
    with ExitStack() as stack:
        yield lambda handler: stack.enter_context(Emulator(handler, tmp_path / "emulator.log"))


def test_whole_and_streamed_answers_are_accepted_back_to_back(emulate: Emulate) -> None:
    emulator = emulate("answers.app")

    answers = [emulator.invoke(event(path)).content for path in ("/whole", "/stream") * 3]

    assert answers == [WHOLE, STREAM] * 3
    assert emulator.verdicts == ["success"] * 6


def test_a_long_event_and_many_chunks_are_accepted(emulate: Emulate) -> None:
    emulator = emulate("answers.app")

    long_event = emulator.invoke(event("/echo", method="POST", body="ä" * 1_000_000))
    many_chunks = emulator.invoke(event("/many"))

    assert b'"length": 2000000' in long_event.content
    assert many_chunks.content.endswith(b"x" * 200 * 5000)
    assert emulator.verdicts == ["success"] * 2


def test_error_trailers_amid_the_stream_are_accepted(emulate: Emulate) -> None:
    emulator = emulate("answers.app")

    broken = emulator.invoke(event("/fails_amid"))
    following = emulator.invoke(event("/whole"))

    assert broken.content.endswith(b"\0first")
    assert following.content == WHOLE


def test_an_error_before_the_body_is_handed_on(emulate: Emulate) -> None:
    emulator = emulate("answers.app")

    broken = emulator.invoke(event("/fails_before"))
    following = emulator.invoke(event("/whole"))

    assert broken.json()["errorType"] == "Runtime.KeyError"
    assert following.content == WHOLE


def test_an_init_error_is_handed_on(emulate: Emulate) -> None:
    emulator = emulate("nothing_of_this_name.app")

    refused = emulator.invoke(event("/whole"))

    assert refused.json()["errorType"] == "Runtime.ImportModuleError"


def test_an_empty_body_and_a_lifespan_are_accepted(emulate: Emulate) -> None:
    emulator = emulate("lives.living")

    answer = emulator.invoke(event("/"))

    assert answer.content.endswith(b'{"history": ["started"], "state": {"pool": "open"}}')
    assert emulator.verdicts == ["success"]
