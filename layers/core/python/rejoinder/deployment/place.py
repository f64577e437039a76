"""Where a deployment keeps things: the names that the stack gives to its functions."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from rejoinder.settings import Settings, SettingsError, read_settings

MAX_BODY_BYTES = 4_500_000  # Lambda takes an event of 6 MB, in which the body is escaped


@dataclass(frozen=True, slots=True)
class Place:
    """Nothing in it is secret."""

    region: str
    table: str
    bucket: str
    queue_url: str
    secret: str
    config: Path | None = None  # the operator's settings, bundled with the function
    cors_origins: tuple[str, ...] = ()  # of pages that may ask us

    @classmethod
    def from_env(cls, env: Mapping[str, str]) -> Self:
        """Read what the stack has set.

        Raises:
            SettingsError: naming what is missing.
        """
        try:
            return cls(
                region=env["AWS_REGION"],
                table=env["REJOINDER_TABLE"],
                bucket=env["REJOINDER_BUCKET"],
                queue_url=env["REJOINDER_QUEUE_URL"],
                secret=env["REJOINDER_SECRET_ARN"],
                config=Path(env["REJOINDER_CONFIG"]) if env.get("REJOINDER_CONFIG") else None,
                cors_origins=tuple(filter(None, env.get("REJOINDER_CORS_ORIGINS", "").split(","))),
            )
        except KeyError as error:
            raise SettingsError(f"{error.args[0]} is not set; the stack sets it.") from error

    def settings(self) -> Settings:
        """The operator's settings, with the defaults of a cloud.

        Raises:
            SettingsError: naming what is wrong with the file.
        """
        return read_settings(self.config, max_body_bytes=MAX_BODY_BYTES)
