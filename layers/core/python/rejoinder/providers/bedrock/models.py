"""What is particular about Bedrock's models: data by pattern, refined from top to bottom.

Sources: botocore's model of bedrock-runtime; the Bedrock user guide ("Adaptive thinking", "Extended
thinking", "Get validated JSON results from models", "Prompt caching", "Inference profiles"); the
Nova 2 user guide ("Extended thinking"). What the guides leave open is from reports of refusals
on GitHub: BerriAI/litellm#38279 and anomalyco/opencode#48195 (`reasoning.effort` of GPT-5 and 6),
earendil-works/pi#686 (gpt-oss refuses signatures), danny-avila/LibreChat#13838 (Nova refuses cache
points), langchain-ai/langchain-aws#1261 and #1278 (tool choice of DeepSeek and gpt-oss).
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from functools import lru_cache
from typing import Any, Literal
from urllib.parse import quote

from rejoinder.errors import InvalidRequest

type Thinking = Literal["budget", "adaptive", "flat", "nested", "nova"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ConverseFacts:
    """One model. The defaults are what any model takes."""

    thinking: Thinking | None = None  # how an effort is told, if it can be
    thinks_unasked: bool = False  # must be told not to
    always_thinks: bool = False  # and cannot be told not to
    hides_thinking: bool = False  # shows a summary only to who asks for one
    efforts: tuple[str, ...] = ("low", "medium", "high")
    max_output_tokens: int = 32_000  # of which a thinking budget is a share
    sampling: Literal["both", "one", "none"] = "both"  # of temperature and top_p
    forces_tools: Literal["any tool", "any", "no"] = "any tool"
    has_json_schema: bool = False
    has_strict_tools: bool = False
    has_parallel_switch: bool = False
    caches: bool = False  # takes cache points
    replays: Literal["signed", "all", "none"] = "signed"  # which thinking it takes back
    has_short_call_ids: bool = False  # nine letters and digits


CLAUDE_5 = {
    "sampling": "none",
    "hides_thinking": True,
    "efforts": ("low", "medium", "high", "xhigh", "max"),
}
NATIVE_JSON: dict[str, Any] = {"has_json_schema": True}

FACTS: Sequence[tuple[str, Mapping[str, Any]]] = (
    ("anthropic.claude-*", {"thinking": "budget", "caches": True}),
    ("anthropic.claude-3-*", {"thinking": None, "caches": False, "max_output_tokens": 8_192}),
    ("anthropic.claude-3-5-haiku-*", {"caches": True}),
    ("anthropic.claude-3-7-*", {"thinking": "budget", "caches": True, "max_output_tokens": 64_000}),
    ("anthropic.claude-sonnet-4-*", {"max_output_tokens": 64_000}),
    ("anthropic.claude-*-4-[5-9]*", {"max_output_tokens": 64_000, "sampling": "one"}),
    ("anthropic.claude-opus-4-1-*", {"sampling": "one"}),
    ("anthropic.claude-*-4-[5-9]*", {"has_parallel_switch": True}),
    ("anthropic.claude-*-4-[56]*", NATIVE_JSON | {"has_strict_tools": True}),
    ("anthropic.claude-*-4-[6-9]*", {"thinking": "adaptive", "max_output_tokens": 128_000}),
    ("anthropic.claude-*-4-6*", {"efforts": ("low", "medium", "high", "max")}),
    ("anthropic.claude-opus-4-[78]*", CLAUDE_5),
    ("anthropic.claude-opus-4-8*", NATIVE_JSON),
    (
        "anthropic.claude-[a-z]*[a-z]-5*",
        CLAUDE_5 | {"thinking": "adaptive", "max_output_tokens": 128_000},
    ),
    ("anthropic.claude-[a-z]*[a-z]-5*", {"thinks_unasked": True, "has_parallel_switch": True}),
    ("anthropic.claude-sonnet-5*", NATIVE_JSON),
    ("anthropic.claude-haiku-5*", NATIVE_JSON),
    ("anthropic.claude-[a-z]*[a-z]-5-5*", {"always_thinks": True, "forces_tools": "no"}),
    ("anthropic.claude-haiku-5-5*", {"forces_tools": "any tool"}),
    ("anthropic.claude-fable-*", {"always_thinks": True, "forces_tools": "no"}),
    ("anthropic.claude-mythos-*", CLAUDE_5 | {"thinking": "adaptive", "thinks_unasked": True}),
    ("anthropic.claude-mythos-*", {"always_thinks": True, "forces_tools": "no"}),
    ("anthropic.claude-mythos-5-1*", NATIVE_JSON),
    ("amazon.nova-2-*", {"thinking": "nova", "max_output_tokens": 64_000, "replays": "all"}),
    ("openai.gpt-*", {"thinking": "nested", "efforts": ("low", "medium", "high", "xhigh", "max")}),
    ("openai.gpt-oss-*", {"thinking": "flat", "efforts": ("low", "medium", "high")}),
    ("openai.gpt-oss-*", {"replays": "all"}),
    ("deepseek.*", {"forces_tools": "any", "replays": "none"}),
    ("deepseek.r1*", {"forces_tools": "no"}),
    ("deepseek.v3*", {"thinking": "flat", "has_json_schema": True}),
    ("meta.*", {"forces_tools": "no"}),
    ("mistral.*", {"forces_tools": "any", "has_short_call_ids": True}),
    ("mistral.ministral-3-*", NATIVE_JSON),
    ("mistral.mistral-large-3-*", NATIVE_JSON),
    ("qwen.qwen3-*", NATIVE_JSON),
    ("minimax.minimax-m2", NATIVE_JSON),
    ("moonshot.kimi-k2-thinking", NATIVE_JSON),
    ("zai.glm-5*", NATIVE_JSON),
)

# Short names of models that only answer under a longer one, most through an inference profile.
LONG_NAMES: Mapping[str, str] = {
    "anthropic.claude-haiku-4-5": "anthropic.claude-haiku-4-5-20251001-v1:0",
    "anthropic.claude-sonnet-4-5": "anthropic.claude-sonnet-4-5-20250929-v1:0",
    "anthropic.claude-opus-4-5": "anthropic.claude-opus-4-5-20251101-v1:0",
    "anthropic.claude-opus-4-6": "anthropic.claude-opus-4-6-v1",
    "anthropic.claude-sonnet-4": "anthropic.claude-sonnet-4-20250514-v1:0",
    "anthropic.claude-opus-4-1": "anthropic.claude-opus-4-1-20250805-v1:0",
    "anthropic.claude-sonnet-4-6": "anthropic.claude-sonnet-4-6",
    "anthropic.claude-opus-4-7": "anthropic.claude-opus-4-7",
    "anthropic.claude-opus-4-8": "anthropic.claude-opus-4-8",
    "anthropic.claude-sonnet-5": "anthropic.claude-sonnet-5",
    "anthropic.claude-opus-5": "anthropic.claude-opus-5",
    "amazon.nova-2-lite": "amazon.nova-2-lite-v1:0",
}
IN_REGION: Mapping[str, str] = {  # and those that need no profile
    "amazon.nova-micro": "amazon.nova-micro-v1:0",
    "amazon.nova-lite": "amazon.nova-lite-v1:0",
    "amazon.nova-pro": "amazon.nova-pro-v1:0",
    "openai.gpt-oss-120b": "openai.gpt-oss-120b-1:0",
    "openai.gpt-oss-20b": "openai.gpt-oss-20b-1:0",
}
MODELS: tuple[str, ...] = (*LONG_NAMES, *IN_REGION)  # to be listed; many more can be asked for

PROFILES: Sequence[tuple[str, str]] = (  # pattern of regions → where their requests may be served
    ("us-gov-*", "us-gov"),
    ("us-*", "us"),
    ("ca-*", "us"),
    ("eu-*", "eu"),
    ("ap-northeast-[13]", "jp"),
    ("ap-southeast-[24]", "au"),
    ("*", "global"),
)

PATTERNS: tuple[str, ...] = (  # names that are Bedrock's and no other service's
    *("anthropic.*", "amazon.*", "meta.*", "mistral.*", "cohere.*", "ai21.*", "deepseek.*"),
    *("openai.gpt-*", "qwen.*", "writer.*", "google.gemma-*", "minimax.*", "moonshot*.*"),
    *("nvidia.*", "zai.*", "xai.*", "us.*", "us-gov.*", "eu.*", "apac.*", "jp.*", "au.*"),
    *("global.*", "arn:aws*:bedrock:*", "arn:aws*:sagemaker:*"),
)

_GEOGRAPHY = re.compile(r"^(us-gov|us|eu|apac|jp|au|ca|in|sa|uk|il|me|af|global)\.")
_MODEL_ID = re.compile(r"[A-Za-z0-9._:/-]{1,2048}")


@lru_cache(maxsize=256)
def facts_of(model: str) -> ConverseFacts:
    """The facts of a model, whatever inference profile it is asked through."""
    facts, name = ConverseFacts(), base_name(model)
    for pattern, changes in FACTS:
        if fnmatchcase(name, pattern):
            facts = replace(facts, **changes)
    return facts


def base_name(model: str) -> str:
    """A model's own name, without an ARN and a geography around it."""
    name = model.rpartition("/")[2] if model.startswith("arn:") else model
    return _GEOGRAPHY.sub("", name)


def family(model: str) -> str:
    """Whose model this is: thinking goes back only to the family that signed it."""
    return base_name(model).partition(".")[0]


def path_of(model: str, *, profile: str, is_streamed: bool) -> str:
    """The path to ask a model at.

    Raises:
        InvalidRequest: if no model can have this name.
    """
    operation = "converse-stream" if is_streamed else "converse"
    return _path(model, long_name(model, profile), operation)


def counting_path_of(model: str) -> str:
    """The path to count tokens at: under a model's own name, never through a profile.

    Raises:
        InvalidRequest: if no model can have this name.
    """
    return _path(model, base_name(long_name(model, "")), "count-tokens")


def _path(model: str, long: str, operation: str) -> str:
    """A colon stays: HTTP libraries do not agree on escaping it."""
    if not _MODEL_ID.fullmatch(model):
        raise InvalidRequest(
            f"{model[:80]!r} is not the id of a Bedrock model.",
            code="model_not_found",
            param="model",
        )
    return f"/model/{quote(long, safe=':')}/{operation}"


def long_name(model: str, profile: str) -> str:
    """What Bedrock calls a model that we list under a short name; others are left alone."""
    if model in LONG_NAMES:
        return f"{profile}.{LONG_NAMES[model]}" if profile else LONG_NAMES[model]
    return IN_REGION.get(model, model)


def profile_of(region: str) -> str:
    """The inference profiles that a region uses by default."""
    return next(profile for pattern, profile in PROFILES if fnmatchcase(region, pattern))
