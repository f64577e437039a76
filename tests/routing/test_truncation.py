from typing import Any

import pytest
from openai import BadRequestError, OpenAI

from tests.upstreams.chat_completions import ChatUpstream
from tests.upstreams.chat_replies import failure, text

TOO_LONG = failure(400, code="context_length_exceeded", message="maximum context length is 100")
LONG_TALK: Any = [
    {"role": "developer", "content": "Be brief."},
    *(
        {"role": role, "content": f"{role} {turn} {'word ' * 50}"}
        for turn in range(6)
        for role in ("user", "assistant")
    ),
    {"role": "user", "content": "the last question"},
]


def test_auto_leaves_out_the_oldest_turns_until_the_upstream_accepts(
    client: OpenAI, primary: ChatUpstream
) -> None:
    primary.on("small", TOO_LONG, TOO_LONG, text("fits"))

    response = client.responses.create(
        model="scripted/small",
        input=LONG_TALK,
        truncation="auto",
    )

    first, second, third = (r.body["messages"] for r in primary.requests_for("small"))
    assert response.output_text == "fits"
    assert len(first) > len(second) > len(third)
    assert third[0]["content"] == "Be brief."
    assert third[-1]["content"] == "the last question"
    assert "user 0" not in str(second)


def test_the_whole_conversation_is_kept_for_later_turns(
    client: OpenAI, primary: ChatUpstream
) -> None:
    primary.on("small-once", TOO_LONG, text("fits"))
    primary.on("large", text("all of it"))
    first = client.responses.create(
        model="scripted/small-once",
        input=LONG_TALK,
        truncation="auto",
    )

    client.responses.create(model="scripted/large", input="and now?", previous_response_id=first.id)

    assert "user 0" in str(primary.requests_for("large")[0].body["messages"])


def test_disabled_relays_the_refusal(client: OpenAI, primary: ChatUpstream) -> None:
    primary.on("strict", TOO_LONG)

    with pytest.raises(BadRequestError) as raised:
        client.responses.create(
            model="scripted/strict",
            input=LONG_TALK,
        )

    assert raised.value.code == "context_length_exceeded"
    assert raised.value.param == "input"
    assert len(primary.requests_for("strict")) == 1


def test_auto_relays_the_refusal_when_nothing_more_can_be_left_out(
    client: OpenAI, primary: ChatUpstream
) -> None:
    primary.on("tiny", TOO_LONG)

    with pytest.raises(BadRequestError) as raised:
        client.responses.create(model="scripted/tiny", input="one question", truncation="auto")

    assert raised.value.code == "context_length_exceeded"
    assert len(primary.requests_for("tiny")) == 1
