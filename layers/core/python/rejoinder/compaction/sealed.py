"""Compaction items: the digest of a conversation, sealed, and what stands for it (contract §7).

A digest of ours holds a summary in plain words, and so is expanded for any vendor's model. A
digest by a vendor's own service (OpenAI has one) is sealed too, but only its models can read it.
"""

from collections.abc import Callable

from msgspec import Struct, ValidationError, convert, to_builtins

from rejoinder.errors import InvalidRequest
from rejoinder.schema.ids import new_id
from rejoinder.schema.items import COMPACTION_ID, JSON, Compaction, Item, Message, is_rule
from rejoinder.sealing import Sealer, Secret

OURS = "rejoinder"  # in the place of a dialect: any can be told it


class Digest(Struct, frozen=True):
    """What a compaction item of ours holds."""

    model: str
    summary: str
    tail: list[JSON] = []  # items kept word for word: the latest ones
    is_whole: bool = False  # whether it stands for all that stood before it
    version: int = 1


class VendorDigest(Struct, frozen=True):
    """What a vendor's own service made of a conversation, for itself to read."""

    dialect: str
    content: JSON


type Seal = Callable[[Digest | VendorDigest], Compaction]
"""`seal_digest`, for one tenant."""


def seal_digest(sealer: Sealer, tenant: str, digest: Digest | VendorDigest) -> Compaction:
    """The item that holds a digest."""
    secret = (
        Secret(digest.dialect, {"compaction": digest.content})
        if isinstance(digest, VendorDigest)
        else Secret(OURS, to_builtins(digest))
    )
    sealed = sealer.seal(tenant, secret)
    return {"id": new_id("cmp"), "type": "compaction", "encrypted_content": sealed}


def expanded(sealer: Sealer, tenant: str, items: list[Item], places: dict[str, str]) -> list[Item]:
    """The items with each digest of ours replaced by what it stands for; rules stay as they are.

    Raises:
        InvalidRequest: naming the place, if a digest was not made here, or for somebody else.
    """
    expanding: list[Item] = []
    for item in items:
        if item["type"] != "compaction":
            expanding.append(item)
            continue
        digest = _opened(sealer, tenant, item, places.get(item["id"]))
        if isinstance(digest, VendorDigest):
            expanding.append(item)
            continue
        if digest.is_whole:
            expanding = [each for each in expanding if is_rule(each)]
        expanding += stand_ins(item, digest)
    return expanding


def stand_ins(item: Compaction, digest: Digest) -> list[Item]:
    """What a model is told instead of the item: the summary, and what was kept word for word."""
    return [_summary(item["id"], digest.summary), *digest.tail]


def vendor_secrets(sealer: Sealer, tenant: str, items: list[Item], dialect: str) -> dict[str, JSON]:
    """By compaction item, what this dialect's own service wants back. Ours are expanded before.

    Raises:
        InvalidRequest: if another's service made it: nobody else can read it.
    """
    found: dict[str, JSON] = {}
    for item in items:
        if item["type"] == "compaction":
            digest = _opened(sealer, tenant, item, None)
            assert isinstance(digest, VendorDigest), "ours were expanded before"
            if digest.dialect != dialect:
                raise InvalidRequest(
                    "This conversation was compacted by the service of another model's maker, and "
                    "only that can read it; go on with a model of the one that compacted it.",
                    code="invalid_value",
                    param="input",
                )
            found[item["id"]] = digest.content
    return found


def _summary(item_id: str, text: str) -> Message:
    told = f"What was said before, in summary:\n\n{text}"
    return {
        "id": item_id if item_id.startswith(COMPACTION_ID) else f"{COMPACTION_ID}{item_id}",
        "type": "message",
        "status": "completed",
        "role": "developer",
        "content": [{"type": "input_text", "text": told}],
    }


def _opened(
    sealer: Sealer, tenant: str, item: Compaction, place: str | None
) -> Digest | VendorDigest:
    try:
        secret = sealer.open(tenant, item["encrypted_content"])
    except InvalidRequest:
        secret = None
    match secret:
        case Secret(content=content) if secret.dialect == OURS:
            try:
                return convert(content, Digest)
            except ValidationError:  # of a later version
                pass
        case Secret(dialect=dialect, content={"compaction": content}):
            return VendorDigest(dialect, content)
    param = f"{place}.encrypted_content" if place else "input"
    raise InvalidRequest(
        f"'{param}' was not made here for this account, or was altered; send compaction items back "
        "exactly as they came.",
        code="invalid_value",
        param=param,
    )
