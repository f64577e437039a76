"""openai-python: `responses.create` without a stream."""

import pytest
from openai import OpenAI
from openai.types.responses import Response, ResponseFunctionToolCall, ResponseInputParam
from openai.types.responses.response_create_params import ResponseCreateParamsBase

from tests.clients.models import Models
from tests.clients.tools import PDF, PIXEL, THINKING, WEATHER
from tests.dialects.differences import UNSAYABLE
from tests.upstreams.chat_replies import Reply, Usage, call, calls, custom_call, text, thinking

CONVERSATION: ResponseInputParam = [
    {"role": "developer", "content": "Be brief."},
    {"role": "user", "content": [{"type": "input_text", "text": "Hello."}]},
    {"role": "assistant", "content": "Hello. What is it?"},
    {"type": "message", "role": "user", "content": "Nothing."},
]


def test_a_string_is_answered(client: OpenAI, any_models: Models) -> None:
    model = any_models.saying()

    response = client.responses.create(model=model, input="Hello!")

    assert response.output_text == "You said: Hello!"
    assert response.status == "completed"
    assert response.model == model
    assert any_models.history(model) == [("user", "Hello!")]


def test_a_conversation_reaches_the_model_in_its_order(client: OpenAI, any_models: Models) -> None:
    model = any_models.saying(text("So be it."))

    response = client.responses.create(
        model=model, input=CONVERSATION, instructions="Speak English."
    )

    assert response.output_text == "So be it."
    assert response.instructions == "Speak English."
    told = any_models.history(model)
    assert told[-3:] == [
        ("user", "Hello."),
        ("assistant", "Hello. What is it?"),
        ("user", "Nothing."),
    ]
    assert {who for who, _ in told[:-3]} == {"system"}
    assert "\n\n".join(said for _, said in told[:-3]) == "Speak English.\n\nBe brief."


def test_an_image_reaches_the_model(client: OpenAI, any_models: Models) -> None:
    model = any_models.saying(text("A pixel."))

    response = client.responses.create(
        model=model,
        input=[
            {
                "role": "user",
                "content": [
                    {"type": "input_text", "text": "What is this?"},
                    {"type": "input_image", "image_url": PIXEL, "detail": "low"},
                ],
            }
        ],
    )

    assert response.output_text == "A pixel."
    assert any_models.history(model) == [("user", "What is this?"), ("image", PIXEL)]


def test_a_file_reaches_the_model(client: OpenAI, any_models: Models) -> None:
    model = any_models.saying(text("It is tiny."))

    response = client.responses.create(
        model=model,
        input=[
            {
                "role": "user",
                "content": [{"type": "input_file", "filename": "tiny.pdf", "file_data": PDF}],
            }
        ],
    )

    assert response.output_text == "It is tiny."
    assert ("file", PDF) in any_models.history(model)


def test_a_picture_in_the_result_of_a_tool_reaches_the_model(
    client: OpenAI, any_models: Models
) -> None:
    model = any_models.saying(text("A pixel."))

    client.responses.create(
        model=model,
        input=[
            {"role": "user", "content": "What is on the screen?"},
            {"type": "function_call", "call_id": "call_1", "name": "look", "arguments": "{}"},
            {
                "type": "function_call_output",
                "call_id": "call_1",
                "output": [{"type": "input_image", "image_url": PIXEL, "detail": "auto"}],
            },
        ],
    )

    told = [each for each in any_models.history(model) if each[0] != "system"]
    assert told[:2] == [("user", "What is on the screen?"), ("call", "look {}")]
    assert ("image", PIXEL) in told[2:]


def test_a_call_comes_with_all_that_an_answer_needs(client: OpenAI, any_models: Models) -> None:
    model = any_models.saying(calls(call("get_weather", '{"city":', '"Oslo"}', id="call_7")))

    response = client.responses.create(model=model, input="Weather?", tools=[WEATHER])

    [item] = response.output
    assert isinstance(item, ResponseFunctionToolCall)
    assert item.id is not None
    assert item.id.startswith("fc_")
    assert (item.name, item.arguments, item.status) == (
        "get_weather",
        '{"city":"Oslo"}',
        "completed",
    )
    assert item.call_id == "call_7"
    assert response.tools[0].to_dict() == WEATHER
    assert any_models.tools(model) == {"get_weather": WEATHER["parameters"]}


def test_a_custom_tool_is_called_with_free_text(client: OpenAI, any_models: Models) -> None:
    model = any_models.saying(calls(custom_call("write", "2 + ", "2")))

    response = client.responses.create(
        model=model, input="Add.", tools=[{"type": "custom", "name": "write"}]
    )

    [item] = response.output
    assert item.type == "custom_tool_call"
    assert (item.name, item.input) == ("write", "2 + 2")


def test_thinking_is_shown_as_a_summary(client: OpenAI, any_models: Models) -> None:
    model = any_models.saying(thinking("Well, ", "well.") + text("Yes."))

    response = client.responses.create(model=model, input="Is it?", reasoning=THINKING)

    thought, message = response.output
    assert thought.type == "reasoning"
    assert [part.text for part in thought.summary] == ["Well, well."]
    assert message.type == "message"
    assert response.output_text == "Yes."


def test_tokens_are_counted_as_the_model_server_counts_them(
    client: OpenAI, any_models: Models
) -> None:
    usage = Usage(prompt=61, completion=48, cached=16, reasoning=19)
    model = any_models.saying(text("Yes.").costing(usage))

    response = client.responses.create(model=model, input="Is it?")

    thought = 0 if (any_models.name, "reasoning tokens") in UNSAYABLE else 19
    assert response.usage is not None
    assert response.usage.to_dict() == {
        "input_tokens": 61,
        "input_tokens_details": {"cached_tokens": 16, "cache_write_tokens": 0},
        "output_tokens": 48,
        "output_tokens_details": {"reasoning_tokens": thought},
        "total_tokens": 109,
    }


@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        (text("Once ", "upon").ending("length"), "max_output_tokens"),
        (text("Once ", "upon").ending("content_filter"), "content_filter"),
    ],
)
def test_an_answer_cut_short_is_incomplete_and_says_why(
    client: OpenAI, any_models: Models, reply: Reply, reason: str
) -> None:
    model = any_models.saying(reply)

    response = client.responses.create(model=model, input="Tell!", max_output_tokens=16)

    assert response.status == "incomplete"
    assert response.incomplete_details is not None
    assert response.incomplete_details.reason == reason
    assert response.output_text == "Once upon"
    assert response.output[0].to_dict()["status"] == "incomplete"


def test_options_are_echoed(client: OpenAI, any_models: Models) -> None:
    model = any_models.saying(text("Yes."), family="plain")

    response = client.responses.create(
        model=model,
        input="Is it?",
        temperature=0.5,
        top_p=0.25,
        max_output_tokens=99,
        metadata={"job": "42"},
        parallel_tool_calls=False,
        truncation="disabled",
        safety_identifier="somebody",
        tools=[WEATHER],
        tool_choice="none",
    )

    assert response.temperature == 0.5
    assert response.max_output_tokens == 99
    assert response.metadata == {"job": "42"}
    assert response.parallel_tool_calls is False
    assert response.tool_choice == "none"
    assert response.safety_identifier == "somebody"


@pytest.mark.parametrize("any_models", ["chat", "generic chat"], indirect=True)
def test_options_reach_the_model(client: OpenAI, any_models: Models) -> None:
    model = any_models.saying(text("Yes."))

    client.responses.create(
        model=model,
        input="Is it?",
        temperature=0.5,
        top_p=0.25,
        max_output_tokens=99,
        reasoning={"effort": "low"},
        tools=[WEATHER],
        tool_choice="none",
    )

    told = any_models.heard(model)[0]
    assert (told["temperature"], told["top_p"], told["tool_choice"]) == (0.5, 0.25, "none")
    assert 99 in (told.get("max_tokens"), told.get("max_completion_tokens"))
    assert told["reasoning_effort"] == "low"
    [tool] = told["tools"]
    assert tool["function"]["strict"] is True


def test_the_key_may_come_in_the_other_header(client: OpenAI, models: Models) -> None:
    model = models.saying()
    nobody = client.with_options(api_key="sk-wrong")

    response = nobody.responses.create(
        model=model, input="Hello!", extra_headers={"Authorization": "", "X-API-Key": "sk-test"}
    )

    assert response.output_text == "You said: Hello!"


def test_every_answer_has_a_request_id(client: OpenAI, models: Models) -> None:
    model = models.saying()

    raw = client.responses.with_raw_response.create(model=model, input="Hello!")
    named = client.responses.with_raw_response.create(
        model=model, input="Hello!", extra_headers={"X-Request-ID": "mine-1"}
    )

    assert raw.headers["x-request-id"].startswith("req_")
    assert raw.parse()._request_id == raw.headers["x-request-id"]
    assert raw.headers["content-type"] == "application/json"
    assert named.headers["x-request-id"] == "mine-1"


def test_what_was_left_out_is_told_in_headers(client: OpenAI, models: Models) -> None:
    model = models.saying()

    raw = client.responses.with_raw_response.create(
        model=model,
        input="Hello!",
        tools=[WEATHER, {"type": "web_search"}],
        extra_body={"novelty": 1},
    )

    assert raw.headers["x-ignored-tools"] == "web_search"
    assert raw.headers["x-ignored-parameters"] == "novelty"
    assert raw.headers["x-upstream-model"] == model


def test_a_null_says_no_more_than_nothing(client: OpenAI, any_models: Models) -> None:
    model = any_models.saying(text("Yes."))
    options = dict.fromkeys(ResponseCreateParamsBase.__annotations__)

    response = client.post(
        "/responses", body=options | {"model": model, "input": "Is it?"}, cast_to=Response
    )

    plain = client.responses.create(model=model, input="Is it?")
    assert response.output_text == "Yes."
    echoed = [each.to_dict() for each in (response, plain)]
    ours = {"id", "created_at", "completed_at", "output", "usage"}
    for echo in echoed:
        for name in ours:
            del echo[name]
    assert echoed[0] == echoed[1]
    assert any_models.heard(model)[0] == any_models.heard(model)[1]
