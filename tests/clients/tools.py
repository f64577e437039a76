"""The tools, pictures and files that the tests of clients offer, and what the tools say."""

from base64 import b64encode
from typing import Any

from openai.types.responses import (
    CustomToolParam,
    FunctionToolParam,
    Response,
    ResponseInputItemParam,
    ToolParam,
)
from openai.types.shared_params import Reasoning

type JSON = Any

PIXEL = (
    "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9Q"
    "DwADhgGAWjR9awAAAABJRU5ErkJggg=="
)
PDF = f"data:application/pdf;base64,{b64encode(b'%PDF-1.4 tiny').decode()}"

WEATHER: FunctionToolParam = {
    "type": "function",
    "name": "get_weather",
    "description": "The weather in a city",
    "parameters": {
        "type": "object",
        "properties": {"city": {"type": "string"}},
        "required": ["city"],
        "additionalProperties": False,
    },
    "strict": True,
}

THINKING: Reasoning = {"effort": "low", "summary": "auto"}
"""For vendors that neither think nor show it unasked."""

WRITE: CustomToolParam = {"type": "custom", "name": "write", "description": "Writes anything"}


TIME: FunctionToolParam = {
    "type": "function",
    "name": "get_time",
    "parameters": {"type": "object", "properties": {}, "additionalProperties": False},
    "strict": False,
}
TOOLS: list[ToolParam] = [WEATHER, TIME, WRITE]


def results_of(response: Response) -> list[ResponseInputItemParam]:
    """The output of each call of a response, as a client sends it."""
    return [
        {
            "type": "function_call_output",
            "call_id": item.call_id,
            "output": f"Sun: {item.arguments}",
        }
        for item in response.output
        if item.type == "function_call"
    ]
