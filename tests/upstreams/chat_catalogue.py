"""The lists of models: OpenAI's, and Ollama's, so that the server can play an Ollama."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from tests.upstreams.chat_replies import HttpReply, raw
from tests.upstreams.checks import Refusal

type JSON = Any

CREATED = 1_700_000_000
VERSION = "0.13.0"


def model_object(model: str) -> JSON:
    """One model, as in the API reference, "The model object"."""
    return {"id": model, "object": "model", "created": CREATED, "owned_by": "scripted"}


def model_list(models: Sequence[str]) -> JSON:
    """The body of `GET /v1/models`."""
    return {"object": "list", "data": [model_object(model) for model in models]}


def no_model(model: str) -> Refusal:
    """The refusal of a model that is not there."""
    message = f"The model `{model}` does not exist or you do not have access to it."
    return Refusal(message, code="model_not_found", status=404)


def tags(models: Sequence[str]) -> HttpReply:
    """The body of Ollama's `GET /api/tags`."""
    return raw(200, {"models": [_tag(model) for model in models]})


def _tag(model: str) -> JSON:
    name = model if ":" in model else f"{model}:latest"
    return {
        "name": name,
        "model": name,
        "modified_at": "2026-11-01T12:00:00.000000Z",
        "size": 4_000_000_000,
        "digest": "5c" * 32,
        "details": {
            "parent_model": "",
            "format": "gguf",
            "family": "scripted",
            "families": ["scripted"],
            "parameter_size": "8.0B",
            "quantization_level": "Q4_K_M",
        },
    }


def _greeting(_: Sequence[str]) -> HttpReply:
    return raw(200, b"Ollama is running", content_type="text/plain; charset=utf-8")


def _version(_: Sequence[str]) -> HttpReply:
    return raw(200, {"version": VERSION})


OLLAMA: Mapping[str, Callable[[Sequence[str]], HttpReply]] = {
    "/": _greeting,
    "/api/tags": tags,
    "/api/version": _version,
}
