"""What an operator may set: the content of `rejoinder.toml`. Units are in the names."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

from msgspec import Meta, Struct, ValidationError, convert

from rejoinder.errors import GatewayError
from rejoinder.providers.base import Effort, Knob, Schemas, Thinking, ThinkingOff
from rejoinder.webhooks import MIN_SECRET_LENGTH, OUTCOMES, Outcome

DAY_SECONDS = 24 * 3600
MIN_KEY_LENGTH = 8

# What a description says is told to whoever wrote something else.
type ProviderName = Annotated[
    str,
    Meta(pattern=r"^[a-z0-9_.-]+\Z", description="named in small letters, digits and _ . - only"),
]
type Region = Annotated[
    str,
    Meta(pattern=r"^[a-z0-9-]*\Z", description='the name of a region, such as "eu-central-1"'),
]
type Origin = Annotated[
    str,
    Meta(
        pattern=r"^(\*|https?://[^/\s]+)\Z",
        description='an origin such as "https://pages.example", or "*"',
    ),
]
type Key = Annotated[
    str,
    Meta(
        pattern=rf"^[!-~]{{{MIN_KEY_LENGTH},}}\Z",
        description=f"an API key: at least {MIN_KEY_LENGTH} letters, digits and signs of ASCII, "
        "no blanks",
    ),
]


class Table(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A table of the file; a key that we do not know is a mistake to be told.

    What a table's own checks say begins with the key that they are about.
    """

    SECRETS: ClassVar[frozenset[str]] = frozenset()  # keys whose values are never shown

    def __repr__(self) -> str:
        shown = ", ".join(f"{name}={value!r}" for name, value in self.__rich_repr__())
        return f"{type(self).__name__}({shown})"

    def __rich_repr__(self) -> list[tuple[str, Any]]:
        shown = [name for name in self.__struct_fields__ if name not in self.SECRETS]
        return [(name, getattr(self, name)) for name in shown]


class ProviderSettings(Table, frozen=True, kw_only=True):
    """`[providers.NAME]`: one service. Its models are called `NAME/…`."""

    SECRETS = frozenset({"api_key", "headers"})

    dialect: Literal["anthropic", "bedrock", "chat_completions", "demo", "openai"] = (
        "chat_completions"
    )
    base_url: str = ""
    api_key: str = ""
    api_key_env: str = ""  # the environment variable that holds the key
    headers: dict[str, str] = {}
    models: tuple[str, ...] = ()  # names or patterns that reach it also without `NAME/`
    flavour: Literal["openai", "generic", "local"] = "generic"
    timeout_seconds: Annotated[float, Meta(gt=0)] = 600.0
    region: Region = ""  # of Bedrock; else AWS_REGION
    aws_profile: str = ""  # of ~/.aws/config, instead of the ordinary chain of credentials
    inference_profile: str = ""  # a geography such as "eu" or "global"; else the region's own

    def __post_init__(self) -> None:
        has_own = self.dialect == "demo" or (self.dialect == "bedrock" and not self.base_url)
        if not has_own and not self.base_url.startswith(("http://", "https://")):
            raise ValueError("base_url must be an http:// or https:// address")


DEMO = ProviderSettings(dialect="demo", models=("demo",))  # there, whatever is set


class ModelSettings(Table, frozen=True, kw_only=True):
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
    max_output_tokens: Annotated[int, Meta(ge=1)] | None = None
    thinking: Thinking | None = None
    thinking_off: ThinkingOff | None = None
    efforts: frozenset[Effort] | None = None
    binds_thinking: bool | None = None
    may_be_forced: bool | None = None
    takes_prefill: bool | None = None

    def said(self) -> dict[str, Any]:
        """The facts that the file tells; TOML has no null."""
        facts = {name: getattr(self, name) for name in self.__struct_fields__}
        return {name: value for name, value in facts.items() if value is not None}


class BackgroundSettings(Table, frozen=True, kw_only=True):
    """`[background]`: what background responses may take."""

    workers: Annotated[int, Meta(ge=1, le=256)] = 8  # runs at the same time
    lease_seconds: Annotated[float, Meta(ge=3)] = 30.0
    deadline_seconds: Annotated[float, Meta(gt=0)] = 3600.0
    deadline_ends: Literal["incomplete", "failed"] = "incomplete"
    max_waiting: Annotated[int, Meta(ge=0)] = 1000  # of one tenant


class WebhookSettings(Table, frozen=True, kw_only=True):
    """`[webhooks.NAME]`: where a tenant is told that its background responses have ended."""

    SECRETS = frozenset({"url", "secret"})

    tenant: str
    url: str
    secret: Annotated[str, Meta(min_length=MIN_SECRET_LENGTH)] = ""
    secret_env: str = ""  # the environment variable that holds the secret
    outcomes: tuple[Outcome, ...] = OUTCOMES
    may_be_local: bool = False  # plain http and private addresses: for trying it out

    def __post_init__(self) -> None:
        if not self.may_be_local and not self.url.startswith("https://"):
            raise ValueError("url must begin with https://, or may_be_local must be true")
        if bool(self.secret) == bool(self.secret_env):
            raise ValueError("secret must be set, or else secret_env: the variable that holds it")


class Settings(Table, frozen=True, kw_only=True):
    """The whole file; every key has a default."""

    SECRETS = frozenset({"keys"})

    providers: dict[ProviderName, ProviderSettings] = {}
    models: dict[str, ModelSettings] = {}
    aliases: dict[str, str] = {}  # the name a client says → the model it gets
    keys: dict[str, Key] = {}  # tenant → API key
    routes: dict[str, str] = {}  # pattern of names → provider
    fallbacks: dict[str, tuple[str, ...]] = {}  # model → those to ask when it fails
    retries: Annotated[int, Meta(ge=0, le=5)] = 1  # at each service, before the first word
    background: BackgroundSettings = BackgroundSettings()
    webhooks: dict[str, WebhookSettings] = {}
    unsupported_tools: Literal["drop", "reject"] = "drop"
    unknown_parameters: Literal["ignore", "reject"] = "ignore"
    retention_seconds: Annotated[int, Meta(ge=60)] = 30 * DAY_SECONDS
    max_body_bytes: Annotated[int, Meta(ge=1024)] = 64 * 1024 * 1024
    cors_origins: tuple[Origin, ...] = ()  # of pages in browsers that may ask
    heartbeat_seconds: Annotated[float, Meta(gt=0, le=15)] = 12.0
    patience_seconds: Annotated[float, Meta(gt=0)] = 5.0  # before a stream opens without news


class SettingsError(GatewayError):
    """The settings are wrong: told to the operator, never to a client."""


def read_settings(path: Path | None, **defaults: int) -> Settings:
    """The settings in a file, if there is one; `defaults` hold where it says nothing.

    Raises:
        SettingsError: naming the file, and for each mistake the key and what to write there.
    """
    settings, mistakes = examined(path, **defaults)
    refuse(path, mistakes)
    return settings


def refuse(file: object, mistakes: Sequence[str]) -> None:
    """Refuse a file that has mistakes.

    Raises:
        SettingsError: naming the file, and all of them.
    """
    if mistakes:
        from rejoinder.mistakes import listed  # a file is seldom wrong

        raise SettingsError(f"{file}{listed(mistakes)}")


def examined(path: Path | None, **defaults: int) -> tuple[Settings, list[str]]:
    """The settings in a file, as far as they are sound, and what is wrong with the others.

    A provider that is not sound is stood in for by one that takes any name, so that none which
    leads to it seems to lead nowhere.

    Raises:
        SettingsError: if the file cannot be read at all.
    """
    if path is None:
        return convert(defaults, Settings), []
    import tomllib  # only who has a file

    try:
        told = defaults | tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise SettingsError(f"{path} cannot be read: {error.strerror}.") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path} is not TOML: {error}.") from error
    try:
        return convert(told, Settings), []
    except ValidationError:
        from rejoinder.mistakes import mistakes_in

        found = mistakes_in(told, Settings)
        return _sound(told, [each.place for each in found]), [each.said for each in found]


def _sound(told: dict[str, Any], wrong: Iterable[Sequence[str | int]]) -> Settings:
    """The settings without those at the places that are wrong."""
    for table, *keys in wrong:
        own = told.get(str(table))
        if not keys or not isinstance(own, dict):
            told.pop(str(table), None)
        elif len(keys) > 1 and table == "providers" and keys[0] in own:
            own[keys[0]] = {"dialect": "demo", "models": ["*"]}
        else:
            own.pop(keys[0], None)
    return convert(told, Settings)
