"""What a provider is given and what it gives back."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, Protocol, runtime_checkable

from rejoinder.engine.pipeline import Deltas
from rejoinder.engine.tool_names import ToolNames
from rejoinder.schema.items import JSON, Item
from rejoinder.schema.request import CreateResponse
from rejoinder.schema.response import Usage

type Knob = Literal[
    "temperature",
    "top_p",
    "presence_penalty",
    "frequency_penalty",
    "seed",
    "user",
    "safety_identifier",
    "prompt_cache_key",
    "service_tier",
    "verbosity",
    "reasoning_effort",
    "logprobs",
    "parallel_tool_calls",
    "stream_options",
]

type Schemas = Literal["all", "plain", "none"]  # plain: without limits, patterns and open objects
type Thinking = Literal["none", "budget", "adaptive"]  # how it is asked to think
type ThinkingOff = Literal["unsaid", "disabled", "between_tools", "never"]  # and not to
type Effort = Literal["low", "medium", "high", "xhigh", "max"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelFacts:
    """What is particular about a model or its server: data, never an `if` on a name."""

    base_model: str = ""  # the model behind a name of the operator's own, such as an ARN
    reasoning_output: Literal["summary", "raw"] = "summary"
    sends_reasoning_back: bool = False  # the server wants earlier thinking in the history
    needs_known_tools: bool = False  # the server refuses old calls without their definitions
    encrypts_reasoning: bool = False  # the server gives its thinking to be sent back, if asked
    knows_developer_role: bool = False
    knows_allowed_tools: bool = False
    takes_image_urls: bool = True  # else we fetch the images, as we fetch files
    max_tokens_field: Literal["max_tokens", "max_completion_tokens"] = "max_tokens"
    drops: frozenset[Knob] = field(default=frozenset())  # tuning knobs that the server lacks
    enforces_schemas: Schemas = "none"  # which JSON schemas every answer is sure to match
    max_output_tokens: int = 4096  # of one answer: for servers that want to be told a limit
    thinking: Thinking = "none"
    thinking_off: ThinkingOff = "unsaid"
    efforts: frozenset[Effort] = field(default=frozenset())  # steps of effort that it knows
    binds_thinking: bool = False  # its thinking is void when what stood before it changes
    may_be_forced: bool = True  # it takes the order to call a tool
    takes_prefill: bool = False  # it goes on with an answer that somebody else began
    context_window_tokens: int | None = None
    input_usd_per_million: float | None = None  # list prices, per million tokens
    cached_input_usd_per_million: float | None = None
    output_usd_per_million: float | None = None


@dataclass(frozen=True, slots=True)
class Turn:
    """One call of one model: the whole conversation, the options, the upstream's model name."""

    model: str
    request: CreateResponse
    items: list[Item]
    tools: ToolNames
    known_tools: ToolNames  # also those of earlier turns, for upstreams that insist
    facts: ModelFacts
    is_streamed: bool
    signed: Mapping[str, JSON] = field(default_factory=dict)  # by item: this dialect's own secret


class Provider(Protocol):
    """An adapter to a dialect."""

    def stream(self, turn: Turn) -> Deltas:
        """Ask the model. `Started` comes first and `Finished` last.

        Raises:
            GatewayError: as contract §6.4 maps the upstream's failures.
        """
        ...


@dataclass(frozen=True, slots=True)
class Compacted:
    """What a service made of a conversation, for itself to read, and what that cost."""

    content: JSON
    usage: Usage


@runtime_checkable
class Compactor(Protocol):
    """A provider whose service compacts conversations itself."""

    async def compact(self, turn: Turn) -> Compacted | None:
        """The conversation, compacted; None if the service does not do that.

        Raises:
            GatewayError: as for asking the model.
        """
        ...


@runtime_checkable
class Counter(Protocol):
    """A provider whose service counts the tokens of a turn without asking the model."""

    async def count(self, turn: Turn) -> int | None:
        """The tokens of all that the model would be given; None if they are not counted for it.

        Raises:
            GatewayError: as for asking the model.
        """
        ...
