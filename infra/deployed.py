"""A stack that is there: what it told when it was deployed."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

import boto3
from botocore.exceptions import ClientError

DEFAULT_STACK = "Rejoinder"


class NotDeployed(Exception):
    """There is no such stack here; the message says where was looked."""


@dataclass(frozen=True, slots=True)
class Deployed:
    """The outputs of a stack that a command needs."""

    base_url: str
    table: str
    bucket: str
    secret: str
    keeps_data: bool

    @classmethod
    def find(cls, stack: str) -> Self:
        """By its name, in the account and region of the ordinary AWS configuration.

        Raises:
            NotDeployed: if there is none.
        """
        outputs = _outputs(stack)
        try:
            return cls(
                base_url=outputs["BaseUrl"],
                table=outputs["TableName"],
                bucket=outputs["BucketName"],
                secret=outputs["SecretName"],
                keeps_data=outputs["KeepsData"] == "yes",
            )
        except KeyError as error:
            raise NotDeployed(f"Stack {stack!r} is not one of Rejoinder's.") from error


def _outputs(stack: str) -> Mapping[str, str]:
    cloudformation = boto3.client("cloudformation")
    try:
        found = cloudformation.describe_stacks(StackName=stack)["Stacks"][0]
    except ClientError as error:
        if error.response["Error"]["Code"] != "ValidationError":
            raise
        region = cloudformation.meta.region_name
        raise NotDeployed(
            f"There is no stack {stack!r} in {region}. Deploy it first (make deploy), or say which "
            "one it is: STACK=…, AWS_REGION=…, AWS_PROFILE=…"
        ) from error
    return {each["OutputKey"]: each["OutputValue"] for each in found.get("Outputs", [])}
