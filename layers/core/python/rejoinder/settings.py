"""What an operator may set: the content of `rejoinder.toml`. Units are in the names."""

from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from rejoinder.errors import GatewayError
from rejoinder.providers.base import Effort, Knob, Schemas, Thinking, ThinkingOff
from rejoinder.webhooks import OUTCOMES, Outcome

DAY_SECONDS = 24 * 3600
MIN_KEY_LENGTH = 8


class Table(BaseModel):
    """A table of the file; a key that we do not know is a mistake to be told."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class ProviderSettings(Table):
    """`[providers.NAME]`: one service. Its models are called `NAME/…`."""

    dialect: Literal["anthropic", "bedrock", "chat_completions", "demo", "openai"] = (
        "chat_completions"
    )
    base_url: str = ""
    api_key: str = Field(default="", repr=False)
    api_key_env: str = ""  # the environment variable that holds the key
    headers: dict[str, str] = {}
    models: tuple[str, ...] = ()  # names or patterns that reach it also without `NAME/`
    flavour: Literal["openai", "generic", "local"] = "generic"
    timeout_seconds: Annotated[float, Field(gt=0)] = 600.0
    region: str = Field(default="", pattern=r"^[a-z0-9-]*$")  # of Bedrock; else AWS_REGION
    aws_profile: str = ""  # of ~/.aws/config, instead of the ordinary chain of credentials
    inference_profile: str = ""  # a geography such as "eu" or "global"; else the region's own

    @model_validator(mode="after")
    def _has_address(self) -> Self:
        has_own = self.dialect == "demo" or (self.dialect == "bedrock" and not self.base_url)
        if not has_own and not self.base_url.startswith(("http://", "https://")):
            raise ValueError("base_url must be an http:// or https:// address")
        return self


class ModelSettings(Table):
    """`[models."PATTERN"]`: facts about models, where they differ from their provider's."""

    base_model: str | None = None
    reasoning_output: Literal["summary", "raw"] | None = None
    sends_reasoning_back: bool | None = None
    needs_known_tools: bool | None = None
    encrypts_reasoning: bool | None = None
    knows_developer_role: bool | None = None
    knows_allowed_tools: bool | None = None
    takes_image_urls: bool | None = None
    max_tokens_field: Literal["max_tokens", "max_completion_tokens"] | None = None
    drops: frozenset[Knob] | None = None
    enforces_schemas: Schemas | None = None
    context_window_tokens: int | None = None
    input_usd_per_million: float | None = None
    cached_input_usd_per_million: float | None = None
    output_usd_per_million: float | None = None
    max_output_tokens: Annotated[int, Field(ge=1)] | None = None
    thinking: Thinking | None = None
    thinking_off: ThinkingOff | None = None
    efforts: frozenset[Effort] | None = None
    binds_thinking: bool | None = None
    may_be_forced: bool | None = None
    takes_prefill: bool | None = None


class BackgroundSettings(Table):
    """`[background]`: what background responses may take."""

    workers: Annotated[int, Field(ge=1, le=256)] = 8  # runs at the same time
    lease_seconds: Annotated[float, Field(ge=3)] = 30.0
    deadline_seconds: Annotated[float, Field(gt=0)] = 3600.0
    deadline_ends: Literal["incomplete", "failed"] = "incomplete"
    max_waiting: Annotated[int, Field(ge=0)] = 1000  # of one tenant


class WebhookSettings(Table):
    """`[webhooks.NAME]`: where a tenant is told that its background responses have ended."""

    tenant: str
    url: str
    secret: str = Field(repr=False, min_length=16)
    outcomes: tuple[Outcome, ...] = OUTCOMES
    may_be_local: bool = False  # plain http and private addresses: for trying it out

    @model_validator(mode="after")
    def _may_be_reached(self) -> Self:
        if not self.may_be_local and not self.url.startswith("https://"):
            raise ValueError("url must begin with https://, or may_be_local must be true")
        return self


class Settings(Table):
    """The whole file; every key has a default."""

    providers: dict[Annotated[str, Field(pattern=r"^[a-z0-9_.-]+$")], ProviderSettings] = {}
    models: dict[str, ModelSettings] = {}
    aliases: dict[str, str] = {}  # the name a client says → the model it gets
    keys: dict[str, str] = Field(default={}, repr=False)  # tenant → API key
    routes: dict[str, str] = {}  # pattern of names → provider
    fallbacks: dict[str, tuple[str, ...]] = {}  # model → those to ask when it fails
    retries: Annotated[int, Field(ge=0, le=5)] = 1  # at each service, before the first word
    background: BackgroundSettings = BackgroundSettings()
    webhooks: dict[str, WebhookSettings] = {}
    unsupported_tools: Literal["drop", "reject"] = "drop"
    unknown_parameters: Literal["ignore", "reject"] = "ignore"
    retention_seconds: Annotated[int, Field(ge=60)] = 30 * DAY_SECONDS
    max_body_bytes: Annotated[int, Field(ge=1024)] = 64 * 1024 * 1024
    heartbeat_seconds: Annotated[float, Field(gt=0, le=15)] = 12.0
    patience_seconds: Annotated[float, Field(gt=0)] = 5.0  # before a stream opens without news

    @model_validator(mode="after")
    def _keys_differ(self) -> Self:
        keys = list(self.keys.values())
        if any(len(key) < MIN_KEY_LENGTH for key in keys):
            raise ValueError(f"keys must have at least {MIN_KEY_LENGTH} characters")
        if len(set(keys)) < len(keys):
            raise ValueError("keys must differ: each names one tenant")
        return self


class SettingsError(GatewayError):
    """The settings are wrong: told to the operator, never to a client."""


def read_settings(path: Path) -> Settings:
    """The settings in a file.

    Raises:
        SettingsError: naming the file, the key and what is wrong with it.
    """
    import tomllib  # only who has a file

    try:
        return Settings.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
    except OSError as error:
        raise SettingsError(f"{path} cannot be read: {error.strerror}.") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path} is not TOML: {error}.") from error
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(key) for key in first["loc"]) or "the file"
        raise SettingsError(f"{path}: {place}: {first['msg']}.") from error
