"""Token counts: the vendor counts apart what its caches took; this API counts all of it."""

from rejoinder.providers.anthropic.payloads import ThinkingShare, Tokens
from rejoinder.schema.response import InputTokensDetails, OutputTokensDetails, Usage

TIERS = {"standard": "default", "priority": "priority"}


class Tally:
    """The counts of one reply. They are cumulative, and what is not repeated stays as it was."""

    def __init__(self) -> None:
        self._counts: dict[str, int] = {}
        self.service_tier: str | None = None

    def note(self, tokens: Tokens | None) -> None:
        """Take what an event says."""
        if tokens is None:
            return
        details = tokens.output_tokens_details or ThinkingShare()
        counts = {
            "input": tokens.input_tokens,
            "written": tokens.cache_creation_input_tokens,
            "read": tokens.cache_read_input_tokens,
            "output": tokens.output_tokens,
            "thought": details.thinking_tokens,
        }
        self._counts |= {name: count for name, count in counts.items() if count is not None}
        if tokens.service_tier is not None:
            self.service_tier = TIERS.get(tokens.service_tier)

    @property
    def usage(self) -> Usage:
        """As the response shows it."""
        written, read = self._counts.get("written", 0), self._counts.get("read", 0)
        heard = self._counts.get("input", 0) + written + read
        said = self._counts.get("output", 0)
        return Usage(
            heard,
            InputTokensDetails(cached_tokens=read, cache_write_tokens=written),
            said,
            OutputTokensDetails(reasoning_tokens=self._counts.get("thought", 0)),
            heard + said,
        )
