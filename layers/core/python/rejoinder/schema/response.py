"""The response object: every key, always, in this order (contract §3.1, §3.3, §3.4)."""

from typing import Literal, TypedDict

from msgspec import Struct, field

from rejoinder.schema.items import JSON, OutputItem

type Status = Literal["queued", "in_progress", "completed", "incomplete", "failed", "cancelled"]
type Number = int | float

LIVE: frozenset[Status] = frozenset({"queued", "in_progress"})  # the others are final (§3.4)

# msgspec does not decode unions of TypedDicts, so these fields are JSON to it.
type OutputItemJSON = JSON
type ToolJSON = JSON
type ToolChoiceJSON = JSON


class InputTokensDetails(Struct, frozen=True):
    """Parts of `input_tokens`."""

    cached_tokens: int = 0
    cache_write_tokens: int = 0


class OutputTokensDetails(Struct, frozen=True):
    """Parts of `output_tokens`."""

    reasoning_tokens: int = 0


class Usage(Struct, frozen=True):
    """Tokens: `input_tokens` includes the cached, `output_tokens` the reasoning ones."""

    input_tokens: int = 0
    input_tokens_details: InputTokensDetails = InputTokensDetails()
    output_tokens: int = 0
    output_tokens_details: OutputTokensDetails = OutputTokensDetails()
    total_tokens: int = 0


class IncompleteDetails(Struct, frozen=True):
    """Why the response ended early."""

    reason: Literal["max_output_tokens", "content_filter"]


class ResponseError(Struct, frozen=True):
    """Why the response failed; `type` and `param` make the AI SDK show the message."""

    code: str
    message: str
    type: str = "server_error"
    param: str | None = None


class ReasoningEcho(Struct, frozen=True):
    """The reasoning options that were asked for."""

    effort: str | None = None
    summary: str | None = None


class TextEcho(TypedDict):
    """The text options in force; `format` is the flat form of contract §1.7."""

    format: dict[str, JSON]
    verbosity: Literal["low", "medium", "high"]


PLAIN_TEXT: TextEcho = {"format": {"type": "text"}, "verbosity": "medium"}


class Response(Struct, frozen=True, kw_only=True):
    """The API object. Frozen: each change of a response is a new value."""

    id: str
    object: Literal["response"] = "response"
    created_at: int
    status: Status
    background: bool = False
    completed_at: int | None = None
    conversation: JSON = None
    error: ResponseError | None = None
    frequency_penalty: Number = 0
    incomplete_details: IncompleteDetails | None = None
    instructions: str | None = None
    max_output_tokens: int | None = None
    max_tool_calls: int | None = None
    model: str
    output: list[OutputItemJSON] = []  # OutputItem
    output_text: str = ""
    parallel_tool_calls: bool = True
    presence_penalty: Number = 0
    previous_response_id: str | None = None
    prompt_cache_key: str | None = None
    prompt_cache_retention: str | None = None
    reasoning: ReasoningEcho = ReasoningEcho()
    safety_identifier: str | None = None
    service_tier: str = "auto"
    store: bool = True
    temperature: Number = 1
    text: TextEcho = field(default_factory=lambda: PLAIN_TEXT)
    tool_choice: ToolChoiceJSON = "auto"  # ToolChoice
    tools: list[ToolJSON] = []  # Tool
    top_logprobs: int = 0
    top_p: Number = 1
    truncation: Literal["auto", "disabled"] = "disabled"
    usage: Usage | None = None
    user: str | None = None
    metadata: dict[str, str] = {}

    @property
    def is_live(self) -> bool:
        """Whether it can still change."""
        return self.status in LIVE


class CompactedResponse(Struct, frozen=True, kw_only=True):
    """A conversation made short: items to begin the next input with. It cannot be continued."""

    id: str
    object: Literal["response.compaction"] = "response.compaction"
    created_at: int
    output: list[OutputItemJSON]
    usage: Usage


def joined_text(output: list[OutputItem]) -> str:
    """All text of all messages, with nothing between: the `output_text` of contract §3.1."""
    return "".join(
        part["text"]
        for item in output
        if item["type"] == "message"
        for part in item["content"]
        if part["type"] == "output_text"
    )
