"""openai-python: `responses.parse` and parsing streams, with pydantic models."""

from typing import Literal

import pytest
from openai import OpenAI, pydantic_function_tool
from openai.types.responses import FunctionToolParam
from pydantic import BaseModel

from tests.clients.models import Models
from tests.dialects.differences import speakers
from tests.upstreams.chat_replies import call, calls, refusal, text


class Step(BaseModel):
    """One step of a sum."""

    explanation: str
    result: float


class Sum(BaseModel):
    """A sum, worked out."""

    steps: list[Step]
    mood: Literal["sure", "unsure"]


class GetWeather(BaseModel):
    """The weather in a city."""

    city: str
    days: int | None


DONE = Sum(steps=[Step(explanation="Two and two.", result=4.0)], mood="sure")


def weather_tool() -> FunctionToolParam:
    tool = pydantic_function_tool(GetWeather, name="get_weather")["function"]
    return {
        "type": "function",
        "name": tool["name"],
        "parameters": tool["parameters"],
        "strict": True,
    }


def test_an_answer_is_parsed_into_a_model(client: OpenAI, any_models: Models) -> None:
    model = any_models.saying(text(*DONE.model_dump_json().partition(",")))

    response = client.responses.parse(model=model, input="2 + 2?", text_format=Sum)

    assert response.output_parsed == DONE
    assert any_models.form(model)["properties"].keys() == Sum.model_fields.keys()


def test_a_stream_is_parsed_into_a_model(client: OpenAI, any_models: Models) -> None:
    model = any_models.saying(text(*DONE.model_dump_json().partition(",")))

    with client.responses.stream(model=model, input="2 + 2?", text_format=Sum) as stream:
        final = stream.get_final_response()

    assert final.output_parsed == DONE


def test_the_demo_fills_in_a_model(client: OpenAI) -> None:
    response = client.responses.parse(model="demo", input="2 + 2?", text_format=Sum)

    assert isinstance(response.output_parsed, Sum)


@pytest.mark.parametrize("any_models", speakers("refusal"), indirect=True)
def test_a_refusal_is_no_model(client: OpenAI, any_models: Models) -> None:
    model = any_models.saying(refusal("I will not."))

    response = client.responses.parse(model=model, input="2 + 2?", text_format=Sum)

    assert response.output_parsed is None


@pytest.mark.parametrize("arguments", ['{"city":"Oslo","days":null}', '{"city":"Oslo","days":3}'])
def test_arguments_of_a_call_are_parsed(client: OpenAI, any_models: Models, arguments: str) -> None:
    model = any_models.saying(calls(call("get_weather", arguments)))

    response = client.responses.parse(
        model=model, input="Weather?", tools=[weather_tool()], text_format=Sum
    )

    [item] = response.output
    assert item.type == "function_call"
    assert item.arguments == arguments
    assert GetWeather.model_validate(item.parsed_arguments) == GetWeather.model_validate_json(
        arguments
    )


def test_the_arguments_of_streamed_calls_are_parsed(client: OpenAI, any_models: Models) -> None:
    cities = ["Oslo", "Rome"]
    wanted = [call("get_weather", f'{{"city":"{city}",', '"days":1}') for city in cities]
    model = any_models.saying(calls(*wanted))

    with client.responses.stream(model=model, input="Weather?", tools=[weather_tool()]) as stream:
        final = stream.get_final_response()

    parsed = [item.parsed_arguments for item in final.output if item.type == "function_call"]
    assert parsed == [{"city": city, "days": 1} for city in cities]
