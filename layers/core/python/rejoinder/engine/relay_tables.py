"""What events of items are called: an event's type is a stem, a dot and a verb."""

from collections.abc import Mapping

ITEM = "response.output_item"
ANNOTATION = "response.output_text.annotation"

# The type of a part, or of an item that is not made of parts → the stem of the events that write
# its text, and the key under which the text stands.
TEXTS: Mapping[str, tuple[str, str]] = {
    "output_text": ("response.output_text", "text"),
    "refusal": ("response.refusal", "refusal"),
    "reasoning_text": ("response.reasoning_text", "text"),
    "summary_text": ("response.reasoning_summary_text", "text"),
    "function_call": ("response.function_call_arguments", "arguments"),
    "custom_tool_call": ("response.custom_tool_call_input", "input"),
    "mcp_call": ("response.mcp_call_arguments", "arguments"),
    "code_interpreter_call": ("response.code_interpreter_call_code", "code"),
}
# The stem → the type whose text its events write.
TYPES: Mapping[str, str] = {stem: kind for kind, (stem, _) in TEXTS.items()}

# A list of an item → the stem of the events that open and close its parts, and the key of a part's
# place in it; in the order in which an item that came whole is told.
PARTS: Mapping[str, tuple[str, str]] = {
    "summary": ("response.reasoning_summary_part", "summary_index"),
    "content": ("response.content_part", "content_index"),
}
# The stem → the list whose parts its events open and close.
LISTS: Mapping[str, str] = {stem: name for name, (stem, _) in PARTS.items()}
