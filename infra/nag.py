"""What cdk-nag would have otherwise, and why it is as it is: nothing is passed over in silence."""

from collections.abc import Iterator

from aws_cdk import Acknowledgment, Stack, Validations
from constructs import IConstruct

_WITHIN = "It is scoped to one bucket, whose objects have names that nobody knows beforehand."
_MODELS = (
    "Which models are asked is the operator's choice, in the settings; -c bedrock=false ends it."
)

# Where in the stack, which rule, and why not. A reason holds for all that is inside.
REASONS = (
    (
        "Storage/Bucket",
        "S1",
        "Only the functions reach it; logs of their reads and writes would name every response.",
    ),
    (
        "Storage/Table",
        "DDB3",
        "Responses expire. What can be restored would outlive the stack by 35 days; "
        "-c keepData=true asks for exactly that.",
    ),
    (
        "Storage/Secret",
        "SMG4",
        "API keys and sealed reasoning are derived from it: to rotate it would void them all.",
    ),
    (
        "Functions",
        "L1",
        "Python 3.13 everywhere: the bytecode in the layers is valid for one minor version.",
    ),
    ("Functions", "IAM5[Resource::<{bucket}.Arn>/*]", _WITHIN),
    (
        "Functions",
        "IAM5[Resource::*]",
        "Lambda makes network interfaces by the function's role, whose names nobody knows "
        "beforehand; only where subnetIds asks for a network.",
    ),
    ("Functions", "IAM5[Resource::arn:<AWS::Partition>:bedrock:*::foundation-model/*]", _MODELS),
    (
        "Functions",
        "IAM5[Resource::arn:<AWS::Partition>:bedrock:*:<AWS::AccountId>:inference-profile/*]",
        _MODELS,
    ),
    (
        "Functions",
        "IAM5[Resource::arn:<AWS::Partition>:bedrock:*:<AWS::AccountId>"
        ":application-inference-profile/*]",
        _MODELS,
    ),
    (
        "Api/Rest",
        "APIG2",
        "The application checks every request, in more detail than API Gateway could.",
    ),
    (
        "Api/Rest",
        "APIG3",
        "A firewall costs $8 a month and cannot read prompts; -c waf=true puts one before the API.",
    ),
    (
        "Api/Rest",
        "APIG4",
        "The functions check API keys: an authorizer would be a second cold start in series.",
    ),
    ("Api/Rest", "COG4", "API keys, not users of a Cognito pool, are what OpenAI's clients send."),
    (
        "Api/Rest",
        "APIG6",
        "Execution logs may hold what clients say. The access log has a line for each request.",
    ),
    (
        "Api/Rest/CloudWatchRole",
        "IAM4[Policy::arn:<AWS::Partition>:iam::aws:policy/service-role/"
        "AmazonAPIGatewayPushToCloudWatchLogs]",
        "AWS wrote this policy for the one role that API Gateway has in a region.",
    ),
)


def acknowledge(stack: Stack, bucket_arn: str) -> None:
    """Give the reasons to cdk-nag, which knows a bucket by its name in the template."""
    bucket, _ = stack.resolve(bucket_arn)["Fn::GetAtt"]
    for path, rule, reason in REASONS:
        for scope in _at(stack, path):
            id = f"AwsSolutions::AwsSolutions-{rule.replace('{bucket}', bucket)}"
            Validations.of(scope).acknowledge(Acknowledgment(id=id, reason=reason))


def _at(stack: Stack, path: str) -> Iterator[IConstruct]:
    """The construct of a path, if the options have not left it out."""
    found: IConstruct | None = stack
    for name in path.split("/"):
        found = found.node.try_find_child(name) if found else None
    if found:
        yield found
