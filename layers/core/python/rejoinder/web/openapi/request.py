"""Bodies that ask for responses, with the limits of `schema.body`; the tests compare them."""

from rejoinder.schema.body import MAX_MODEL, MIN_OUTPUT_TOKENS, UNSUPPORTED_KEYS
from rejoinder.schema.items import JSON
from rejoinder.schema.options import (
    COMPACT_THRESHOLD,
    INCLUDABLE,
    MAX_SCHEMA_NAME,
    MIN_COMPACT_THRESHOLD,
    Effort,
    Summary,
    Verbosity,
)
from rejoinder.schema.reader import COMPACTED, COUNTED, CREATED, Fields
from rejoinder.schema.reading import MAX_TEXT, MAX_WHOLE
from rejoinder.web.openapi.items import ITEMS, PARTS
from rejoinder.web.openapi.shapes import (
    either,
    kind,
    listing,
    number,
    optional,
    ref,
    table,
    text,
    whole,
    word,
    words_of,
    yes_or_no,
)
from rejoinder.web.openapi.tools import TOOLS

RESPONSE_ID = text(pattern="^resp_[A-Za-z0-9_-]{1,59}$")
CONVERSATION_ID = text(minLength=1, examples=["conv_0"])
METADATA = {
    "type": "object",
    "maxProperties": 16,
    "propertyNames": {"maxLength": 64},
    "additionalProperties": text(maxLength=512),
}

_SCHEMA_FORMAT = {
    "name": text(pattern="^[a-zA-Z0-9_-]+$", minLength=1, maxLength=MAX_SCHEMA_NAME),
    "schema": {"type": "object", "description": "The JSON Schema that the answer fits."},
    **optional({"description": text(), "strict": yes_or_no(default=False)}),
}
_FORMAT = either(
    kind("text", {}),
    kind("json_object", {}),
    kind(
        "json_schema", {**_SCHEMA_FORMAT, **optional({"json_schema": table({})})}, "name", "schema"
    ),
    kind(
        "json_schema",
        {"json_schema": table(_SCHEMA_FORMAT, required=["name", "schema"])},
        "json_schema",
        description="The same in the shape of Chat Completions.",
    ),
)
_OPTIONS: dict[str, JSON] = {
    "input": either(
        text("What the user says.", maxLength=MAX_TEXT),
        listing(ref("InputItem")),
        description=(
            "What this turn adds to the conversation. May be absent only with "
            "`previous_response_id` or `conversation`."
        ),
    ),
    "instructions": text(
        "What the model is told before the conversation; not inherited by the next response.",
        maxLength=MAX_TEXT,
    ),
    "previous_response_id": {
        **RESPONSE_ID,
        "description": "A stored response that has ended; its whole conversation goes before.",
    },
    "conversation": either(
        CONVERSATION_ID,
        table({"id": CONVERSATION_ID}, required=["id"]),
        description=(
            "A conversation: its items go before, and what is said now is added to it. Not "
            "together with `previous_response_id`."
        ),
    ),
    "include": listing(
        {},
        f"What to add to the answer: {', '.join(sorted(INCLUDABLE))}. Others are passed over, and "
        "named in `X-Ignored-Parameters`.",
    ),
    "tools": listing(ref("RequestTool"), default=[]),
    "tool_choice": ref("RequestToolChoice"),
    "parallel_tool_calls": yes_or_no(
        "Whether the model may call several tools at once.", default=True
    ),
    "max_tool_calls": whole("Echoed; it counts hosted tools only.", minimum=1, maximum=MAX_WHOLE),
    "max_output_tokens": whole(
        "The most tokens to generate, thinking included.",
        minimum=MIN_OUTPUT_TOKENS,
        maximum=MAX_WHOLE,
    ),
    "temperature": number("Echoed as 1 if absent.", minimum=0, maximum=2),
    "top_p": number("Echoed as 1 if absent.", minimum=0, maximum=1),
    "presence_penalty": number("Echoed as 0 if absent.", minimum=-2, maximum=2),
    "frequency_penalty": number("Echoed as 0 if absent.", minimum=-2, maximum=2),
    "top_logprobs": whole(minimum=0, maximum=20, default=0),
    "text": table(
        optional({"format": _FORMAT, "verbosity": word(words_of(Verbosity), default="medium")}),
        description="The form of the answer.",
    ),
    "reasoning": table(
        optional(
            {
                "effort": word(words_of(Effort)),
                "summary": word(words_of(Summary)),
                "generate_summary": word(words_of(Summary), "The old name of `summary`."),
            }
        ),
        description="How much to think, and what of it to show.",
    ),
    "stream": yes_or_no("Tell the response as events, as it comes.", default=False),
    "stream_options": table(
        optional({"include_obfuscation": yes_or_no(default=True)}),
        description="Only with `stream`. Whether deltas are padded, to hide their lengths.",
    ),
    "store": yes_or_no("Keep the response, to be retrieved, rejoined and continued.", default=True),
    "background": yes_or_no("Answer at once, as queued; a worker makes it.", default=False),
    "metadata": {**METADATA, "default": {}, "description": "The client's own notes, echoed."},
    "truncation": word(["auto", "disabled"], default="disabled"),
    "context_management": listing(
        kind(
            "compaction",
            optional(
                {
                    "compact_threshold": whole(
                        minimum=MIN_COMPACT_THRESHOLD,
                        maximum=MAX_WHOLE,
                        default=COMPACT_THRESHOLD,
                    )
                }
            ),
        ),
        "Compact the conversation before the model is asked, if it has more tokens than that. The "
        "output begins with the compaction then.",
        minItems=1,
    ),
    "user": text(),
    "safety_identifier": text(maxLength=64),
    "prompt_cache_key": text(maxLength=64),
    "prompt_cache_retention": word(["in_memory", "in-memory", "24h"]),
    "service_tier": word(
        ["auto", "default", "flex", "scale", "priority", "fast", "ultrafast"], default="auto"
    ),
    "seed": whole(
        "Given to models that take one; not echoed.", minimum=-MAX_WHOLE, maximum=MAX_WHOLE
    ),
}
_MODEL = text(
    "The model: a name of `GET /models`, or `provider/model`.",
    minLength=1,
    maxLength=MAX_MODEL,
    examples=["demo"],
)


def _request(fields: Fields, description: str) -> JSON:
    own = {name: shape for name, shape in _OPTIONS.items() if name in fields.names}
    own |= {
        name: {"not": {"const": True}, "description": "Not offered here."}
        for name in sorted(fields.refused)
    }
    return {
        **table({"model": _MODEL, **optional(own)}, required=["model"], description=description),
        "patternProperties": {
            f"^({'|'.join(UNSUPPORTED_KEYS)})$": {
                "type": "null",
                "description": "Fields of Chat Completions that are refused, to be said otherwise.",
            }
        },
    }


REQUEST: dict[str, JSON] = {
    "CreateResponse": _request(
        CREATED,
        "Null always means that a field is not said. Unknown fields are passed over and named in "
        "`X-Ignored-Parameters`.",
    ),
    "CompactConversation": _request(
        COMPACTED,
        "What is to be made short. Other fields are passed over and named in "
        "`X-Ignored-Parameters`.",
    ),
    "CountInputTokens": _request(
        COUNTED,
        "What would be asked. Other fields are passed over and named in `X-Ignored-Parameters`.",
    ),
    **ITEMS,
    **PARTS,
    **TOOLS,
}
