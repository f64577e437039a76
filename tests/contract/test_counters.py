"""Services that count tokens and compact conversations, and those that only seem to."""

import json
from dataclasses import replace
from typing import Any

import httpx
import pytest

from rejoinder.engine.tool_names import ToolNames
from rejoinder.errors import GatewayError, InvalidRequest, Unavailable
from rejoinder.providers.anthropic.provider import Anthropic
from rejoinder.providers.anthropic.refusals import error_for_status as anthropic_error
from rejoinder.providers.base import Compacted, Counter, ModelFacts, Turn
from rejoinder.providers.bedrock.provider import Bedrock
from rejoinder.providers.bedrock.refusals import error_for_status as bedrock_error
from rejoinder.providers.bedrock.signing import ApiKey
from rejoinder.providers.fetching import Fetcher
from rejoinder.providers.openai.provider import OpenAIResponses
from rejoinder.providers.openai.refusals import error_for_status as openai_error
from rejoinder.providers.upstream import ErrorFor, Upstream
from rejoinder.schema.reader import read_request
from tests.upstreams.anthropic import AnthropicUpstream, failed
from tests.upstreams.bedrock import BedrockUpstream
from tests.upstreams.bedrock_replies import failure
from tests.upstreams.chat_replies import raw
from tests.upstreams.responses import ResponsesUpstream
from tests.upstreams.responses_secrets import FOLDED

type JSON = Any
type Fake = AnthropicUpstream | BedrockUpstream | ResponsesUpstream

HEADERS = {"authorization": "Bearer sk-up", "anthropic-version": "2023-06-01"}
CLAUDE = "anthropic.claude-sonnet-4-5-20250929-v1:0"


def turn(model: str, given: JSON = "Hello.", signed: JSON = None) -> Turn:
    request = read_request(json.dumps({"model": "m", "input": given}).encode())
    return Turn(
        model=model,
        request=request,
        items=[item for item in request.input if item["type"] != "item_reference"],
        tools=ToolNames([]),
        known_tools=ToolNames([]),
        facts=ModelFacts(),
        is_streamed=False,
        signed=signed or {},
    )


async def counted(fake: Fake, asked: Turn) -> int | None:
    async with httpx.AsyncHTTPTransport() as transport:

        def upstream(error_for: ErrorFor) -> Upstream:
            url = fake.base_url
            return Upstream(transport, url, headers=HEADERS, timeout_seconds=9, error_for=error_for)

        provider: Counter
        match fake:
            case AnthropicUpstream():
                provider = Anthropic(upstream(anthropic_error))
            case ResponsesUpstream():
                provider = OpenAIResponses(upstream(openai_error))
            case BedrockUpstream():
                provider = Bedrock(upstream(bedrock_error), ApiKey(), Fetcher(transport))
        return await provider.count(asked)


@pytest.mark.parametrize("kind", [AnthropicUpstream, ResponsesUpstream])
async def test_a_service_without_the_path_counts_nothing(kind: JSON) -> None:
    with kind(counts=False) as fake:
        assert await counted(fake, turn("claude-sonnet-4-5")) is None


@pytest.mark.parametrize(
    ("kind", "reply"),
    [
        (AnthropicUpstream, failed(404, "not_found_error", "model: gone")),
        (
            ResponsesUpstream,
            raw(404, {"error": {"message": "The model `gone` is not there", "code": None}}),
        ),
    ],
)
async def test_an_unknown_model_is_no_missing_path(kind: JSON, reply: JSON) -> None:
    with kind() as fake:
        fake.on("gone", reply)

        with pytest.raises(InvalidRequest) as refused:
            await counted(fake, turn("gone"))

    assert refused.value.code == "model_not_found"


@pytest.mark.parametrize("said", [b"", b"[]", b'{"input_tokens": "7"}', b'{"input_tokens": true}'])
async def test_what_is_no_count_is_not_taken_for_one(said: bytes) -> None:
    with ResponsesUpstream() as fake:
        fake.on("gpt-5", raw(200, said))

        with pytest.raises(Unavailable):
            await counted(fake, turn("gpt-5"))


async def test_thinking_that_openai_no_longer_knows_is_left_out_of_the_count() -> None:
    with ResponsesUpstream() as fake:
        blob = fake.locksmith.lock("rs_1")
        fake.locksmith.rekey()
        secret = {"id": "rs_1", "encrypted_content": blob, "origin": fake.base_url}
        thought = {"type": "reasoning", "id": "rs_mine", "summary": []}
        answer = {"role": "assistant", "content": "Yes."}
        more = {"role": "user", "content": "And?"}

        tokens = await counted(fake, turn("gpt-5", [thought, answer, more], {"rs_mine": secret}))

    assert tokens


@pytest.mark.parametrize(
    ("model", "reply"),
    [
        ("us.amazon.nova-2-lite-v1:0", None),
        ("arn:aws:bedrock:us-east-1:1:application-inference-profile/abc", None),
        (CLAUDE, failure(403, "AccessDeniedException", "not allowed: bedrock:CountTokens")),
        (CLAUDE, failure(404, "UnknownOperationException", "No such operation.")),
        (CLAUDE, failure(400, "ValidationException", "The model identifier is invalid.")),
    ],
)
async def test_bedrock_counts_not_for_every_model_and_account(model: str, reply: JSON) -> None:
    with BedrockUpstream(api_key="sk-up") as fake:
        if reply is not None:
            fake.on(model, reply)

        assert await counted(fake, turn(model)) is None


@pytest.mark.parametrize("model", ["anthropic.claude-sonnet-4-5", f"eu.{CLAUDE}"])
async def test_bedrock_counts_under_the_models_own_name(model: str) -> None:
    with BedrockUpstream(api_key="sk-up") as fake:
        assert await counted(fake, turn(model))

        assert fake.requests[-1].model == CLAUDE


@pytest.mark.parametrize(
    ("reply", "code"),
    [
        (failure(429, "ThrottlingException", "Slow down."), "rate_limit_exceeded"),
        (failure(400, "ValidationException", "messages: no."), None),
        (failure(400, "ValidationException", "prompt is too long"), "context_length_exceeded"),
    ],
)
async def test_other_failures_of_bedrocks_are_failures(reply: JSON, code: str | None) -> None:
    with BedrockUpstream(api_key="sk-up") as fake:
        fake.on(CLAUDE, reply)

        with pytest.raises(GatewayError) as refused:
            await counted(fake, turn(CLAUDE))

    assert refused.value.code == code


async def compacted(fake: ResponsesUpstream, asked: Turn) -> Compacted | None:
    async with httpx.AsyncHTTPTransport() as transport:
        upstream = Upstream(
            transport, fake.base_url, headers=HEADERS, timeout_seconds=9, error_for=openai_error
        )
        return await OpenAIResponses(upstream).compact(asked)


async def test_a_service_without_the_path_compacts_nothing() -> None:
    with ResponsesUpstream(compacts=False) as fake:
        assert await compacted(fake, turn("gpt-5")) is None


@pytest.mark.parametrize(
    "said",
    [b"", b"[]", b'{"output": 7}', b'{"output": []}', b'{"output": [{"type": "compaction"}]}'],
)
async def test_what_is_no_compaction_is_not_taken_for_one(said: bytes) -> None:
    with ResponsesUpstream() as fake:
        fake.on("gpt-5", raw(200, said))

        with pytest.raises(Unavailable):
            await compacted(fake, turn("gpt-5"))


async def test_a_compaction_that_its_service_no_longer_knows_is_an_error() -> None:
    folded = {"type": "compaction", "encrypted_content": "x"}
    with ResponsesUpstream() as fake:
        secret = {"encrypted_content": fake.locksmith.lock(FOLDED), "origin": fake.base_url}
        fake.locksmith.rekey()
        asked = turn("gpt-5", [folded, {"role": "user", "content": "So?"}])
        signed = {asked.items[0]["id"]: secret}

        with pytest.raises(InvalidRequest):
            await counted(fake, replace(asked, signed=signed))


async def test_a_compaction_of_another_servers_is_refused() -> None:
    folded = {"type": "compaction", "encrypted_content": "x"}
    with ResponsesUpstream() as fake:
        asked = turn("gpt-5", [folded])
        secret = {"encrypted_content": "y", "origin": "https://elsewhere.example"}

        with pytest.raises(InvalidRequest, match="another server"):
            await counted(fake, replace(asked, signed={asked.items[0]["id"]: secret}))

        assert fake.requests == []
