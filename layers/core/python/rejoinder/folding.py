"""Compaction items: much of a conversation, folded into one sealed text and unfolded (contract §7).

What we fold holds a summary in plain words, and so can be unfolded for any vendor's model. What
OpenAI's own service folds is sealed too, but only its models can read it.
"""

from msgspec import Struct, ValidationError, convert, to_builtins

from rejoinder.errors import InvalidRequest
from rejoinder.schema.ids import new_id
from rejoinder.schema.items import JSON, Compaction, Item, Message
from rejoinder.sealing import Sealer, Secret

OURS = "rejoinder"  # in the place of a dialect: any can be told it
SUMMARY = "cmp_"  # what the ids of compaction items begin with, and of what they unfold to


class Fold(Struct, frozen=True):
    """What a compaction item holds."""

    model: str
    summary: str
    tail: list[JSON] = []  # items kept word for word: the latest ones
    is_whole: bool = False  # whether it stands for all that stood before it
    version: int = 1


class Foreign(Struct, frozen=True):
    """What a vendor's own service folded."""

    dialect: str
    content: JSON


def folded(sealer: Sealer, tenant: str, fold: Fold | Foreign) -> Compaction:
    """The item that holds a fold."""
    secret = (
        Secret(fold.dialect, {"compaction": fold.content})
        if isinstance(fold, Foreign)
        else Secret(OURS, to_builtins(fold))
    )
    sealed = sealer.seal(tenant, secret)
    return {"id": new_id("cmp"), "type": "compaction", "encrypted_content": sealed}


def unfolded(sealer: Sealer, tenant: str, items: list[Item], places: dict[str, str]) -> list[Item]:
    """The items with each fold of ours replaced by what it stands for; rules stay as they are.

    Raises:
        InvalidRequest: naming the place, if a fold was not made here, or for somebody else.
    """
    unfolding: list[Item] = []
    for item in items:
        if item["type"] != "compaction":
            unfolding.append(item)
            continue
        fold = _opened(sealer, tenant, item, places.get(item["id"]))
        if isinstance(fold, Foreign):
            unfolding.append(item)
            continue
        if fold.is_whole:
            unfolding = [each for each in unfolding if is_rule(each)]
        unfolding += [_summary(item["id"], fold.summary), *fold.tail]
    return unfolding


def natives(sealer: Sealer, tenant: str, items: list[Item], dialect: str) -> dict[str, JSON]:
    """By item, what this dialect's own service folded.

    Raises:
        InvalidRequest: if another's service did: nobody else can read it.
    """
    found: dict[str, JSON] = {}
    for item in items:
        if item["type"] == "compaction":
            fold = _opened(sealer, tenant, item, None)
            assert isinstance(fold, Foreign), "ours were unfolded before"
            if fold.dialect != dialect:
                raise InvalidRequest(
                    "This conversation was compacted by the service of another model's maker, and "
                    "only that can read it; go on with a model of the one that compacted it.",
                    code="invalid_value",
                    param="input",
                )
            found[item["id"]] = fold.content
    return found


def is_rule(item: Item) -> bool:
    """Whether an item tells how to behave, whatever is said."""
    is_said = item["type"] == "message" and item["role"] in ("system", "developer")
    return is_said and not is_summary(item)


def is_summary(item: Item) -> bool:
    """Whether an item is the summary of a fold."""
    return item["type"] == "message" and item["id"].startswith(SUMMARY)


def _summary(item_id: str, text: str) -> Message:
    told = f"What was said before, in summary:\n\n{text}"
    return {
        "id": item_id if item_id.startswith(SUMMARY) else f"{SUMMARY}{item_id}",
        "type": "message",
        "status": "completed",
        "role": "developer",
        "content": [{"type": "input_text", "text": told}],
    }


def _opened(sealer: Sealer, tenant: str, item: Compaction, place: str | None) -> Fold | Foreign:
    try:
        secret = sealer.open(tenant, item["encrypted_content"])
    except InvalidRequest:
        secret = None
    match secret:
        case Secret(content=content) if secret.dialect == OURS:
            try:
                return convert(content, Fold)
            except ValidationError:  # of a later version
                pass
        case Secret(dialect=dialect, content={"compaction": content}):
            return Foreign(dialect, content)
    param = f"{place}.encrypted_content" if place else "input"
    raise InvalidRequest(
        f"'{param}' was not made here for this account, or was altered; send compaction items back "
        "exactly as they came.",
        code="invalid_value",
        param=param,
    )
