"""What may be asked of a deployment: `-c memoryMb=256` by hand, or the `context` of cdk.json."""

from collections.abc import Mapping
from difflib import get_close_matches
from typing import Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator
from pydantic.alias_generators import to_camel

# What CloudWatch knows, by days, as the CDK calls it.
LOG_RETENTIONS: Mapping[int, str] = {
    1: "ONE_DAY",
    3: "THREE_DAYS",
    5: "FIVE_DAYS",
    7: "ONE_WEEK",
    14: "TWO_WEEKS",
    30: "ONE_MONTH",
    60: "TWO_MONTHS",
    90: "THREE_MONTHS",
    180: "SIX_MONTHS",
    365: "ONE_YEAR",
    731: "TWO_YEARS",
    1827: "FIVE_YEARS",
    3653: "TEN_YEARS",
}

WAF_MOST = 2_000_000_000  # requests of one address that WAF can count

# What the CDK's command line keeps in its context, besides names with a separator.
_OF_THE_CDK = frozenset({"acknowledged-issue-numbers", "cli-telemetry"})

_ARN = r"^arn:aws[a-z-]*:{}:[a-z0-9-]+:[0-9]{{12}}:{}/[0-9a-z-]+$"

type KeyArn = Annotated[str, Field(pattern=_ARN.format("kms", "key"))]
type SubnetId = Annotated[str, Field(pattern=r"^subnet-[0-9a-f]{8,17}$")]
type SecurityGroupId = Annotated[str, Field(pattern=r"^sg-[0-9a-f]{8,17}$")]
type CertificateArn = Annotated[str, Field(pattern=_ARN.format("acm", "certificate"))]


class OptionError(Exception):
    """The deployment was asked for something impossible; the message names the option."""


class Options(BaseModel):
    """The options in their own words; each has a default that suits a first deployment."""

    model_config = ConfigDict(alias_generator=to_camel, extra="forbid", frozen=True)

    stage: Annotated[str, Field(pattern=r"^[A-Za-z0-9_]{1,64}$")] = "prod"
    config: str = ""  # the operator's settings; else ./rejoinder.toml, if there is one

    memory_mb: Annotated[int, Field(ge=256, le=10240)] = 512
    reserved_concurrency: Annotated[int, Field(ge=1)] | None = None  # of the function `stream`
    worker_concurrency: Annotated[int, Field(ge=2, le=1000)] = 10  # background responses at once
    snap_start: bool = False
    rate_limit: Annotated[int, Field(ge=1)] = 100  # requests a second, all clients together
    burst_limit: Annotated[int, Field(ge=1)] = 200

    retention_days: Annotated[int, Field(ge=1)] | None = None  # of responses; else as the settings
    keep_data: bool = False  # whether the data outlives the stack, and can be restored
    log_retention_days: int = 30
    kms_key_arn: KeyArn | None = None
    former_kms_key_arns: tuple[KeyArn, ...] = ()  # some of the data may be encrypted by them yet

    domain_name: Annotated[str, Field(pattern=r"^[a-z0-9-]+(\.[a-z0-9-]+)+$")] | None = None
    certificate_arn: CertificateArn | None = None  # of the domain, in the region of the stack
    cors_origins: tuple[Annotated[str, Field(pattern=r"^(\*|https?://[^/\s]+)$")], ...] = ()
    waf: bool = False
    waf_requests_per_5_minutes: Annotated[int, Field(ge=10, le=WAF_MOST)] = 2000  # of one address
    subnet_ids: tuple[SubnetId, ...] = ()  # of a network of one's own, for all functions
    security_group_ids: tuple[SecurityGroupId, ...] = ()
    bedrock: bool = True  # whether the functions may ask Bedrock's models
    cloud_watch_role: bool = True  # one for all REST APIs of a region: off if it has one already
    alarm_email: Annotated[str, Field(pattern=r"^[^@\s]+@[^@\s]+$")] | None = None

    @field_validator("log_retention_days")
    @classmethod
    def _is_known_to_cloudwatch(cls, days: int) -> int:
        if days not in LOG_RETENTIONS:
            raise ValueError(f"known are {', '.join(map(str, LOG_RETENTIONS))}")
        return days

    @field_validator(
        "cors_origins", "former_kms_key_arns", "subnet_ids", "security_group_ids", mode="before"
    )
    @classmethod
    def _is_a_list(cls, given: object) -> object:
        """On the command line: `-c corsOrigins=https://one.example,https://two.example`."""
        return tuple(given.split(",")) if isinstance(given, str) else given

    @model_validator(mode="after")
    def _is_consistent(self) -> Self:
        if (self.domain_name is None) != (self.certificate_arn is None):
            raise ValueError("domainName and certificateArn go together")
        if bool(self.subnet_ids) != bool(self.security_group_ids):
            raise ValueError("subnetIds and securityGroupIds go together")
        return self

    @classmethod
    def of(cls, context: Mapping[str, Any]) -> Self:
        """The options among the whole context, of which the CDK uses a part for itself.

        Raises:
            OptionError: naming the option, and what is wrong with it.
        """
        given = {key: value for key, value in context.items() if not _is_of_the_cdk(key)}
        try:
            return cls.model_validate(given)
        except ValidationError as error:
            first = error.errors()[0]
            name = str(first["loc"][0]) if first["loc"] else ""
            raise OptionError(_said(name, first["type"], first["msg"], given)) from error


def _is_of_the_cdk(key: str) -> bool:
    return key in _OF_THE_CDK or not {":", "/", "@"}.isdisjoint(key)


def _said(name: str, kind: str, message: str, given: Mapping[str, Any]) -> str:
    """A mistake, told so that the reader knows what to type."""
    if kind == "extra_forbidden":
        return f"{name} is not an option; {_hint(name, given[name])}"
    said = message.removeprefix("Value error, ")
    return f"{name}={given.get(name)!r}: {said}." if name else f"{said}."


def _hint(name: str, value: object) -> str:
    if name == "stackName":
        return f"say STACK={value} to every command."
    names = [field.alias or "" for field in Options.model_fields.values()]
    known = {_folded(each): each for each in names}
    near = get_close_matches(_folded(name), known, n=1)
    return f"did you mean {known[near[0]]}?" if near else f"known are {', '.join(names)}."


def _folded(name: str) -> str:
    return name.replace("_", "").replace("-", "").lower()
