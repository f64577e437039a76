"""What leaves the process when an application answers."""

import json
import time
from pathlib import Path

import pytest

from tests.runtime.api import RuntimeApi
from tests.runtime.conftest import Start
from tests.runtime.events import event
from tests.runtime.requests import DELIMITER


def test_a_whole_answer_is_these_bytes_in_one_write(api: RuntimeApi, start: Start) -> None:
    start()

    answer = api.invoke(event("/whole"))
    request = answer.wait()

    prelude = '{"statusCode":200,"headers":{"content-type":"application/json","x-own":"1"}}'
    expected = (
        f"POST /2018-06-01/runtime/invocation/{answer.request_id}/response HTTP/1.1\r\n"
        f"Host: {api.address}\r\n"
        "Content-Type: application/vnd.awslambda.http-integration-response\r\n"
        "Lambda-Runtime-Function-Response-Mode: streaming\r\n"
        "Transfer-Encoding: chunked\r\n"
        "Trailer: Lambda-Runtime-Function-Error-Type, Lambda-Runtime-Function-Error-Body\r\n"
        "\r\n"
        f"{len(prelude) + 8:x}\r\n{prelude}\0\0\0\0\0\0\0\0\r\n"
        'b\r\n{"ok":true}\r\n'
        "0\r\n\r\n"
    )
    assert request.raw == expected.encode()
    assert request.writes == 1


def test_a_stream_is_one_chunk_for_each_part_and_none_for_an_empty_one(
    api: RuntimeApi, start: Start
) -> None:
    start()

    request = api.invoke(event("/stream")).wait()

    _, _, chunks = request.raw.partition(DELIMITER + b"\r\n")
    assert chunks == (b"9\r\ndata: 0\n\n\r\n9\r\ndata: 1\n\n\r\n9\r\ndata: 2\n\n\r\n0\r\n\r\n")


def test_head_and_first_part_leave_together_and_at_once(
    api: RuntimeApi, start: Start, tmp_path: Path
) -> None:
    start()

    answer = api.invoke(event("/two_steps"))
    answer.wait_for(b"first")
    first = list(answer.request.reads)
    (tmp_path / "go").touch()
    request = answer.wait()

    assert len(first) == 1
    assert first[0].startswith(b"POST ")
    assert first[0].endswith(DELIMITER + b"\r\n5\r\nfirst\r\n")
    assert request.reads[1:] == [b"6\r\nsecond\r\n0\r\n\r\n"]
    assert request.writes == 2


def test_the_stream_ends_with_the_answer_and_next_waits_for_the_application(
    api: RuntimeApi, start: Start, tmp_path: Path
) -> None:
    start()

    api.invoke(event("/after_work")).wait()
    time.sleep(0.1)
    was_idle_too_early = api.is_idle
    (tmp_path / "go").touch()
    api.wait_until_idle()

    assert not was_idle_too_early


def test_headers_reach_the_gateway_in_the_forms_that_it_reads(
    api: RuntimeApi, start: Start
) -> None:
    start()

    request = api.invoke(event("/cookies")).wait()

    assert request.prelude == {
        "statusCode": 201,
        "headers": {"content-type": "text/plain", "x-nul": "\0", "x-name": "Zoë"},
        "cookies": ["a=1; Path=/", "b=2"],
        "multiValueHeaders": {"link": ["</one>", "</two>"]},
    }


def test_an_empty_answer_has_a_line_end_for_a_body(api: RuntimeApi, start: Start) -> None:
    start()

    request = api.invoke(event("/empty")).wait()

    assert request.prelude == {"statusCode": 204, "headers": {}}
    assert request.content == b"\n"


def test_the_answer_to_head_has_no_body(api: RuntimeApi, start: Start) -> None:
    start()

    request = api.invoke(event("/whole", method="HEAD")).wait()

    assert request.prelude["headers"]["x-own"] == "1"
    assert request.content == b"\n"


def test_parts_sent_by_several_tasks_at_once_share_one_answer(
    api: RuntimeApi, start: Start
) -> None:
    start()

    request = api.invoke(event("/at_once")).wait()

    assert request.content == b"0 1 2 3 "


def test_many_chunks_arrive_whole(api: RuntimeApi, start: Start) -> None:
    start()

    request = api.invoke(event("/many")).wait()

    assert request.content == b"x" * 200 * 5000


@pytest.mark.parametrize("characters", [10, 3_000_000])
def test_a_body_of_any_length_reaches_the_application(
    api: RuntimeApi, start: Start, characters: int
) -> None:
    start()

    request = api.invoke(event("/echo", method="POST", body="ä" * characters)).wait()

    assert json.loads(request.content)["length"] == 2 * characters


def test_what_lambda_says_of_an_invocation_is_in_the_scope(api: RuntimeApi, start: Start) -> None:
    start()
    headers = {
        "Lambda-Runtime-Trace-Id": "Root=1-5bef4de7;Sampled=1",
        "Lambda-Runtime-Aws-Tenant-Id": "blue",
    }

    first = api.invoke(event("/echo"), headers=headers)
    shown = json.loads(first.wait().content)
    shown_later = json.loads(api.invoke(event("/echo")).wait().content)

    assert shown["lambda"] == {
        "deadline_at": int(first.headers["Lambda-Runtime-Deadline-Ms"]) / 1000,
        "trace_id": "Root=1-5bef4de7;Sampled=1",
        "tenant_id": "blue",
        "is_cold_start": True,
    }
    assert shown["trace"] == "Root=1-5bef4de7;Sampled=1"
    assert shown["request_id"] == first.request_id
    assert shown["function_name"] == "stream"
    assert 0 < shown["remaining_ms"] <= 60_000
    assert shown["event_path"] == "/echo"
    assert shown_later["lambda"]["is_cold_start"] is False
    assert shown_later["trace"] is None


@pytest.mark.parametrize("path", ["/whole", "/stream", "/fails_before", "/fails_amid"])
def test_the_invocation_id_is_handed_back_if_there_is_one(
    api: RuntimeApi, start: Start, path: str
) -> None:
    start()

    request = api.invoke(event(path), headers={"Lambda-Runtime-Invocation-Id": "inv-7"}).wait()

    assert request.headers["lambda-runtime-invocation-id"] == "inv-7"


def test_invocations_follow_each_other(api: RuntimeApi, start: Start) -> None:
    start()

    answers = [api.invoke(event("/stream")) for _ in range(20)]

    assert {answer.wait().content for answer in answers} == {
        b"data: 0\n\ndata: 1\n\ndata: 2\n\n",
    }


def test_the_client_that_has_gone_is_an_os_error(api: RuntimeApi, start: Start) -> None:
    function = start()

    api.invoke(event("/talks_on"), cuts_after=b"more").wait()
    api.wait_until_idle()

    gone, *others = (line for line in function.log_lines if "gone" in line)
    assert gone == {"gone": "ClientGone"}
    assert others == []
    assert [line["message"] for line in function.log_lines if "message" in line] == [
        "answer_refused"
    ]


def test_a_connection_that_breaks_while_lambda_is_slow_is_the_same(
    api: RuntimeApi, start: Start
) -> None:
    function = start()

    api.invoke(event("/floods"), cuts_after=b"flood", resets=True).wait()
    api.wait_until_idle()

    assert {"gone": "ClientGone"} in function.log_lines


def test_the_client_that_has_gone_is_a_disconnect(api: RuntimeApi, start: Start) -> None:
    function = start()

    api.invoke(event("/listens"), cuts_after=b"more").wait()
    api.wait_until_idle()

    assert {"heard": {"type": "http.disconnect"}} in function.log_lines


def test_after_the_answer_there_is_nothing_more_to_receive(api: RuntimeApi, start: Start) -> None:
    function = start()

    api.invoke(event("/listens_after")).wait()
    api.wait_until_idle()

    assert function.log_lines == [{"heard": {"type": "http.disconnect"}}]


def test_the_end_is_heard_of_only_when_it_is_on_its_way(api: RuntimeApi, start: Start) -> None:
    start()

    request = api.invoke(event("/ends_when_heard")).wait()

    assert request.content == b"last words"


def test_messages_out_of_order_are_refused(api: RuntimeApi, start: Start) -> None:
    function = start()

    request = api.invoke(event("/out_of_order")).wait()
    api.wait_until_idle()

    assert json.loads(request.content) == [
        "a body belongs between the beginning and the end of an answer",
        "'http.response.push' is no message of an HTTP answer",
        "the answer has begun already",
    ]
    assert function.log_lines[0]["errorType"] == "Runtime.RuntimeError"
