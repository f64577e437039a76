"""Text, limits, usage and ends of replies over the scripted Bedrock."""

from pathlib import Path

import pytest

from rejoinder.schema.items import JSON
from tests.contract.bedrock.door import CLAUDE, HAIKU, NOVA, Door, opened, said
from tests.upstreams.bedrock import BedrockUpstream
from tests.upstreams.bedrock_replies import text
from tests.upstreams.bedrock_signature import Account


async def test_one_script_answers_streamed_and_whole(bedrock: BedrockUpstream, asked: Door) -> None:
    bedrock.on(CLAUDE, text("Hel", "lo", "!"))

    whole, told = await asked.create(CLAUDE), await asked.stream(CLAUDE)

    assert said(whole) == said(told.response) == "Hello!"
    assert told.deltas("output_text") == ["Hel", "lo", "!"]
    assert [request.operation for request in bedrock.requests] == ["Converse", "ConverseStream"]
    assert whole["status"] == told.response["status"] == "completed"


@pytest.mark.parametrize("size", [1, 7, 64])
async def test_characters_survive_being_cut_anywhere(
    bedrock: BedrockUpstream, asked: Door, size: int
) -> None:
    bedrock.on(CLAUDE, text("naïve ", "日本", "🦆🦆").in_writes_of(size))

    told = await asked.stream(CLAUDE)

    assert said(told.response) == "naïve 日本🦆🦆"


async def test_usage_counts_cached_tokens_as_input(bedrock: BedrockUpstream, asked: Door) -> None:
    counts = {"inputTokens": 10, "outputTokens": 5, "totalTokens": 65}
    reply = text("Hi").costing(**counts, cacheReadInputTokens=30, cacheWriteInputTokens=20)
    bedrock.on(CLAUDE, reply)

    for response in (await asked.create(CLAUDE), (await asked.stream(CLAUDE)).response):
        usage = response["usage"]
        assert (usage["input_tokens"], usage["output_tokens"]) == (60, 5)
        assert usage["input_tokens_details"] == {"cached_tokens": 30, "cache_write_tokens": 20}
        assert usage["total_tokens"] == 65


@pytest.mark.parametrize(
    ("stop", "reason"),
    [
        ("max_tokens", "max_output_tokens"),
        ("model_context_window_exceeded", "max_output_tokens"),
        ("guardrail_intervened", "content_filter"),
        ("content_filtered", "content_filter"),
    ],
)
async def test_a_reply_that_was_ended_early_is_incomplete(
    bedrock: BedrockUpstream, asked: Door, stop: str, reason: str
) -> None:
    bedrock.on(CLAUDE, text("So far").stopping(stop))

    for response in (await asked.create(CLAUDE), (await asked.stream(CLAUDE)).response):
        assert response["status"] == "incomplete"
        assert response["incomplete_details"] == {"reason": reason}
        assert said(response) == "So far"


@pytest.mark.parametrize("stop", ["malformed_model_output", "malformed_tool_use"])
async def test_malformed_output_is_a_failure_after_what_was_said(
    bedrock: BedrockUpstream, asked: Door, stop: str
) -> None:
    bedrock.on(CLAUDE, text("So far").stopping(stop))

    told = await asked.stream(CLAUDE)
    status, _ = await asked.refused(CLAUDE)

    assert (told.response["status"], status) == ("failed", 503)
    assert told.response["error"]["code"] == "server_error"
    assert said(told.response) == "So far"


async def test_a_stream_may_end_without_metadata(bedrock: BedrockUpstream, asked: Door) -> None:
    bedrock.on(CLAUDE, text("Hi").without_metadata())

    told = await asked.stream(CLAUDE)

    assert told.response["status"] == "completed"
    assert told.response["usage"]["total_tokens"] == 0


async def test_the_service_tier_goes_there_and_back(bedrock: BedrockUpstream, asked: Door) -> None:
    bedrock.on(CLAUDE, text("Hi").on_tier("flex"))

    response = await asked.create(CLAUDE, service_tier="flex")

    assert bedrock.last["serviceTier"] == {"type": "flex"}
    assert response["service_tier"] == "flex"


async def test_limits_and_sampling_are_said_in_bedrocks_words(
    bedrock: BedrockUpstream, asked: Door
) -> None:
    await asked.create(NOVA, temperature=1.5, top_p=0.9, max_output_tokens=64)

    assert bedrock.last["inferenceConfig"] == {"maxTokens": 64, "temperature": 1.0, "topP": 0.9}


async def test_a_model_that_takes_no_temperature_says_so_before_it_is_asked(
    bedrock: BedrockUpstream, asked: Door
) -> None:
    status, error = await asked.refused("us.anthropic.claude-opus-4-8", temperature=0.5)

    assert (status, error["param"]) == (400, "temperature")
    assert bedrock.requests == []
    assert said(await asked.create("us.anthropic.claude-opus-4-8", temperature=1))


async def test_a_short_name_is_asked_through_the_regions_profile(
    bedrock: BedrockUpstream, asked: Door
) -> None:
    bedrock.on(HAIKU, text("Hi"))

    assert said(await asked.create("anthropic.claude-haiku-4-5")) == "Hi"
    assert [request.model for request in bedrock.requests] == [HAIKU]


@pytest.mark.parametrize(
    ("region", "profile"),
    [("eu-central-1", "eu"), ("ap-northeast-1", "jp"), ("sa-east-1", "global")],
)
async def test_each_region_has_a_profile_of_its_own(
    tmp_path: Path, region: str, profile: str
) -> None:
    with BedrockUpstream(Account(region=region)) as upstream:
        async with opened(upstream, tmp_path) as asked:
            await asked.create("anthropic.claude-haiku-4-5")

    assert upstream.requests[0].model == f"{profile}.{HAIKU.removeprefix('us.')}"


async def test_an_arn_is_signed_as_it_is_sent(tmp_path: Path) -> None:
    arn = "arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/a1b2c3d4e5f6"
    facts: JSON = {"models": {arn: {"base_model": CLAUDE}}}
    with BedrockUpstream(Account(token="session/token=="), behind={arn: CLAUDE}) as upstream:
        upstream.on(arn, text("Hi"))
        async with opened(upstream, tmp_path, settings=facts) as asked:
            assert said((await asked.stream(arn, reasoning={"effort": "low"})).response) == "Hi"
            status, error = await asked.refused("no such model!")

    assert upstream.requests[0].path.count("/") == 3
    assert (status, error["code"]) == (400, "model_not_found")


async def test_a_bedrock_api_key_needs_no_signature(tmp_path: Path) -> None:
    with BedrockUpstream(api_key="bedrock-key") as upstream:
        env = {"AWS_REGION": "us-east-1", "AWS_BEARER_TOKEN_BEDROCK": "bedrock-key"}
        async with opened(upstream, tmp_path, env=env) as asked:
            assert said(await asked.create(CLAUDE)) == "You said: Hello"


async def test_wrong_credentials_are_the_operators_to_mend(
    bedrock: BedrockUpstream, tmp_path: Path
) -> None:
    env = bedrock.account.env | {"AWS_SECRET_ACCESS_KEY": "stale"}
    async with opened(bedrock, tmp_path, env=env) as asked:
        status, error = await asked.refused(CLAUDE)

    assert (status, error["code"]) == (500, "upstream_auth")
