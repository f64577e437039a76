"""What stands in whole replies: token counts, and a conversation that was compacted."""

from msgspec import DecodeError, Struct, ValidationError, convert
from msgspec.json import decode

from rejoinder.errors import Unavailable
from rejoinder.providers.decoding import count_in, object_in
from rejoinder.schema.items import JSON
from rejoinder.schema.response import InputTokensDetails, OutputTokensDetails, Usage


def usage_of(response: JSON) -> Usage:
    """The token counts in a response; 0 for what is missing, or makes no sense."""
    usage = object_in(response, "usage")
    asked, said = (count_in(usage, name) or 0 for name in ("input_tokens", "output_tokens"))
    of_asked, of_said = (object_in(usage, f"{name}_tokens_details") for name in ("input", "output"))
    return Usage(
        asked,
        InputTokensDetails(
            count_in(of_asked, "cached_tokens") or 0, count_in(of_asked, "cache_write_tokens") or 0
        ),
        said,
        OutputTokensDetails(count_in(of_said, "reasoning_tokens") or 0),
        count_in(usage, "total_tokens") or asked + said,
    )


class _Item(Struct):
    type: str
    encrypted_content: str | None = None


class _Compacted(Struct):
    output: list[_Item]


def compacted(reply: bytes) -> tuple[str, Usage]:
    """What the service made of the conversation, and what that cost.

    Raises:
        Unavailable: if there is no such thing in the reply.
    """
    try:
        told: JSON = decode(reply)
        output = convert(told, _Compacted).output
        sealed = (item.encrypted_content for item in output if item.type == "compaction")
        if encrypted_content := next(sealed, None):
            return encrypted_content, usage_of(told)
    except (DecodeError, ValidationError, UnicodeDecodeError):
        pass
    raise Unavailable("The model server answered with something that is no compaction.")
