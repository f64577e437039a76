"""How the tests of this folder ask the scripted upstream, and what they look at."""

import json
import re
from typing import Any

from openai import OpenAI
from openai.types.chat import ChatCompletionChunk

from tests.upstreams.chat_completions import ChatUpstream

type JSON = Any

HELLO: JSON = [{"role": "user", "content": "Hello there, model."}]


WEATHER: JSON = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "strict": True,
        "parameters": {
            "type": "object",
            "properties": {
                "city": {"type": "string"},
                "unit": {"enum": ["celsius", "fahrenheit"]},
                "days": {"type": "array", "items": {"type": "integer"}, "minItems": 1},
            },
            "required": ["city", "unit", "days"],
            "additionalProperties": False,
        },
    },
}


TIME: JSON = {"type": "function", "function": {"name": "get_time"}}


def streamed(client: OpenAI, **more: JSON) -> list[ChatCompletionChunk]:
    asked = {"model": "m", "messages": HELLO} | more
    with client.chat.completions.create(stream=True, **asked) as stream:
        return list(stream)


def deltas(chunks: list[ChatCompletionChunk]) -> list[JSON]:
    told = [choice.delta.model_dump(exclude_unset=True) for c in chunks for choice in c.choices]
    return [delta for delta in told[1:] if delta]


def asked_json(client: OpenAI, **more: JSON) -> JSON:
    asked = {"model": "m", "messages": HELLO} | more
    return client.chat.completions.create(**asked).model_dump(exclude_unset=True)


def finish_of(chunks: list[ChatCompletionChunk]) -> JSON:
    return [choice.finish_reason for c in chunks for choice in c.choices][-1]


def asking(upstream: ChatUpstream, *, stream: bool = True, model: str = "m") -> JSON:
    body = {"model": model, "messages": [{"role": "user", "content": "Hi"}], "stream": stream}
    return {"method": "POST", "url": f"{upstream.base_url}/chat/completions", "json": body}


def contents(body: bytes) -> str:
    told = re.findall(r"(?m)^data: ?(\{.*\})", body.decode())
    choices = [choice for each in told for choice in json.loads(each)["choices"]]
    return "".join(choice["delta"].get("content", "") for choice in choices)
