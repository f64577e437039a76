"""Token counts: the vendor counts apart what its caches took; this API counts all of it."""

from collections.abc import Mapping

from rejoinder.providers.decoding import count_in, object_in
from rejoinder.schema.items import JSON
from rejoinder.schema.response import InputTokensDetails, OutputTokensDetails, Usage

TIERS: Mapping[str, str] = {"standard": "default", "priority": "priority"}
COUNTS: Mapping[str, str] = {
    "input": "input_tokens",  # those that no cache was asked for
    "written": "cache_creation_input_tokens",
    "read": "cache_read_input_tokens",
    "output": "output_tokens",
}


class Tally:
    """The counts of one reply. They are cumulative, and what is not repeated stays as it was."""

    def __init__(self) -> None:
        self._counts: dict[str, int] = {}
        self.service_tier: str | None = None

    def note(self, told: JSON) -> None:
        """Take what an event says; what makes no sense there is not said."""
        counts = {name: count_in(told, key) for name, key in COUNTS.items()}
        counts["thought"] = count_in(object_in(told, "output_tokens_details"), "thinking_tokens")
        self._counts |= {name: count for name, count in counts.items() if count is not None}
        if isinstance(tier := object_in(told, "service_tier"), str):
            self.service_tier = TIERS.get(tier)

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
