"""Log groups: lines that are kept for as long as was asked, and go with the stack."""

from aws_cdk import RemovalPolicy
from aws_cdk.aws_logs import LogGroup, RetentionDays
from constructs import Construct

from infra.options import LOG_RETENTIONS


def log_group(scope: Construct, id: str, *, retention_days: int) -> LogGroup:
    """A group of the stack's own, so that Lambda does not make one that is kept for ever."""
    return LogGroup(
        scope,
        id,
        retention=RetentionDays[LOG_RETENTIONS[retention_days]],
        removal_policy=RemovalPolicy.DESTROY,
    )
