"""What must be done before a stack can be removed: CloudFormation does not remove a full bucket."""

import argparse
import os
import sys
from collections.abc import Sequence

from botocore.exceptions import BotoCoreError, ClientError

from infra.deployed import DEFAULT_STACK, Deployed, Found, NotDeployed, session
from infra.terminal import complain, painted, say


class NotEmptied(Exception):
    """Some objects could not be removed; the message says why."""


def bucket_of(stack: Found) -> str | None:
    """The bucket that goes with a stack; one that never came up may have none.

    Raises:
        NotDeployed: if the stack is another's, or cannot be removed now.
    """
    if stack.is_broken and stack.is_ours:
        return stack.resource("AWS::S3::Bucket")
    return Deployed.of(stack).bucket


def empty(bucket: str) -> int:
    """Remove all objects; gives the number of those that are gone.

    Raises:
        NotEmptied: if some are still there.
    """
    client = session().client("s3")
    removed = 0
    for page in client.get_paginator("list_objects_v2").paginate(Bucket=bucket):
        keys = [{"Key": each["Key"]} for each in page.get("Contents", [])]
        if keys:
            done = client.delete_objects(Bucket=bucket, Delete={"Objects": keys})
            if kept := done.get("Errors"):
                raise NotEmptied(
                    f"{len(kept)} objects of {bucket} could not be removed; the first, "
                    f"{kept[0]['Key']}: {kept[0]['Message']}"
                )
            removed += len(keys)
    return removed


def main(arguments: Sequence[str] | None = None) -> int:
    """Prepare a stack to be removed, after asking."""
    parser = argparse.ArgumentParser(prog="python -m infra.teardown", description=main.__doc__)
    parser.add_argument("--stack", default=os.environ.get("STACK") or DEFAULT_STACK)
    parser.add_argument("--yes", action="store_true", help="do not ask")
    given = parser.parse_args(arguments)
    try:
        stack = Found.named(given.stack)
        bucket = bucket_of(stack)
        if not (given.yes or _is_confirmed(stack)):
            return complain("Nothing was removed.")
        if bucket and not stack.keeps_data:
            say(f"Removed {empty(bucket)} objects from {bucket}.")
    except (NotDeployed, NotEmptied) as error:
        return complain(str(error))
    except (BotoCoreError, ClientError) as error:
        return complain(f"AWS says: {error}")
    return 0


def _is_confirmed(stack: Found) -> bool:
    what = stack.status if stack.is_broken else stack.outputs["BaseUrl"]
    lost = "Its data is kept." if stack.keeps_data else "All responses and keys go with it."
    say(f"\nRemove {painted(stack.name, 'bold')} ({what})")
    say(f"in {stack.place}? {lost}")
    sys.stdout.write("Type the stack's name to go on: ")
    sys.stdout.flush()
    return sys.stdin.readline().strip() == stack.name


if __name__ == "__main__":
    raise SystemExit(main())
