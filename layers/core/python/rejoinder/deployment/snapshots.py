"""SnapStart: a process that is started, kept as a snapshot, and restored many times.

It is started when a version is published, perhaps before its role may do anything, and what it
knows by then is kept: so it connects to nothing, and reads no secret, until it is restored.
"""

from collections.abc import Mapping


def is_to_be_kept(env: Mapping[str, str]) -> bool:
    """Whether a snapshot is taken of the process with this environment, once it has started."""
    return env.get("AWS_LAMBDA_INITIALIZATION_TYPE") == "snap-start"
