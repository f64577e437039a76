"""POST /responses/compact, compaction items, and compaction before a turn."""

from collections.abc import Mapping
from typing import Any

import httpx
import pytest
from openai import APIStatusError, BadRequestError, NotFoundError, OpenAI
from openai.types.responses import CompactedResponse, Response

from tests.clients.models import Models
from tests.clients.tools import TOOLS
from tests.server import KEY, Server
from tests.upstreams.chat_replies import call, calls, failure, refusal, text, thinking
from tests.upstreams.chat_troubles import Cut

type JSON = Any

SUMMARY = "The user grows roses; Tuesday is for watering."
TALK: JSON = [
    {"role": "user", "content": "I grow roses."},
    {"role": "assistant", "content": "Lovely. When do you water them?"},
    {"role": "user", "content": "On Tuesdays."},
]
FOLDING = ("chat", "generic chat", "anthropic", "bedrock")  # dialects without an own way
LONG = "Tell me all about roses, and about every rose there is. " * 100  # over 1000 tokens
MANAGED: JSON = [{"type": "compaction", "compact_threshold": 1000}]
TRIGGER: JSON = {"type": "compaction_trigger"}


@pytest.fixture
def vendor(request: pytest.FixtureRequest, vendors: Mapping[str, Models]) -> Models:
    return vendors[request.param]


def posted(server: Server, path: str, **body: JSON) -> httpx.Response:
    headers = {"authorization": f"Bearer {KEY}"}
    return httpx.post(f"{server.base_url}/{path}", json=body, headers=headers, timeout=30)


def window(compacted: CompactedResponse) -> JSON:
    return [item.to_dict(warnings=False) for item in compacted.output]


def kinds(response: Response) -> list[str]:
    return [item.type for item in response.output]


def told(models: Models, model: str, request: int = -1) -> str:
    """All that this model was told in a request."""
    return "\n".join(said for _, said in models.history(model, request))


def test_a_conversation_becomes_a_window(client: OpenAI, any_models: Models) -> None:
    model = any_models.saying(text(SUMMARY))

    compacted = client.responses.compact(model=model, input=TALK)

    *said, fold = window(compacted)
    assert compacted.object == "response.compaction"
    assert compacted.id.startswith("resp_")
    assert [item["content"][0]["text"] for item in said] == ["I grow roses.", "On Tuesdays."]
    assert (fold["type"], fold["id"][:4]) == ("compaction", "cmp_")
    assert "roses" not in fold["encrypted_content"]
    assert compacted.usage.total_tokens > 0
    assert compacted.usage.output_tokens_details.reasoning_tokens >= 0


def test_a_window_is_the_next_input(client: OpenAI, any_models: Models) -> None:
    model = any_models.saying(text(SUMMARY), text("On Tuesday."))
    compacted = client.responses.compact(model=model, input=TALK)

    response = client.responses.create(
        model=model, input=[*window(compacted), {"role": "user", "content": "When, again?"}]
    )

    assert response.output_text
    assert "When, again?" in told(any_models, model)
    assert "When do you water them?" not in told(any_models, model)


@pytest.mark.parametrize("vendor", FOLDING, indirect=True)
def test_the_model_reads_the_summary_in_the_place_of_what_it_stands_for(
    client: OpenAI, vendor: Models
) -> None:
    model = vendor.saying(text(SUMMARY), text("Noted."))
    compacted = client.responses.compact(model=model, input=TALK)

    client.responses.create(model=model, input=[*window(compacted), TALK[0]])

    assert SUMMARY in told(vendor, model)
    assert "I grow roses." in told(vendor, model)


@pytest.mark.parametrize("vendor", FOLDING, indirect=True)
def test_a_summary_is_asked_for_with_the_conversation_in_view(
    client: OpenAI, vendor: Models
) -> None:
    model = vendor.saying(text(SUMMARY))

    client.responses.compact(model=model, input=TALK, instructions="Speak as a gardener.")

    asked = told(vendor, model)
    assert all(each["content"] in asked for each in TALK)
    assert "Speak as a gardener." in asked
    assert "compact conversations" in asked


def test_any_vendor_goes_on_from_a_summary(client: OpenAI, vendors: Mapping[str, Models]) -> None:
    folded = window(
        client.responses.compact(model=vendors["anthropic"].saying(text(SUMMARY)), input=TALK)
    )

    for name in ("chat", "generic chat", "openai", "bedrock", "nova"):
        model = vendors[name].saying(text("Noted."))
        client.responses.create(model=model, input=[*folded, {"role": "user", "content": "So?"}])

        assert SUMMARY in told(vendors[name], model)


def test_openais_own_compaction_is_relayed_and_goes_back_to_openai(
    client: OpenAI, vendors: Mapping[str, Models]
) -> None:
    model = vendors["openai"].saying(text("Noted."))

    compacted = client.responses.compact(model=model, input=TALK, prompt_cache_key="k")
    client.responses.create(model=model, input=[*window(compacted), TALK[0]])

    asked, continued = vendors["openai"].heard(model)
    assert asked.keys() == {"model", "input", "prompt_cache_key"}
    assert [item["type"] for item in continued["input"]][-2:] == ["compaction", "message"]
    assert compacted.usage.output_tokens_details.reasoning_tokens == 8


def test_what_openai_compacted_nobody_else_can_read(
    client: OpenAI, vendors: Mapping[str, Models]
) -> None:
    made = client.responses.compact(model=vendors["openai"].saying(), input=TALK)

    with pytest.raises(BadRequestError, match="compacted by") as refused:
        client.responses.create(model=vendors["anthropic"].saying(), input=window(made))

    assert refused.value.code == "invalid_value"


def test_a_stored_conversation_is_compacted_by_its_id(client: OpenAI, any_models: Models) -> None:
    model = any_models.saying(text("A fine flower."), text(SUMMARY))
    first = client.responses.create(model=model, input="I grow roses.")

    compacted = client.responses.compact(model=model, previous_response_id=first.id)

    said, fold = window(compacted)
    assert said["content"][0]["text"] == "I grow roses."
    assert fold["type"] == "compaction"


def test_tools_of_the_conversation_are_no_obstacle(client: OpenAI, any_models: Models) -> None:
    model = any_models.saying(calls(call("get_weather", '{"city":"Oslo"}')), text(SUMMARY))
    first = client.responses.create(model=model, input="Oslo?", tools=TOOLS)
    made = next(item for item in first.output if item.type == "function_call")
    result: JSON = {"type": "function_call_output", "call_id": made.call_id, "output": "Rain."}

    compacted = client.responses.compact(model=model, input=[result], previous_response_id=first.id)

    assert [item["type"] for item in window(compacted)] == ["message", "compaction"]


def test_a_window_is_compacted_again(client: OpenAI, any_models: Models) -> None:
    model = any_models.saying(text(SUMMARY))
    first = window(client.responses.compact(model=model, input=TALK))

    second = window(client.responses.compact(model=model, input=[*first, TALK[0]]))

    assert [item["type"] for item in second] == ["message", "message", "message", "compaction"]


def test_a_compaction_is_not_kept(client: OpenAI, models: Models) -> None:
    model = models.saying(text(SUMMARY))
    compacted = client.responses.compact(model=model, input=TALK)

    with pytest.raises(NotFoundError):
        client.responses.retrieve(compacted.id)
    with pytest.raises(BadRequestError):
        client.responses.create(model=model, input="So?", previous_response_id=compacted.id)


def test_a_chain_goes_on_behind_a_window(client: OpenAI, models: Models) -> None:
    model = models.saying(text(SUMMARY), text("Noted."))
    compacted = client.responses.compact(model=model, input=TALK)
    first = client.responses.create(model=model, input=[*window(compacted), TALK[0]])

    client.responses.create(model=model, input="And?", previous_response_id=first.id)

    assert SUMMARY in told(models, model)


def test_a_window_counts_as_what_it_unfolds_to(client: OpenAI, models: Models) -> None:
    model = models.saying(text(SUMMARY * 100))
    folded = window(client.responses.compact(model=model, input=TALK))

    count = client.responses.input_tokens.count(model=model, input=folded)

    assert count.input_tokens > 1000


@pytest.mark.parametrize("sealed", ["gw1.AAAA", "gw1.!", "gAAAAABfromopenai", "x"])
def test_what_was_not_sealed_here_is_refused(server: Server, models: Models, sealed: str) -> None:
    receipt = {"type": "web_search_call", "id": "ws_1"}
    items = [TALK[0], receipt, {"type": "compaction", "encrypted_content": sealed}]

    for path in ("responses", "responses/compact", "responses/input_tokens"):
        answer = posted(server, path, model=models.saying(), input=items)

        error = answer.json()["error"]
        assert (answer.status_code, error["code"]) == (400, "invalid_value")
        assert error["param"] == "input[2].encrypted_content"


def test_what_was_sealed_for_another_tenant_is_refused(
    client: OpenAI, other_client: OpenAI, models: Models
) -> None:
    model = models.saying(text(SUMMARY))
    *_, fold = window(client.responses.compact(model=model, input=TALK))

    with pytest.raises(BadRequestError) as refused:
        other_client.responses.create(model=model, input=[fold, TALK[0]])

    assert refused.value.param == "input[0].encrypted_content"


def test_sealed_thinking_is_no_compaction(client: OpenAI, vendors: Mapping[str, Models]) -> None:
    model = vendors["anthropic"].saying(thinking("Hm.") + text("Yes."))
    made = client.responses.create(
        model=model, input="Well?", store=False, reasoning={"effort": "low"}
    )
    sealed = next(item for item in made.output if item.type == "reasoning").encrypted_content
    assert sealed is not None

    with pytest.raises(BadRequestError) as refused:
        client.responses.create(
            model=model, input=[{"type": "compaction", "encrypted_content": sealed}]
        )

    assert refused.value.param == "input[0].encrypted_content"


@pytest.mark.parametrize(
    ("body", "code", "param"),
    [
        ({"input": TALK}, "missing_required_parameter", "model"),
        ({"model": "demo"}, "missing_required_parameter", "input"),
        ({"model": "nobody/knows", "input": TALK}, "model_not_found", "model"),
        ({"model": "demo", "input": [{"type": "compaction"}]}, None, None),
    ],
)
def test_what_is_wrong_is_refused(server: Server, body: JSON, code: str, param: str) -> None:
    answer = posted(server, "responses/compact", **body)

    error = answer.json()["error"]
    assert answer.status_code == 400
    assert code is None or (error["code"], error["param"]) == (code, param)


@pytest.mark.parametrize(("status", "seen"), [(429, 429), (500, 503)])
def test_a_model_that_fails_fails_the_compaction(
    client: OpenAI, any_models: Models, status: int, seen: int
) -> None:
    with pytest.raises(APIStatusError) as failed:
        client.responses.compact(model=any_models.saying(failure(status)), input=TALK)

    assert failed.value.status_code == seen


def test_a_summary_that_breaks_off_is_none(client: OpenAI, models: Models) -> None:
    model = models.saying(text("Half ", "of it").troubled(Cut(1)))

    with pytest.raises(APIStatusError) as failed:
        client.responses.compact(model=model, input=TALK)

    assert failed.value.status_code == 503


def test_a_model_that_says_nothing_gave_no_summary(client: OpenAI, models: Models) -> None:
    with pytest.raises(APIStatusError) as failed:
        client.responses.compact(model=models.saying(refusal("No.")), input=TALK)

    assert failed.value.status_code == 503


def test_a_short_conversation_is_left_alone(client: OpenAI, any_models: Models) -> None:
    model = any_models.saying(text("Hello."))

    response = client.responses.create(model=model, input=TALK, context_management=MANAGED)

    assert kinds(response) == ["message"]


def test_a_long_one_is_compacted_before_the_turn(client: OpenAI, any_models: Models) -> None:
    model = any_models.saying(text("A long story."), text(SUMMARY), text("Tuesday."))
    first = client.responses.create(model=model, input=LONG)

    second = client.responses.create(
        model=model,
        input="When?",
        previous_response_id=first.id,
        context_management=MANAGED,
        include=["reasoning.encrypted_content"],
    )

    assert kinds(second) == ["compaction", "message"]
    assert second.output_text == "Tuesday."
    said = told(any_models, model)
    assert SUMMARY in said
    assert "When?" in said
    assert LONG not in said


def test_what_it_cost_is_in_the_usage(client: OpenAI, models: Models) -> None:
    model = models.saying(text("A long story."), text(SUMMARY), text("Tuesday."))
    first = client.responses.create(model=model, input=LONG)

    second = client.responses.create(
        model=model, input="When?", previous_response_id=first.id, context_management=MANAGED
    )

    assert second.usage is not None
    assert second.usage.input_tokens > 1000
    assert second.usage.total_tokens == second.usage.input_tokens + second.usage.output_tokens


def test_a_chain_goes_on_from_the_compaction(client: OpenAI, any_models: Models) -> None:
    model = any_models.saying(text("A long story."), text(SUMMARY), text("Tuesday."), text("Yes."))
    first = client.responses.create(model=model, input=LONG)
    second = client.responses.create(
        model=model, input="When?", previous_response_id=first.id, context_management=MANAGED
    )

    client.responses.create(model=model, input="Really?", previous_response_id=second.id)

    said = told(any_models, model)
    assert SUMMARY in said
    assert LONG not in said
    assert [each for each in ("When?", "Tuesday.", "Really?") if each not in said] == []


def test_a_client_may_drop_what_stood_before_the_compaction(
    client: OpenAI, any_models: Models
) -> None:
    model = any_models.saying(text(SUMMARY), text("Tuesday."), text("Yes."))
    given = [{"role": "user", "content": LONG}, TALK[1], TALK[2]]
    made = client.responses.create(
        model=model, input=given, context_management=MANAGED, store=False
    )

    output: JSON = [item.to_dict() for item in made.output]
    client.responses.create(model=model, input=[*output, TALK[0]], store=False)

    said = told(any_models, model)
    assert SUMMARY in said
    assert "On Tuesdays." in said
    assert LONG not in said


def test_rules_stay_in_force(client: OpenAI, models: Models) -> None:
    model = models.saying(text(SUMMARY), text("Tuesday."))
    rule = {"role": "developer", "content": "Answer in one word."}
    given = [rule, {"role": "user", "content": LONG}, TALK[1], TALK[2]]

    client.responses.create(model=model, input=given, context_management=MANAGED)

    assert "Answer in one word." in told(models, model)


def test_the_results_that_a_model_waits_for_are_kept_word_for_word(
    client: OpenAI, any_models: Models
) -> None:
    weather = calls(call("get_weather", '{"city":"Oslo"}'))
    model = any_models.saying(text("A long story."), weather, text(SUMMARY), text("Rain."))
    first = client.responses.create(model=model, input=LONG)
    second = client.responses.create(
        model=model, input="Oslo?", previous_response_id=first.id, tools=TOOLS
    )
    made = next(item for item in second.output if item.type == "function_call")
    result: JSON = {"type": "function_call_output", "call_id": made.call_id, "output": "Wet, wet."}

    third = client.responses.create(
        model=model,
        input=[result],
        previous_response_id=second.id,
        tools=TOOLS,
        context_management=MANAGED,
    )

    assert kinds(third) == ["compaction", "message"]
    assert any("Wet, wet." in said for _, said in any_models.history(model))


def test_a_stream_tells_of_the_compaction_first(client: OpenAI, any_models: Models) -> None:
    model = any_models.saying(text("A long story."), text(SUMMARY), text("Tues", "day."))
    first = client.responses.create(model=model, input=LONG)

    with client.responses.stream(
        model=model, input="When?", previous_response_id=first.id, context_management=MANAGED
    ) as stream:
        events = [event.type.removeprefix("response.") for event in stream]
        final = stream.get_final_response()

    assert events[:4] == ["created", "in_progress", "output_item.added", "output_item.done"]
    assert kinds(final) == ["compaction", "message"]
    kept = client.responses.retrieve(final.id)
    assert kept.output[0].to_dict() == final.output[0].to_dict()
    assert kept.output_text == final.output_text


def test_a_background_response_is_compacted_too(client: OpenAI, models: Models) -> None:
    model = models.saying(text("A long story."), text(SUMMARY), text("Tuesday."))
    first = client.responses.create(model=model, input=LONG)

    queued = client.responses.create(
        model=model,
        input="When?",
        previous_response_id=first.id,
        context_management=MANAGED,
        background=True,
        stream=True,
    )
    *_, last = queued

    assert kinds(last.response) == ["compaction", "message"]  # type: ignore[union-attr]


def test_a_conversation_goes_on_from_the_compaction(client: OpenAI, models: Models) -> None:
    model = models.saying(text("A long story."), text(SUMMARY), text("Tuesday."), text("Yes."))
    conversation = client.conversations.create().id
    client.responses.create(model=model, input=LONG, conversation=conversation)
    made = client.responses.create(
        model=model, input="When?", conversation=conversation, context_management=MANAGED
    )

    client.responses.create(model=model, input="Really?", conversation=conversation)

    said = told(models, model)
    assert kinds(made) == ["compaction", "message"]
    assert SUMMARY in said
    assert LONG not in said
    assert [each for each in ("When?", "Tuesday.", "Really?") if each not in said] == []


def test_a_conversation_may_be_given_a_window(client: OpenAI, models: Models) -> None:
    model = models.saying(text(SUMMARY), text("Noted."))
    folded = window(client.responses.compact(model=model, input=TALK))
    conversation = client.conversations.create(items=folded).id

    client.responses.create(model=model, input="So?", conversation=conversation)

    assert SUMMARY in told(models, model)


def test_a_trigger_compacts_and_does_nothing_else(client: OpenAI, any_models: Models) -> None:
    model = any_models.saying(text(SUMMARY), text("Yes."))

    made = client.responses.create(model=model, input=[*TALK, TRIGGER])
    client.responses.create(model=model, input="So?", previous_response_id=made.id)

    assert (made.status, kinds(made)) == ("completed", ["compaction"])
    said = told(any_models, model)
    assert SUMMARY in said
    assert "I grow roses." not in said


def test_a_trigger_with_nothing_before_it_is_refused(client: OpenAI, models: Models) -> None:
    with pytest.raises(BadRequestError, match="nothing to compact: send the conv") as refused:
        client.responses.create(model=models.saying(), input=[TRIGGER])

    assert (refused.value.code, refused.value.param) == ("invalid_value", "input")


def test_a_trigger_alone_compacts_what_was_said_before(client: OpenAI, models: Models) -> None:
    model = models.saying(text("Noted."), text(SUMMARY))
    said = client.responses.create(model=model, input=TALK)

    made = client.responses.create(model=model, input=[TRIGGER], previous_response_id=said.id)

    assert (made.status, kinds(made)) == ("completed", ["compaction"])


def test_a_service_that_cannot_count_may_still_compact(
    client: OpenAI, vendors: Mapping[str, Models]
) -> None:
    model = vendors["anthropic"].saying(failure(500))

    with pytest.raises(APIStatusError) as failed:
        client.responses.create(
            model=model,
            input=[{"role": "user", "content": LONG}, TALK[1], TALK[2]],
            context_management=MANAGED,
        )

    assert failed.value.status_code == 503
    paths = [request.path for request in vendors["anthropic"].upstream.requests_for(model[7:])]
    assert paths == ["/v1/messages/count_tokens", "/v1/messages"]
