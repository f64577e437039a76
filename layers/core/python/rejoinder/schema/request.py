"""A request to create a response: `CreateResponse`, in the form that we work with. Contract §1.

It is ours: one canonical form, frozen, which msgspec encodes; `schema.reader` makes it of what
strangers write.
"""

from typing import Literal

import msgspec
from msgspec import Struct

from rejoinder.schema.items import InputItem
from rejoinder.schema.response import PLAIN_TEXT, Number, ReasoningEcho, TextEcho
from rejoinder.schema.tools import Tool, ToolChoice


class CreateResponse(Struct, frozen=True, kw_only=True):
    """What a client wants. `None` means: not said, the default is the model's or ours."""

    model: str
    input: list[InputItem] = []
    input_at: list[int] = []  # where its items stood in the body, if others were left out there
    instructions: str | None = None
    previous_response_id: str | None = None
    conversation: str | None = None
    include: list[str] = []
    tools: list[Tool] = []
    ignored_tools: list[str] = []
    tool_choice: ToolChoice = "auto"
    parallel_tool_calls: bool = True
    max_tool_calls: int | None = None
    max_output_tokens: int | None = None
    temperature: Number | None = None
    top_p: Number | None = None
    presence_penalty: Number | None = None
    frequency_penalty: Number | None = None
    top_logprobs: int = 0
    text: TextEcho = msgspec.field(default_factory=lambda: PLAIN_TEXT)
    reasoning: ReasoningEcho = ReasoningEcho()
    stream: bool = False
    include_obfuscation: bool = True
    store: bool = True
    background: bool = False
    metadata: dict[str, str] = {}
    truncation: Literal["auto", "disabled"] = "disabled"
    user: str | None = None
    safety_identifier: str | None = None
    prompt_cache_key: str | None = None
    prompt_cache_retention: Literal["in_memory", "24h"] | None = None
    service_tier: str | None = None
    seed: int | None = None
    compact_threshold: int | None = None  # tokens
    is_compaction: bool = False  # whether nothing else is wanted
    ignored_parameters: list[str] = []

    def places(self) -> dict[str, str]:
        """By its id, what the parameter of an item of `input` is called; references have none."""
        at = self.input_at or range(len(self.input))
        return {
            item["id"]: f"input[{place}]"
            for place, item in zip(at, self.input, strict=False)
            if item["type"] != "item_reference"
        }


def restored(stored: bytes) -> CreateResponse | None:
    """A request as `msgspec.json.encode` wrote it; None if another version did, of other fields."""
    fields = msgspec.json.decode(stored)
    try:
        return CreateResponse(**fields | {"reasoning": ReasoningEcho(**fields["reasoning"])})
    except (TypeError, KeyError):
        return None
