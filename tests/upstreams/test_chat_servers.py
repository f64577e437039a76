"""The scripted upstream as other servers: vLLM, Ollama, older ones, one with a key."""

from typing import Any

import httpx
import pytest

from tests.upstreams.chat_bodies import HELLO, Change, answer, ask, calling, function, made, said
from tests.upstreams.chat_completions import ChatUpstream
from tests.upstreams.chat_request import OLD_LIMITS, Flavour, Limits

type JSON = Any


def lenient(http: httpx.Client, change: Change, *, limits: Limits | None = None) -> httpx.Response:
    with ChatUpstream(flavour="generic", limits=limits) as upstream:
        return ask(http, upstream, change)


@pytest.mark.parametrize(
    "change",
    [
        {"max_tokens": 9, "model": "gpt-5", "temperature": 0.2},
        {"chat_template_kwargs": {"enable_thinking": False}, "top_k": 5},
        said(HELLO, {"role": "assistant", "content": "x", "reasoning_content": "hm"}, HELLO),
        {"tools": None, "response_format": None, "user": None},
        {"response_format": {"type": "json_object"}},
    ],
)
def test_a_generic_server_ignores_what_it_does_not_know(http: httpx.Client, change: Change) -> None:
    assert lenient(http, change).status_code == 200


@pytest.mark.parametrize(
    "change",
    [
        said({"role": "developer", "content": "x"}),
        said(HELLO, answer()),
        {"temperature": 3},
        {"stream_options": {}},
        {"messages": []},
    ],
)
def test_a_generic_server_refuses_as_vllm_does(http: httpx.Client, change: Change) -> None:
    answer = lenient(http, change)

    error = answer.json()["error"]
    assert answer.status_code == 400
    assert (error["type"], error["code"]) == ("BadRequestError", 400)


def test_a_server_may_want_its_system_message_first_and_only_there(http: httpx.Client) -> None:
    late = said(HELLO, {"role": "system", "content": "x"}, HELLO)

    assert lenient(http, late).status_code == 200
    assert "beginning" in lenient(http, late, limits=Limits(system_first=True)).text


def test_limits_of_older_servers_can_be_asked_for(http: httpx.Client) -> None:
    with ChatUpstream(limits=OLD_LIMITS) as upstream:
        long_id = ask(http, upstream, said(HELLO, calling(made("c" * 41)), answer("c" * 41)))
        long_description = ask(http, upstream, {"tools": [function(description="d" * 1025)]})

    assert "maximum length 40" in long_id.text
    assert "maximum length 1024" in long_description.text


@pytest.mark.parametrize("flavour", ["openai", "generic"])
def test_an_unknown_model_is_not_found(http: httpx.Client, flavour: Flavour) -> None:
    with ChatUpstream(known_models=["a"], flavour=flavour) as upstream:
        answer = ask(http, upstream, {"model": "b"})
        known = ask(http, upstream, {"model": "a"})

    assert answer.status_code == 404
    assert answer.json()["error"]["code"] in ("model_not_found", 404)
    assert known.status_code == 200


@pytest.mark.parametrize("authorization", [None, "Bearer wrong-key-12345", "Basic c2VjcmV0"])
def test_a_wrong_key_is_refused_and_not_repeated(
    http: httpx.Client, authorization: str | None
) -> None:
    headers = {"authorization": authorization} if authorization else {}
    with ChatUpstream(api_key="secret") as upstream:
        answer = http.get(f"{upstream.base_url}/models", headers=headers)
        right = http.get(f"{upstream.base_url}/models", headers={"authorization": "Bearer secret"})

    assert answer.status_code == 401
    assert answer.json()["error"]["code"] == "invalid_api_key"
    assert "wrong-key-12345" not in answer.text
    assert right.status_code == 200


@pytest.mark.parametrize("content", [b"", b"{", b'{"a":NaN}', b'"\xff"', b'{"a":"\\ud800"}'])
def test_a_body_that_is_no_json_is_refused(
    http: httpx.Client, upstream: ChatUpstream, content: bytes
) -> None:
    url, headers = f"{upstream.base_url}/chat/completions", {"content-type": "application/json"}

    answer = http.post(url, content=content, headers=headers)

    assert answer.status_code == 400
    assert "could not parse" in answer.json()["error"]["message"]
    assert upstream.requests[-1].body is None
    assert upstream.requests[-1].raw == content


def test_other_content_types_methods_and_paths_are_refused(
    http: httpx.Client, upstream: ChatUpstream
) -> None:
    url = f"{upstream.base_url}/chat/completions"

    assert http.post(url, content=b"{}").json()["error"]["code"] == "unsupported_content_type"
    assert http.get(url).status_code == 405
    assert http.post(f"{upstream.base_url}/responses", json={}).status_code == 404


def test_it_can_play_an_ollama(http: httpx.Client) -> None:
    with ChatUpstream(flavour="generic", known_models=["llama3.3", "qwen3:8b"]) as upstream:
        root = upstream.base_url.removesuffix("/v1")
        tags = http.get(f"{root}/api/tags").json()
        greeting = http.get(root)

    assert [model["name"] for model in tags["models"]] == ["llama3.3:latest", "qwen3:8b"]
    assert greeting.text == "Ollama is running"
