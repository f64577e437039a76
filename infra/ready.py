"""What must be there before a deployment: credentials, a region, and there the CDK's own stack.

The CDK would say so as well: later, and at greater length.
"""

import argparse
from collections.abc import Sequence

from botocore.exceptions import BotoCoreError, ClientError

from infra.context import context_of
from infra.deployed import session
from infra.terminal import complain

QUALIFIER = "@aws-cdk/core:bootstrapQualifier"
USUAL_QUALIFIER = "hnb659fds"
WHERE = "Say where to deploy: AWS_PROFILE=…, AWS_REGION=…"


def main(arguments: Sequence[str] | None = None) -> int:
    """Look whether a deployment can begin, or say what to do first."""
    parser = argparse.ArgumentParser(
        prog="python -m infra.ready", description=main.__doc__, allow_abbrev=False
    )
    parser.add_argument("--cdk", default="npx aws-cdk", help="how the CDK is called")
    parser.add_argument("-c", "--context", action="append", default=[], metavar="KEY=VALUE")
    parser.add_argument("--profile", help="refused: only the CDK would know it")
    given, _of_the_cdk = parser.parse_known_args(arguments)
    if given.profile:
        return complain(f"Say AWS_PROFILE={given.profile}: --profile reaches the CDK only.")
    qualifier = context_of(given.context).get(QUALIFIER, USUAL_QUALIFIER)
    try:
        place = _unprepared(qualifier)
    except (BotoCoreError, ClientError) as error:
        return complain(f"AWS says: {error}\n{WHERE}")
    if place is None:
        return 0
    return complain(
        f"The CDK was never used in this account and region. Once, and then again:\n\n"
        f"    {given.cdk} bootstrap {place}"
    )


def _unprepared(qualifier: str) -> str | None:
    """Account and region, as the CDK writes them, if its stack is not there."""
    here = session()
    account = here.client("sts").get_caller_identity()["Account"]
    ssm = here.client("ssm")
    try:
        ssm.get_parameter(Name=f"/cdk-bootstrap/{qualifier}/version")
    except ClientError as error:
        if error.response["Error"]["Code"] == "ParameterNotFound":
            return f"aws://{account}/{ssm.meta.region_name}"
        # Who may not look may yet deploy.
    return None


if __name__ == "__main__":
    raise SystemExit(main())
