"""A job as a message of SQS, and back.

How often a message was received says little: when Lambda has no room for a worker, it receives
messages that no worker sees. A job that is tried again is a new message, which knows how many
there were before it.
"""

from uuid import uuid4

from msgspec import DecodeError, Struct
from msgspec.json import Decoder, encode

from rejoinder.errors import TooLarge
from rejoinder.schema.items import JSON
from rejoinder.storage.jobs import Job, Kind

MAX_BODY_BYTES = 1024 * 1024  # SQS's own limit


class Body(Struct, frozen=True, omit_defaults=True):
    """What is sent."""

    kind: Kind
    tenant: str
    subject: str
    content: JSON = None
    attempts: int = 0  # that were given back before this message
    available_at: float = 0.0  # Unix seconds; for delays that are too long for SQS

    def text(self) -> str:
        """The message.

        Raises:
            TooLarge: if SQS takes none of that length.
        """
        text = encode(self)
        if len(text) > MAX_BODY_BYTES:
            raise TooLarge(
                f"A job may have {MAX_BODY_BYTES:,} bytes in the queue; got {len(text):,}."
            )
        return text.decode()


class Unreadable(ValueError):
    """A message is no job of ours; it is called by its id only."""


class Message(Struct, frozen=True):
    """A message that was received. Who has the handle may keep, give back or delete it."""

    id: str
    handle: str
    body: Body

    def job(self) -> Job:
        """The job, in the hands of a new owner."""
        body = self.body
        attempt, owner = body.attempts + 1, uuid4().hex
        return Job(self.id, body.kind, body.tenant, body.subject, body.content, attempt, owner)


def message_of(record: JSON) -> Message:
    """A message, from a record of the event by which a function is given it.

    Raises:
        Unreadable: if there is no job in it.
    """
    try:
        body = _BODY.decode(record["body"])
    except (DecodeError, ValueError) as error:
        raise Unreadable(f"Message {record['messageId']} is no job.") from error
    return Message(record["messageId"], record["receiptHandle"], body)


def job_of(record: JSON) -> Job:
    """The job in a record of the event that SQS gives to a function. It has a new owner.

    Raises:
        Unreadable: if there is no job in it.
    """
    return message_of(record).job()


_BODY = Decoder(Body)
