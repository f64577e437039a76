"""The scripted Responses upstream: OpenAI's own client takes its events, and it is as strict."""

from typing import Any, get_args

import openai.types.responses as sdk
import pytest
from openai import BadRequestError, NotFoundError, OpenAI
from pydantic import BaseModel, TypeAdapter

from tests.upstreams.responses import ResponsesUpstream
from tests.upstreams.responses_script import (
    called,
    called_custom,
    declined,
    said,
    searched,
    thought,
)

type JSON = Any

EVENTS: dict[str, TypeAdapter[BaseModel]] = {
    get_args(member.model_fields["type"].annotation)[0]: TypeAdapter(member)
    for member in get_args(get_args(sdk.ResponseStreamEvent)[0])
}
CITATION = {
    "type": "url_citation",
    "start_index": 0,
    "end_index": 1,
    "url": "https://example.com",
    "title": "An example",
}
USER = {"role": "user", "content": "Hi"}
CALL = {"type": "function_call", "call_id": "call_1", "name": "f", "arguments": "{}"}
RESULT = {"type": "function_call_output", "call_id": "call_1", "output": "1"}
THOUGHT = {"type": "reasoning", "id": "rs_1", "summary": []}

DONE = THOUGHT | {"status": "completed"}
SAID = [{"type": "output_text", "text": ""}]


def asking(model: str = "gpt-5", prompt: JSON = "Hi", **more: JSON) -> JSON:
    return {"model": model, "input": prompt, "store": False} | more


def streamed(client: OpenAI, **more: JSON) -> list[JSON]:
    stream: JSON = client.responses.create(**asking(stream=True, **more))
    return list(stream)


@pytest.mark.parametrize(
    "answer",
    [
        said("Hel", "lo", annotations=(CITATION,)),
        declined("No."),
        thought(("One", "."), ("Two.",)) + said("Done", phase="final_answer"),
        thought() + called("f", "{", "}") + called_custom("shell", "ls"),
        searched("weather") + said("Sun"),
        said("Once").cut_by("max_output_tokens"),
    ],
)
def test_openais_client_takes_every_event(
    responses: ResponsesUpstream, responses_client: OpenAI, answer: JSON
) -> None:
    responses.on("gpt-5", answer)

    told = streamed(responses_client)
    whole = responses_client.responses.create(**asking())

    for event in told:
        EVENTS[event.type].validate_python(event.model_dump(exclude_unset=True))
    assert [event.sequence_number for event in told] == list(range(len(told)))
    final = told[-1].response
    assert [item.type for item in final.output] == [item.type for item in whole.output]
    assert final.output_text == whole.output_text


def test_the_stream_helper_accumulates_it(
    responses: ResponsesUpstream, responses_client: OpenAI
) -> None:
    responses.on("gpt-5", thought(("Hm.",)) + said("Hel", "lo"))

    with responses_client.responses.stream(model="gpt-5", input="Hi", store=False) as stream:
        final = stream.get_final_response()

    assert final.output_text == "Hello"


def test_deltas_are_padded_unless_refused(
    responses: ResponsesUpstream, responses_client: OpenAI
) -> None:
    def paddings(**more: JSON) -> list[bool]:
        told = streamed(responses_client, **more)
        return ["obfuscation" in e.model_dump() for e in told if e.type.endswith(".delta")]

    assert all(paddings())
    assert not any(paddings(stream_options={"include_obfuscation": False}))


def test_it_knows_its_own_thinking_and_no_other(
    responses: ResponsesUpstream, responses_client: OpenAI
) -> None:
    include = ["reasoning.encrypted_content"]
    responses.on("gpt-5", thought(("Hm.",)) + called("f", "{}", call_id="call_1"), said("Done"))
    first = responses_client.responses.create(**asking(include=include))
    thinking, call = (item.to_dict() for item in first.output)
    thinking.pop("status", None)
    blob = str(thinking["encrypted_content"])

    done = responses_client.responses.create(**asking(prompt=[thinking, call, RESULT]))
    for altered in (
        thinking | {"encrypted_content": f"{blob[:-6]}AAAA=="},
        thinking | {"id": "rs_another"},
    ):
        with pytest.raises(BadRequestError) as refused:
            responses_client.responses.create(**asking(prompt=[altered, call, RESULT]))
        assert refused.value.code == "invalid_encrypted_content"

    assert done.output_text == "Done"


@pytest.mark.parametrize(
    ("more", "param", "code"),
    [
        ({"extra_body": {"seed": 1}}, "seed", "unknown_parameter"),
        ({"extra_body": {"presence_penalty": 1}}, "presence_penalty", "unknown_parameter"),
        ({"max_output_tokens": 1}, "max_output_tokens", "integer_below_min_value"),
        ({"temperature": 1.0}, "temperature", None),
        ({"include": ["nothing"]}, "include[0]", "invalid_value"),
        ({"stream_options": {"include_obfuscation": False}}, "stream_options", None),
        ({"previous_response_id": "resp_1"}, "previous_response_id", "previous_response_not_found"),
        ({"tool_choice": {"type": "function", "name": "f"}}, "tool_choice", None),
        ({"text": {"format": {"type": "json_object"}}}, "input", None),
        ({"tools": [{"type": "function"}]}, "tools[0].name", "missing_required_parameter"),
        ({"tools": [{"type": "horoscope"}]}, "tools[0].type", "invalid_value"),
        ({"prompt": [USER, DONE]}, "input[1].status", "unknown_parameter"),
        ({"prompt": [USER | {"id": "resp_1"}]}, "input[0].id", "invalid_value"),
        ({"prompt": [CALL | {"id": "msg_1"}, RESULT]}, "input[0].id", "invalid_value"),
        ({"prompt": [RESULT]}, "input", None),
        ({"prompt": [CALL]}, "input", None),
        ({"prompt": [USER | {"content": SAID}]}, "input[0].content[0].type", "invalid_value"),
        ({"prompt": [USER | {"phase": "commentary"}]}, "input[0].phase", "unknown_parameter"),
    ],
)
def test_it_refuses_what_openai_refuses(
    responses_client: OpenAI, more: JSON, param: str, code: str | None
) -> None:
    with pytest.raises(BadRequestError) as refused:
        responses_client.responses.create(**asking(**more))

    assert (refused.value.param, refused.value.code) == (param, code)


@pytest.mark.parametrize("item", [{"type": "item_reference", "id": "msg_1"}, THOUGHT])
def test_what_was_not_stored_is_not_found(responses_client: OpenAI, item: JSON) -> None:
    with pytest.raises(NotFoundError):
        responses_client.responses.create(**asking(prompt=[item, USER]))


def test_thinking_needs_what_follows_it(
    responses: ResponsesUpstream, responses_client: OpenAI
) -> None:
    own = THOUGHT | {"encrypted_content": responses.locksmith.lock("rs_1")}

    with pytest.raises(BadRequestError, match="without its required following item"):
        responses_client.responses.create(**asking(prompt=[own, USER]))


def test_models_that_do_not_reason_encrypt_nothing(responses_client: OpenAI) -> None:
    asked = asking("gpt-4.1", include=["reasoning.encrypted_content"])

    with pytest.raises(BadRequestError, match="Encrypted content is not supported"):
        responses_client.responses.create(**asked)


def test_it_counts_what_a_model_would_be_given(responses_client: OpenAI) -> None:
    count = responses_client.responses.input_tokens.count

    short = count(model="gpt-5", input="Hi")
    long = count(model="gpt-5", input="Hi, model!", instructions="Be brief.")

    assert short.object == "response.input_tokens"
    assert 0 < short.input_tokens < long.input_tokens


@pytest.mark.parametrize("name", ["store", "stream", "max_output_tokens", "include"])
def test_a_count_takes_nothing_of_how_to_answer(responses_client: OpenAI, name: str) -> None:
    count = responses_client.responses.input_tokens.count

    with pytest.raises(BadRequestError) as refused:
        count(model="gpt-5", input="Hi", extra_body={name: None})

    assert (refused.value.param, refused.value.code) == (name, "unknown_parameter")
