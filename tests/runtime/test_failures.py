"""What Lambda is told, and what the log says, when an application does not answer as it should."""

import time
from pathlib import Path

import pytest

from tests.runtime.api import RuntimeApi
from tests.runtime.conftest import Start
from tests.runtime.events import event
from tests.runtime.requests import JSON

SECRET = "a secret of the request"
SHORT_SECONDS = 2.0

BEFORE = {
    "/fails_before": "Runtime.KeyError",
    "/fails_by_another": "Runtime.ValueError",
    "/fails_in_a_group": "Runtime.ExceptionGroup",
    "/says_nothing": "Runtime.NoAnswer",
    "/large_headers": "Runtime.PreludeTooLarge",
    "/cancels_itself": "Runtime.CancelledError",
    "/no_such_path": "Runtime.AttributeError",
}
AMID = {"/fails_amid": "Runtime.ValueError", "/stops_amid": "Runtime.UnfinishedAnswer"}


@pytest.mark.parametrize(("path", "error_type"), BEFORE.items())
def test_a_failure_before_the_body_is_a_plain_error(
    api: RuntimeApi, start: Start, path: str, error_type: str
) -> None:
    function = start()

    answer = api.invoke(event(path))
    request = answer.wait()
    following = api.invoke(event("/whole")).wait()

    assert answer.was_error
    assert request.failure["errorType"] == error_type
    assert following.content == b'{"ok":true}'
    assert [line["errorType"] for line in function.log_lines] == [error_type]


@pytest.mark.parametrize(("path", "error_type"), AMID.items())
def test_a_failure_amid_the_stream_is_told_by_trailers(
    api: RuntimeApi, start: Start, path: str, error_type: str
) -> None:
    function = start()

    answer = api.invoke(event(path))
    request = answer.wait()
    following = api.invoke(event("/whole")).wait()

    assert not answer.was_error
    assert request.content == b"first"
    assert request.trailers["lambda-runtime-function-error-type"] == error_type
    assert request.failure["errorType"] == error_type
    assert following.content == b'{"ok":true}'
    assert [line["errorType"] for line in function.log_lines] == [error_type]


def test_a_failure_after_the_answer_is_only_logged(api: RuntimeApi, start: Start) -> None:
    function = start()

    request = api.invoke(event("/fails_after")).wait()
    api.wait_until_idle()

    assert request.trailers == {}
    assert [line["errorType"] for line in function.log_lines] == ["Runtime.ValueError"]


@pytest.mark.parametrize("path", ["/fails_before", "/fails_amid", "/fails_in_a_group"])
def test_a_failure_is_one_line_of_the_log_without_what_it_says(
    api: RuntimeApi, start: Start, path: str
) -> None:
    function = start()

    answer = api.invoke(event(path))
    request = answer.wait()
    api.wait_until_idle()

    (line,) = function.log_lines
    assert line["message"] == "invocation_failed"
    assert line["level"] == "ERROR"
    assert line["requestId"] == answer.request_id
    assert any("answers.py" in frame for frame in line["stackTrace"])
    assert line["stackTrace"] == request.failure["stackTrace"]
    assert SECRET not in function.log


def test_the_stack_begins_with_what_led_to_the_failure(api: RuntimeApi, start: Start) -> None:
    start()

    stack = api.invoke(event("/fails_by_another")).wait().failure["stackTrace"]

    assert [frame for frame in stack if frame.endswith("Error")] == ["KeyError", "ValueError"]


def test_a_failure_that_lambda_will_not_hear_of_is_not_the_end(start: Start) -> None:
    with RuntimeApi(refuses="/error") as api:
        function = start(api=api)

        api.invoke(event("/fails_before")).wait()
        following = api.invoke(event("/whole")).wait()

        assert following.content == b'{"ok":true}'
        assert [line["message"] for line in function.log_lines] == [
            "invocation_failed",
            "answer_refused",
        ]


def test_a_failure_that_nobody_awaits_is_one_line_as_well(api: RuntimeApi, start: Start) -> None:
    function = start()

    api.invoke(event("/forgets_a_failure")).wait()
    api.wait_until_idle()

    (line,) = function.log_lines
    assert (line["message"], line["errorType"]) == ("task_failed", "Runtime.ValueError")
    assert SECRET not in function.log


@pytest.mark.parametrize(
    "payload",
    [b"{}", b"[]", b"null", b"not json", b"\xff", {"version": "2.0", "rawPath": "/"}],
)
def test_an_event_that_is_no_request_of_a_rest_api_is_refused_clearly(
    api: RuntimeApi, start: Start, payload: JSON
) -> None:
    start()

    answer = api.invoke(payload)
    request = answer.wait()

    assert answer.was_error
    assert request.failure["errorType"] == "Runtime.UnsupportedEvent"
    assert "REST API" in request.failure["errorMessage"]


@pytest.mark.parametrize("name", ["Client-Context", "Cognito-Identity"])
@pytest.mark.parametrize("said", ["no json", "[1]", '{"client":', '"\\ud800"'])
def test_what_a_caller_says_of_itself_can_break_its_own_invocation_only(
    api: RuntimeApi, start: Start, name: str, said: str
) -> None:
    start()

    answer = api.invoke(event("/whole"), headers={f"Lambda-Runtime-{name}": said})
    request = answer.wait()
    following = api.invoke(event("/whole")).wait()

    assert answer.was_error
    assert request.failure["errorType"] == "Runtime.LambdaContextUnmarshalError"
    assert following.content == b'{"ok":true}'


def test_a_body_that_is_no_base64_is_that_invocation_s_failure(
    api: RuntimeApi, start: Start
) -> None:
    start()

    answer = api.invoke(event("/whole", body="a", isBase64Encoded=True))

    assert answer.wait().failure["errorType"] == "Runtime.Error"


def test_a_process_that_dies_leaves_what_it_has_sent(api: RuntimeApi, start: Start) -> None:
    function = start()

    answer = api.invoke(event("/exits"))
    request = answer.wait()

    assert function.wait() == 3
    assert request.raw.endswith(b"5\r\nfirst\r\n")


def test_who_misses_the_deadline_is_cancelled_and_the_stream_ended(
    api: RuntimeApi, start: Start
) -> None:
    start()

    request = api.invoke(event("/endless"), deadline_seconds=SHORT_SECONDS).wait()
    following = api.invoke(event("/whole")).wait()

    assert request.content == b"first"
    assert request.failure["errorType"] == "Runtime.DeadlineReached"
    assert following.content == b'{"ok":true}'


def test_who_misses_the_deadline_in_silence_is_answered_for(api: RuntimeApi, start: Start) -> None:
    start()

    answer = api.invoke(event("/silent"), deadline_seconds=SHORT_SECONDS)
    request = answer.wait()

    assert answer.was_error
    assert request.failure["errorType"] == "Runtime.DeadlineReached"


def test_who_is_cancelled_may_still_end_in_order(api: RuntimeApi, start: Start) -> None:
    start()

    request = api.invoke(event("/last_words"), deadline_seconds=SHORT_SECONDS).wait()

    assert request.content == b"incomplete"
    assert request.trailers == {}


def test_who_will_not_be_cancelled_cannot_keep_the_stream_open(
    api: RuntimeApi, start: Start, tmp_path: Path
) -> None:
    start()

    request = api.invoke(event("/stubborn"), deadline_seconds=SHORT_SECONDS).wait()
    time.sleep(0.1)
    was_idle_too_early = api.is_idle
    (tmp_path / "go").touch()
    api.wait_until_idle()

    assert request.failure["errorType"] == "Runtime.DeadlineReached"
    assert not was_idle_too_early
