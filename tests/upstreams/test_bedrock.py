"""The scripted Bedrock, seen by AWS's own client."""

import re
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError, EventStreamError

from tests.upstreams.bedrock import BedrockUpstream
from tests.upstreams.bedrock_replies import call, calls, failure, text, thinking
from tests.upstreams.bedrock_signature import Account

type JSON = Any

CLAUDE = "anthropic.claude-sonnet-4-5-20250929-v1:0"
HELLO: JSON = {"role": "user", "content": [{"text": "Hello"}]}
TOOLS: JSON = {"tools": [{"toolSpec": {"name": "f", "inputSchema": {"json": {"type": "object"}}}}]}


@pytest.fixture
def bedrock() -> Iterator[BedrockUpstream]:
    with BedrockUpstream(Account(token="session/token==")) as upstream:
        yield upstream


@pytest.fixture
def client(bedrock: BedrockUpstream) -> Iterator[JSON]:
    client = boto3.client(
        "bedrock-runtime",
        endpoint_url=bedrock.base_url,
        region_name=bedrock.account.region,
        aws_access_key_id=bedrock.account.key_id,
        aws_secret_access_key=bedrock.account.secret,
        aws_session_token=bedrock.account.token,
        config=Config(retries={"total_max_attempts": 1}),
    )
    yield client
    client.close()


def test_awss_client_reads_a_whole_reply(bedrock: BedrockUpstream, client: JSON) -> None:
    bedrock.on(CLAUDE, thinking("Hm.") + text("Hel", "lo") + calls(call("f", "{}", id="a")))

    reply = client.converse(modelId=CLAUDE, messages=[HELLO], toolConfig=TOOLS)

    kinds = [next(iter(block)) for block in reply["output"]["message"]["content"]]
    assert kinds == ["reasoningContent", "text", "toolUse"]
    assert reply["stopReason"] == "tool_use"
    assert reply["usage"]["totalTokens"] > 0


def test_awss_client_reads_a_stream(bedrock: BedrockUpstream, client: JSON) -> None:
    bedrock.on(CLAUDE, text("Hel", "lo").in_writes_of(5))

    stream = client.converse_stream(modelId=CLAUDE, messages=[HELLO])["stream"]
    events = list(stream)
    stream.close()

    deltas = [event["contentBlockDelta"] for event in events if "contentBlockDelta" in event]
    assert [delta["delta"]["text"] for delta in deltas] == ["Hel", "lo"]
    assert list(events[-1]) == ["metadata"]


def test_awss_client_raises_exceptions_before_and_within_a_stream(
    bedrock: BedrockUpstream, client: JSON
) -> None:
    refused = failure(429, "ThrottlingException", in_header=False)
    bedrock.on(CLAUDE, refused, text("Hi").raising(2, "throttlingException"))

    with pytest.raises(ClientError, match="ThrottlingException"):
        client.converse_stream(modelId=CLAUDE, messages=[HELLO])
    stream = client.converse_stream(modelId=CLAUDE, messages=[HELLO])["stream"]
    with pytest.raises(EventStreamError, match="throttlingException"):
        list(stream)
    stream.close()


def test_arns_are_understood(bedrock: BedrockUpstream, client: JSON) -> None:
    arn = "arn:aws:bedrock:us-east-1:123456789012:inference-profile/us.amazon.nova-2-lite-v1:0"

    client.converse(modelId=arn, messages=[HELLO])

    assert bedrock.requests[0].model == arn


def said(*content: JSON) -> JSON:
    return {"role": "assistant", "content": list(content)}


def made(call_id: str = "a") -> JSON:
    return {"toolUse": {"toolUseId": call_id, "name": "f", "input": {}}}


def given(call_id: str = "a") -> JSON:
    return {"toolResult": {"toolUseId": call_id, "content": [{"text": "ok"}]}}


def user(*content: JSON) -> JSON:
    return {"role": "user", "content": list(content)}


def document(name: str) -> JSON:
    return {"document": {"name": name, "format": "pdf", "source": {"bytes": b"%PDF"}}}


def thought(**more: str) -> JSON:
    return said({"reasoningContent": {"reasoningText": {"text": "Hm", **more}}}, {"text": "Hi"})


WRONG: list[tuple[str, JSON]] = [
    ("must start with a user", {"messages": [said({"text": "Hi"}), HELLO]}),
    ("prefill", {"messages": [HELLO, said({"text": "Hi"})]}),
    ("alternate", {"messages": [HELLO, HELLO]}),
    ("is blank", {"messages": [user({"text": "  "})]}),
    ("toolConfig field must", {"messages": [HELLO, said(made()), user(given())]}),
    (
        "Expected toolResult",
        {"messages": [HELLO, said(made()), HELLO], "toolConfig": TOOLS},
    ),
    ("exceed", {"messages": [HELLO, said(made()), user(given(), given("b"))], "toolConfig": TOOLS}),
    (
        "come first",
        {"messages": [HELLO, said(made()), user({"text": "x"}, given())], "toolConfig": TOOLS},
    ),
    (
        "a:b/c",
        {"messages": [HELLO, said(made("a:b/c")), user(given("a:b/c"))], "toolConfig": TOOLS},
    ),
    ("signature: Field required", {"messages": [HELLO, thought(), HELLO]}),
    ("Invalid `signature`", {"messages": [HELLO, thought(signature="forged"), HELLO]}),
    ("file name", {"messages": [user(document("a.pdf"), {"text": "x"})]}),
    ("duplicate document", {"messages": [user(document("a"), document("a"), {"text": "x"})]}),
    ("text block is required", {"messages": [user(document("a"))]}),
    (
        "process image",
        {"messages": [user({"image": {"format": "png", "source": {"bytes": b"x"}}})]},
    ),
    ("Extra inputs", {"messages": [HELLO], "additionalModelRequestFields": {"seed": 1}}),
    (
        "budget_tokens",
        {
            "messages": [HELLO],
            "inferenceConfig": {"maxTokens": 1000},
            "additionalModelRequestFields": {
                "thinking": {"type": "enabled", "budget_tokens": 1024}
            },
        },
    ),
    (
        "adaptive",
        {"messages": [HELLO], "additionalModelRequestFields": {"thinking": {"type": "adaptive"}}},
    ),
    (
        "must be object",
        {
            "messages": [HELLO],
            "toolConfig": {"tools": [{"toolSpec": {"name": "f", "inputSchema": {"json": {}}}}]},
        },
    ),
    (
        "both be specified",
        {"messages": [HELLO], "inferenceConfig": {"temperature": 0.5, "topP": 0.5}},
    ),
    ("four cache points", {"messages": [user({"cachePoint": {"type": "default"}}, {"text": "x"})]}),
]


@pytest.mark.parametrize(("why", "wrong"), WRONG, ids=[why for why, _ in WRONG])
def test_what_bedrock_refuses_is_refused(client: JSON, why: str, wrong: JSON) -> None:
    with pytest.raises(ClientError, match=re.escape(why)) as refused:
        client.converse(modelId=CLAUDE, **wrong)

    assert refused.value.response["Error"]["Code"] == "ValidationException"


@pytest.mark.parametrize(
    ("wrong", "kind"),
    [
        ({"aws_secret_access_key": "wrong"}, "InvalidSignatureException"),
        ({"aws_access_key_id": "AKIDOTHER"}, "UnrecognizedClientException"),
        ({"aws_session_token": None}, "UnrecognizedClientException"),
        ({"region_name": "eu-west-1"}, "InvalidSignatureException"),
    ],
)
def test_wrong_signatures_are_refused(bedrock: BedrockUpstream, wrong: JSON, kind: str) -> None:
    right = {
        "region_name": "us-east-1",
        "aws_access_key_id": bedrock.account.key_id,
        "aws_secret_access_key": bedrock.account.secret,
        "aws_session_token": bedrock.account.token,
    }
    client: JSON = boto3.client(
        "bedrock-runtime",
        endpoint_url=bedrock.base_url,
        config=Config(retries={"total_max_attempts": 1}),
        **{**right, **wrong},
    )

    with pytest.raises(ClientError, match=kind):
        client.converse(modelId=CLAUDE, messages=[HELLO])
    client.close()


def test_awss_client_counts_tokens(client: JSON) -> None:
    asked = {"messages": [HELLO], "system": [{"text": "Be brief."}], "toolConfig": TOOLS}

    counted = client.count_tokens(modelId=CLAUDE, input={"converse": asked})

    assert counted["inputTokens"] > 0


@pytest.mark.parametrize("model", ["amazon.nova-2-lite-v1:0", f"us.{CLAUDE}"])
def test_tokens_are_counted_for_claude_by_its_own_name_only(client: JSON, model: str) -> None:
    with pytest.raises(ClientError, match="support counting tokens"):
        client.count_tokens(modelId=model, input={"converse": {"messages": [HELLO]}})
