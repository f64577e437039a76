"""The firewall, where it is asked for: who calls, how often; never what they say.

Prompts hold HTML, SQL and shell by right, so no rule here looks into bodies.
"""

from aws_cdk import Aws
from aws_cdk import aws_apigateway as apigateway
from aws_cdk import aws_wafv2 as wafv2
from constructs import Construct


class Firewall(Construct):
    """A web ACL before the API's stage."""

    def __init__(
        self, scope: Construct, id: str, stage: apigateway.Stage, *, requests_per_5_minutes: int
    ) -> None:
        super().__init__(scope, id)
        acl = wafv2.CfnWebACL(
            self,
            "Acl",
            scope="REGIONAL",
            default_action=wafv2.CfnWebACL.DefaultActionProperty(allow={}),
            visibility_config=_visible("all"),
            rules=[
                _rate(0, requests_per_5_minutes),
                _managed(1, "AWSManagedRulesAmazonIpReputationList", "addresses", blocks=True),
                # It looks for exploits of frameworks that we do not use: only counted.
                _managed(2, "AWSManagedRulesKnownBadInputsRuleSet", "inputs", blocks=False),
            ],
        )
        wafv2.CfnWebACLAssociation(
            self, "Association", resource_arn=stage.stage_arn, web_acl_arn=acl.attr_arn
        )


def _rate(priority: int, limit: int) -> wafv2.CfnWebACL.RuleProperty:
    return wafv2.CfnWebACL.RuleProperty(
        name="rate",
        priority=priority,
        action=wafv2.CfnWebACL.RuleActionProperty(block={}),
        statement=wafv2.CfnWebACL.StatementProperty(
            rate_based_statement=wafv2.CfnWebACL.RateBasedStatementProperty(
                aggregate_key_type="IP", evaluation_window_sec=300, limit=limit
            )
        ),
        visibility_config=_visible("rate"),
    )


def _managed(
    priority: int, name: str, metric: str, *, blocks: bool
) -> wafv2.CfnWebACL.RuleProperty:
    as_it_says = wafv2.CfnWebACL.OverrideActionProperty(none={})
    count = wafv2.CfnWebACL.OverrideActionProperty(count={})
    return wafv2.CfnWebACL.RuleProperty(
        name=name,
        priority=priority,
        override_action=as_it_says if blocks else count,
        statement=wafv2.CfnWebACL.StatementProperty(
            managed_rule_group_statement=wafv2.CfnWebACL.ManagedRuleGroupStatementProperty(
                name=name, vendor_name="AWS"
            )
        ),
        visibility_config=_visible(metric),
    )


def _visible(metric: str) -> wafv2.CfnWebACL.VisibilityConfigProperty:
    """`metric` is short: with the name of the stack it may have 128 characters."""
    return wafv2.CfnWebACL.VisibilityConfigProperty(
        cloud_watch_metrics_enabled=True,
        metric_name=f"{Aws.STACK_NAME}-{metric}",
        sampled_requests_enabled=False,  # samples hold headers, and those hold keys
    )
