"""A stack that is there: what CloudFormation knows of it, and what it told when it came up."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

import boto3
from botocore.exceptions import ClientError

DEFAULT_STACK = "Rejoinder"
DESCRIPTION = "Rejoinder: the OpenAI Responses API as a stack you own"

# It was never whole, or is not any more: all that can be done with it is to remove it.
BROKEN = frozenset({"CREATE_FAILED", "ROLLBACK_COMPLETE", "ROLLBACK_FAILED", "DELETE_FAILED"})
ABSENT = frozenset({"CREATE_FAILED", "DELETE_COMPLETE", "DELETE_SKIPPED"})  # of a resource


class NotDeployed(Exception):
    """There is no such stack here; the message says where was looked."""


def session() -> boto3.Session:
    """AWS as the CDK understands the environment: boto3 alone does not look at AWS_REGION."""
    return boto3.Session(region_name=os.environ.get("AWS_REGION") or None)


@dataclass(frozen=True, slots=True)
class Found:
    """A stack as CloudFormation knows it, whether it ever came up or not."""

    name: str
    arn: str
    status: str
    description: str
    outputs: Mapping[str, str]

    @classmethod
    def named(cls, name: str) -> Self:
        """In the account and region of the ordinary AWS configuration.

        Raises:
            NotDeployed: if there is none.
        """
        cloudformation = session().client("cloudformation")
        try:
            found = cloudformation.describe_stacks(StackName=name)["Stacks"][0]
        except ClientError as error:
            if error.response["Error"]["Code"] != "ValidationError":
                raise
            region = cloudformation.meta.region_name
            raise NotDeployed(
                f"There is no stack {name!r} in {region}. Deploy it first (make deploy), or say "
                "which one it is: STACK=…, AWS_REGION=…, AWS_PROFILE=…"
            ) from error
        return cls(
            name=name,
            arn=found["StackId"],
            status=found["StackStatus"],
            description=found.get("Description", ""),
            outputs={each["OutputKey"]: each["OutputValue"] for each in found.get("Outputs", [])},
        )

    @property
    def is_ours(self) -> bool:
        """Whether it was made by this repository."""
        return self.description == DESCRIPTION

    @property
    def is_broken(self) -> bool:
        """Whether it can only be removed."""
        return self.status in BROKEN

    @property
    def keeps_data(self) -> bool:
        """Whether its data outlives it."""
        return self.outputs.get("KeepsData") == "yes"

    @property
    def place(self) -> str:
        """Its region and account, which are parts of its ARN."""
        _, _, _, region, account, *_ = self.arn.split(":")
        return f"{region}, account {account}"

    def resource(self, kind: str) -> str | None:
        """The name of its only resource of a type, if it has one by now."""
        pages = session().client("cloudformation").get_paginator("list_stack_resources")
        found = (
            str(each["PhysicalResourceId"])
            for page in pages.paginate(StackName=self.arn)
            for each in page["StackResourceSummaries"]
            if each["ResourceType"] == kind and each["ResourceStatus"] not in ABSENT
        )
        return next(found, None)


@dataclass(frozen=True, slots=True)
class Deployed:
    """The outputs of a stack that a command needs."""

    base_url: str
    table: str
    bucket: str
    secret: str

    @classmethod
    def of(cls, found: Found) -> Self:
        """What a stack told.

        Raises:
            NotDeployed: if it is another's, or has not come up.
        """
        outputs = found.outputs
        try:
            return cls(
                base_url=outputs["BaseUrl"],
                table=outputs["TableName"],
                bucket=outputs["BucketName"],
                secret=outputs["SecretName"],
            )
        except KeyError as error:
            raise _without_outputs(found) from error


def _without_outputs(found: Found) -> NotDeployed:
    if not found.is_ours:
        return NotDeployed(f"Stack {found.name!r} is not one of Rejoinder's.")
    return NotDeployed(
        f"Stack {found.name!r} has not come up: it is {found.status}. Its events in the console of "
        "CloudFormation tell why. Once it is settled, `make destroy` removes what there is of it."
    )
