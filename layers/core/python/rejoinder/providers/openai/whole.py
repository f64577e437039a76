"""What stands in whole replies: token counts, and a conversation that was compacted."""

from msgspec import DecodeError, Struct, ValidationError, convert
from msgspec.json import decode

from rejoinder.errors import Unavailable
from rejoinder.schema.items import JSON
from rejoinder.schema.response import InputTokensDetails, OutputTokensDetails, Usage


class InputDetails(Struct):
    """Parts of `input_tokens`."""

    cached_tokens: int | None = None
    cache_write_tokens: int | None = None


class OutputDetails(Struct):
    """Parts of `output_tokens`."""

    reasoning_tokens: int | None = None


class ReportedUsage(Struct):
    """Token counts as servers report them, some with gaps."""

    input_tokens: int | None = None
    output_tokens: int | None = None
    total_tokens: int | None = None
    input_tokens_details: InputDetails | None = None
    output_tokens_details: OutputDetails | None = None


def usage_of(response: JSON) -> Usage:
    """The token counts in a response.

    Raises:
        ValidationError: if what stands there is none.
    """
    usage = convert(response.get("usage") or {}, ReportedUsage)
    asked, said = usage.input_tokens or 0, usage.output_tokens or 0
    of_asked = usage.input_tokens_details or InputDetails()
    of_said = usage.output_tokens_details or OutputDetails()
    return Usage(
        asked,
        InputTokensDetails(of_asked.cached_tokens or 0, of_asked.cache_write_tokens or 0),
        said,
        OutputTokensDetails(of_said.reasoning_tokens or 0),
        usage.total_tokens or asked + said,
    )


class _Item(Struct):
    type: str
    encrypted_content: str | None = None


class _Compacted(Struct):
    output: list[_Item]


def compacted(reply: bytes) -> tuple[str, Usage]:
    """What the service folded the conversation into, and what that cost.

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
