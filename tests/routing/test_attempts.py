import httpx
import pytest
from openai import (
    APIError,
    APIStatusError,
    BadRequestError,
    InternalServerError,
    OpenAI,
    RateLimitError,
)

from tests.server import KEY
from tests.upstreams.chat_completions import ChatUpstream
from tests.upstreams.chat_replies import failure, text
from tests.upstreams.chat_troubles import ErrorFrame, Reset, Stall

PATIENCE_SECONDS = 2.0  # of the server in conftest.py


@pytest.mark.parametrize("status", [429, 500, 503, 529])
def test_a_passing_failure_is_asked_again_at_the_same_service(
    client: OpenAI, primary: ChatUpstream, status: int
) -> None:
    primary.on("twice", failure(status), text("back"))

    response = client.responses.create(model="scripted/twice", input="hi")

    assert response.output_text == "back"
    assert len(primary.requests_for("twice")) == 2


@pytest.mark.parametrize("stream", [False, True])
def test_the_fallback_answers_when_the_primary_keeps_failing(
    client: OpenAI, primary: ChatUpstream, secondary: ChatUpstream, stream: bool
) -> None:
    primary.on("primary", failure(503))
    secondary.on("secondary", text("from the second"))

    answer = httpx.post(
        f"{client.base_url}responses",
        headers={"Authorization": f"Bearer {KEY}"},
        json={"model": "scripted/primary", "input": "hi", "stream": stream},
    )

    assert "from the second" in answer.text
    assert answer.headers["x-upstream-model"] == "second/secondary"
    assert len(primary.requests_for("primary")) == 2


def test_an_alias_has_the_fallbacks_of_what_it_stands_for(
    client: OpenAI, primary: ChatUpstream, secondary: ChatUpstream
) -> None:
    primary.on("primary", failure(500))
    secondary.on("secondary", text("still here"))

    response = client.responses.create(model="nickname", input="hi")

    assert response.output_text == "still here"
    assert response.model == "nickname"


def test_fallbacks_are_asked_in_their_order(
    client: OpenAI, primary: ChatUpstream, secondary: ChatUpstream
) -> None:
    primary.on("chained", failure(503))
    primary.on("chained-again", text("first fallback"))

    response = client.responses.create(model="scripted/chained", input="hi")

    assert response.output_text == "first fallback"
    assert secondary.requests_for("secondary") == []


def test_a_request_that_is_wrong_is_never_asked_again(
    client: OpenAI, primary: ChatUpstream, secondary: ChatUpstream
) -> None:
    primary.on("primary", failure(400))

    with pytest.raises(BadRequestError):
        client.responses.create(model="scripted/primary", input="hi")

    assert len(primary.requests_for("primary")) == 1
    assert secondary.requests_for("secondary") == []


def test_an_empty_account_is_not_asked_again(client: OpenAI, primary: ChatUpstream) -> None:
    primary.on("broke", failure(429, code="insufficient_quota"))

    with pytest.raises(RateLimitError) as raised:
        client.responses.create(model="scripted/broke", input="hi")

    assert raised.value.code == "insufficient_quota"
    assert len(primary.requests_for("broke")) == 1


def test_a_long_retry_after_goes_to_the_client_at_once(
    client: OpenAI, primary: ChatUpstream
) -> None:
    primary.on("busy", failure(429, headers={"Retry-After": "60"}))

    with pytest.raises(RateLimitError) as raised:
        client.responses.create(model="scripted/busy", input="hi")

    assert raised.value.response.headers["retry-after"] == "60"
    assert len(primary.requests_for("busy")) == 1


def test_a_short_retry_after_is_waited_for(client: OpenAI, primary: ChatUpstream) -> None:
    primary.on("patient", failure(429, headers={"Retry-After": "1"}), text("thanks"))

    response = client.responses.create(model="scripted/patient", input="hi")

    first, second = primary.requests_for("patient")
    assert response.output_text == "thanks"
    assert second.at - first.at >= 1


@pytest.mark.parametrize("status", [429, 503])
def test_who_is_told_to_wait_for_longer_than_a_stream_may_keep_silent_is_told_so_at_once(
    client: OpenAI, primary: ChatUpstream, status: int
) -> None:
    primary.on("slow", failure(status, headers={"Retry-After": "4"}))

    with pytest.raises(APIStatusError) as raised:
        client.responses.create(model="scripted/slow", input="hi", stream=True)

    assert raised.value.status_code == status
    assert raised.value.response.headers["retry-after"] == "4"
    assert len(primary.requests_for("slow")) == 1


def test_a_stream_that_has_opened_already_waits_for_as_long_as_others(
    client: OpenAI, primary: ChatUpstream
) -> None:
    late = Stall("start", 1.3 * PATIENCE_SECONDS)
    primary.on("late", failure(429, headers={"Retry-After": "1"}).troubled(late), text("at last"))

    events = list(client.responses.create(model="scripted/late", input="hi", stream=True))

    assert events[-1].type == "response.completed"
    assert events[-1].response.output_text == "at last"


@pytest.mark.parametrize("status", [429, 503])
def test_a_fallback_does_not_wait_for_what_the_primary_asks(
    client: OpenAI, primary: ChatUpstream, secondary: ChatUpstream, status: int
) -> None:
    primary.on("primary", failure(status, headers={"Retry-After": "10"}))
    secondary.on("secondary", text("no need to wait"))

    response = client.responses.create(model="scripted/primary", input="hi")

    assert response.output_text == "no need to wait"
    assert len(primary.requests_for("primary")) == 1


def test_when_no_fallback_answers_the_primary_is_waited_for(
    client: OpenAI, primary: ChatUpstream, secondary: ChatUpstream
) -> None:
    primary.on("primary", failure(429, headers={"Retry-After": "1"}), text("here again"))
    secondary.on("secondary", failure(500))

    response = client.responses.create(model="scripted/primary", input="hi")

    first, second = primary.requests_for("primary")
    assert response.output_text == "here again"
    assert second.at - first.at >= 1
    assert len(secondary.requests_for("secondary")) == 2


def test_a_service_is_not_waited_for_more_often_than_it_is_asked_again(
    client: OpenAI, primary: ChatUpstream
) -> None:
    primary.on("full", failure(429, headers={"Retry-After": "0"}))

    with pytest.raises(RateLimitError):
        client.responses.create(model="scripted/full", input="hi")

    assert len(primary.requests_for("full")) == 2


def test_how_long_a_server_wants_to_be_left_alone_is_passed_on_whatever_ails_it(
    client: OpenAI, primary: ChatUpstream
) -> None:
    primary.on("ill", failure(503, headers={"Retry-After": "60"}))

    with pytest.raises(InternalServerError) as raised:
        client.responses.create(model="scripted/ill", input="hi")

    assert raised.value.status_code == 503
    assert raised.value.response.headers["retry-after"] == "60"
    assert len(primary.requests_for("ill")) == 1


def test_who_answers_is_not_told_while_it_is_not_known(
    client: OpenAI, primary: ChatUpstream, secondary: ChatUpstream
) -> None:
    late = Stall("start", 1.3 * PATIENCE_SECONDS)
    primary.on("primary", failure(429, headers={"Retry-After": "9"}).troubled(late))
    secondary.on("secondary", text("from the second"))

    answer = httpx.post(
        f"{client.base_url}responses",
        headers={"Authorization": f"Bearer {KEY}"},
        json={"model": "scripted/primary", "input": "hi", "stream": True},
    )

    assert "from the second" in answer.text
    assert "x-upstream-model" not in answer.headers


def test_a_failure_after_the_first_event_but_before_a_word_is_not_seen_by_the_client(
    client: OpenAI, primary: ChatUpstream, secondary: ChatUpstream
) -> None:
    primary.on("primary", text("never").troubled(ErrorFrame("start")))
    secondary.on("secondary", text("a word"))

    events = list(client.responses.create(model="scripted/primary", input="hi", stream=True))

    assert [event.type for event in events[:3]] == [
        "response.created",
        "response.in_progress",
        "response.output_item.added",
    ]
    assert events[-1].type == "response.completed"
    assert [event.sequence_number for event in events] == list(range(len(events)))


def test_a_failure_after_the_first_word_is_told_and_nobody_else_is_asked(
    client: OpenAI, primary: ChatUpstream, secondary: ChatUpstream
) -> None:
    primary.on("primary", text("one", "two").troubled(Reset(1)))

    with pytest.raises(APIError):
        list(client.responses.create(model="scripted/primary", input="hi", stream=True))

    assert len(primary.requests_for("primary")) == 1
    assert secondary.requests_for("secondary") == []


def test_a_primary_that_keeps_failing_is_left_alone(
    own_client: OpenAI, primary: ChatUpstream, secondary: ChatUpstream
) -> None:
    primary.on("primary", failure(503))
    secondary.on("secondary", text("ok"))

    answers = [own_client.responses.create(model="scripted/primary", input="hi") for _ in range(8)]

    assert {answer.output_text for answer in answers} == {"ok"}
    assert len(secondary.requests_for("secondary")) == 8
    assert len(primary.requests_for("primary")) < 8


def test_a_model_without_a_fallback_is_asked_however_often_it_failed(
    client: OpenAI, primary: ChatUpstream
) -> None:
    primary.on("lonely", *[failure(503)] * 12, text("awake"))
    for _ in range(6):
        with pytest.raises(InternalServerError):
            client.responses.create(model="scripted/lonely", input="hi")

    response = client.responses.create(model="scripted/lonely", input="hi")

    assert response.output_text == "awake"
