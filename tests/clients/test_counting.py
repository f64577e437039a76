"""POST /responses/input_tokens: what a request would cost, for every dialect."""

from collections.abc import Mapping
from typing import Any

import httpx
import pytest
from openai import APIStatusError, BadRequestError, OpenAI

from tests.clients.models import Models
from tests.clients.tools import PIXEL, TOOLS
from tests.server import KEY, Server
from tests.upstreams.chat_replies import call, calls, failure, text, thinking

type JSON = Any

COUNTING = ("openai", "anthropic", "bedrock")  # dialects whose service counts
ESTIMATED = ("chat", "generic chat", "nova")
SCHEMA: JSON = {
    "type": "object",
    "properties": {"answer": {"type": "string"}},
    "required": ["answer"],
    "additionalProperties": False,
}
FORM: JSON = {"type": "json_schema", "name": "form", "schema": SCHEMA, "strict": True}


@pytest.fixture
def vendor(request: pytest.FixtureRequest, vendors: Mapping[str, Models]) -> Models:
    return vendors[request.param]


def counted(client: OpenAI, model: str, **asked: JSON) -> int:
    return client.responses.input_tokens.count(model=model, **asked).input_tokens


def told(server: Server, **body: JSON) -> httpx.Response:
    headers = {"authorization": f"Bearer {KEY}"}
    return httpx.post(f"{server.base_url}/responses/input_tokens", json=body, headers=headers)


def test_openais_client_counts(client: OpenAI, any_models: Models) -> None:
    count = client.responses.input_tokens.count(model=any_models.saying(), input="Hello, you!")

    assert count.object == "response.input_tokens"
    assert 1 <= count.input_tokens < 100


def test_each_thing_that_the_model_is_given_counts(client: OpenAI, any_models: Models) -> None:
    model = any_models.saying()
    image = {"role": "user", "content": [{"type": "input_image", "image_url": PIXEL}]}
    bare = counted(client, model, input="Hello, you!")

    fuller = [
        counted(client, model, input="Hello, you! How do you do?"),
        counted(client, model, input="Hello, you!", instructions="Be brief."),
        counted(client, model, input="Hello, you!", tools=TOOLS),
        counted(client, model, input="Hello, you!", text={"format": FORM}),
        counted(client, model, input=[{"role": "user", "content": "Hello, you!"}, image]),
    ]

    assert [count > bare for count in fuller] == [True] * len(fuller)


@pytest.mark.parametrize("vendor", COUNTING, indirect=True)
def test_a_service_that_counts_is_asked_and_its_count_is_exact(
    server: Server, vendor: Models
) -> None:
    model = vendor.saying()

    answer = told(server, model=model, input="Hello.")

    assert answer.headers["x-token-count"] == "exact"
    asked = {request.path for request in vendor.upstream.requests_for(model.partition("/")[2])}
    assert len(vendor.heard(model)) <= 1
    assert all(path.endswith(("input_tokens", "count_tokens", "count-tokens")) for path in asked)


@pytest.mark.parametrize("vendor", ESTIMATED, indirect=True)
def test_what_nobody_counts_is_estimated_and_says_so(server: Server, vendor: Models) -> None:
    model = vendor.saying()

    answer = told(server, model=model, input="x" * 4000)

    assert answer.headers["x-token-count"] == "estimate"
    assert answer.json() == {"object": "response.input_tokens", "input_tokens": 1004}


def test_a_form_that_bedrock_does_not_count_is_estimated(
    server: Server, vendors: Mapping[str, Models]
) -> None:
    model = vendors["bedrock"].saying()

    answer = told(server, model=model, input="Hello.", text={"format": FORM})

    assert answer.headers["x-token-count"] == "estimate"


def test_bedrock_counts_under_a_models_own_name(
    server: Server, vendors: Mapping[str, Models]
) -> None:
    model = f"us.{vendors['bedrock'].saying().partition('/')[2]}"

    answer = told(server, model=f"aws/{model}", input="Hello.")

    assert answer.headers["x-token-count"] == "exact"


def test_the_demo_counts_its_words(server: Server) -> None:
    answer = told(server, model="demo", input="Hello.")

    assert answer.headers["x-token-count"] == "exact"


def test_a_whole_conversation_counts(client: OpenAI, any_models: Models) -> None:
    model = any_models.saying(text("A rather long answer, as answers go, is this one."))
    first = client.responses.create(model=model, input="A question.")

    alone = counted(client, model, input="And?")
    continued = counted(client, model, input="And?", previous_response_id=first.id)

    assert continued > alone + 8


def test_a_conversation_object_counts(client: OpenAI, models: Models) -> None:
    items: JSON = [{"role": "user", "content": "x" * 400}]
    conversation = client.conversations.create(items=items).id

    tokens = counted(client, models.saying(), input="And?", conversation=conversation)

    assert tokens == 109


def test_thinking_and_tools_of_earlier_turns_are_no_obstacle(
    client: OpenAI, any_models: Models
) -> None:
    model = any_models.saying(
        thinking("Hm, ", "Oslo.") + calls(call("get_weather", '{"city":"Oslo"}'))
    )
    reasoning: JSON = {"effort": "low", "summary": "auto"}
    first = client.responses.create(model=model, input="Oslo?", tools=TOOLS, reasoning=reasoning)
    made = next(item for item in first.output if item.type == "function_call")
    result: JSON = {"type": "function_call_output", "call_id": made.call_id, "output": "Rain."}

    tokens = counted(
        client,
        model,
        input=[result],
        previous_response_id=first.id,
        tools=TOOLS,
        reasoning=reasoning,
    )

    assert tokens > 20


def test_nothing_is_kept(client: OpenAI, server: Server, models: Models) -> None:
    answer = told(server, model=models.saying(), input="Hello.", store=True, background=True)

    assert answer.status_code == 200
    assert "id" not in answer.json()


def test_fields_that_say_how_to_answer_are_passed_over(server: Server, models: Models) -> None:
    answer = told(
        server,
        model=models.saying(),
        input="Hello.",
        stream=True,
        store="no",
        max_output_tokens=1,
        personality="friendly",
    )

    assert answer.status_code == 200
    assert answer.headers["x-ignored-parameters"] == (
        "stream, store, max_output_tokens, personality"
    )


def test_hosted_tools_are_named_as_when_responses_are_made(server: Server, models: Models) -> None:
    tools = [*TOOLS, {"type": "web_search"}]

    answer = told(server, model=models.saying(), input="Hello.", tools=tools)

    assert answer.headers["x-ignored-tools"] == "web_search"


def test_no_input_is_no_error_where_the_model_minds_none(client: OpenAI, models: Models) -> None:
    assert counted(client, models.saying(), instructions="Be brief.") == 3


@pytest.mark.parametrize(
    ("body", "code", "param"),
    [
        ({"input": "Hello."}, "missing_required_parameter", "model"),
        ({"model": "nobody/knows-this", "input": "Hello."}, "model_not_found", "model"),
        ({"model": "demo", "messages": []}, "unsupported_parameter", "messages"),
        ({"model": "demo", "input": 7}, "invalid_type", "input"),
        (
            {"model": "demo", "input": "?", "previous_response_id": "resp_0123456789abcdef"},
            "previous_response_not_found",
            "previous_response_id",
        ),
    ],
)
def test_what_is_wrong_is_refused_as_when_responses_are_made(
    server: Server, body: JSON, code: str, param: str
) -> None:
    answer = told(server, **body)

    error = answer.json()["error"]
    assert (answer.status_code, error["code"], error["param"]) == (400, code, param)


@pytest.mark.parametrize("vendor", COUNTING, indirect=True)
@pytest.mark.parametrize(("status", "seen"), [(401, 500), (429, 429), (500, 503)])
def test_a_service_that_fails_to_count_fails_the_request(
    client: OpenAI, vendor: Models, status: int, seen: int
) -> None:
    model = vendor.saying(failure(status))

    with pytest.raises(APIStatusError) as failed:
        counted(client, model, input="Hello.")

    assert failed.value.status_code == seen


def test_another_tenants_response_does_not_count(
    client: OpenAI, other_client: OpenAI, models: Models
) -> None:
    model = models.saying()
    mine = client.responses.create(model=model, input="Mine.")

    with pytest.raises(BadRequestError, match="not stored"):
        counted(other_client, model, input="?", previous_response_id=mine.id)


def test_other_methods_are_not_known_to_the_path(server: Server) -> None:
    headers = {"authorization": f"Bearer {KEY}"}

    answer = httpx.delete(f"{server.base_url}/responses/input_tokens", headers=headers)

    assert (answer.status_code, answer.headers["allow"]) == (405, "POST")
