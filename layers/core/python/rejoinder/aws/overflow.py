"""Content of any size: packed inside its record, or, above a limit, as an object in the bucket.

The object is put first, so that no record ever points to nothing; one that no record points to is
removed by the bucket's lifecycle.
"""

from rejoinder.aws.bucket import Bucket
from rejoinder.aws.packing import packed, unpacked
from rejoinder.aws.records import Record

MAX_INLINE_BYTES = 100_000  # DynamoDB takes 400 KB
INLINE = "packed"
OBJECT = "object"  # its key


class Overflow:
    """Keeps content for records."""

    def __init__(self, bucket: Bucket) -> None:
        self._bucket = bucket

    async def stowed(self, object_key: str, content: bytes) -> Record:
        """The attributes by which `content` is found again."""
        small = packed(content)
        if len(small) <= MAX_INLINE_BYTES:
            return {INLINE: small}
        await self._bucket.put(object_key, small)
        return {OBJECT: object_key}

    async def content(self, record: Record, *, limit: int = 0) -> bytes | None:
        """What was stowed, or its first `limit` bytes; None if it was removed meanwhile."""
        small = record[INLINE] if INLINE in record else await self._bucket.get(record[OBJECT])
        return unpacked(small, limit=limit) if small is not None else None

    async def remove(self, record: Record) -> None:
        """Remove the object of one record, if it has one."""
        if OBJECT in record:
            await self._bucket.delete(record[OBJECT])

    async def remove_all(self, prefix: str) -> None:
        """Remove all objects whose keys begin so."""
        await self._bucket.delete_prefix(prefix)
