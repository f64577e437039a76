"""The conversations of a deployment: the contract of all, and what only a table and a bucket do.

What befalls their requests is in `test_dynamo_conversations_faults.py`.
"""

import asyncio
import sys
from collections.abc import Awaitable, Callable

import pytest

from rejoinder.aws.conversations import DynamoConversations
from rejoinder.aws.overflow import MAX_INLINE_BYTES
from rejoinder.aws.responses import DynamoStore
from rejoinder.aws.table import RESPONSE_OBJECTS
from rejoinder.errors import Conflict, NotFound
from rejoinder.schema.items import Item
from tests.storage.capacity import Meter, size_of
from tests.storage.contract import ACME, Clock, message, whole_run
from tests.storage.conversations_contract import (
    ID,
    LEASE_SECONDS,
    ConversationsContract,
    begun,
    conversation,
    lock,
    messages,
)
from tests.storage.moto_server import Aws
from tests.storage.test_dynamo import noise, picture

QUESTION = "What does a fox do all day, and why? Please answer in some sentences. " * 3
NOISE_OF_AN_ANSWER = 1_000  # no smaller, when it is packed, than 300 words of prose are


@pytest.fixture
def conversations(aws: Aws, clock: Clock) -> DynamoConversations:
    return DynamoConversations(aws.dynamodb, aws.bucket, aws.table, clock=clock)


class TestDynamoKeepsTheContractOfConversations(ConversationsContract):
    @pytest.fixture
    def conversations(self, aws: Aws, clock: Clock) -> DynamoConversations:
        return DynamoConversations(aws.dynamodb, aws.bucket, aws.table, clock=clock)


def turn(number: int) -> list[Item]:
    """What a usual turn adds: a question, what was thought, the answer."""
    answer = noise(NOISE_OF_AN_ANSWER + number)
    return [
        message(f"msg_{number:032x}", QUESTION),
        {
            "id": f"rs_{number:032x}",
            "type": "reasoning",
            "summary": [{"type": "summary_text", "text": "Foxes are shy, and hunt by night."}],
        },
        {
            "id": f"msg_a{number:031x}",
            "type": "message",
            "status": "completed",
            "role": "assistant",
            "content": [{"type": "output_text", "text": answer, "annotations": [], "logprobs": []}],
        },
    ]


# Large contents.


async def test_an_item_of_two_megabytes_is_kept(
    conversations: DynamoConversations, aws: Aws
) -> None:
    large = picture("msg_large", 2_000_000)
    await begun(conversations, "a")

    await conversations.append(ACME, ID, [large, message("msg_b")])

    assert await conversations.items(ACME, ID) == [*messages("a"), large, message("msg_b")]
    assert await conversations.item(ACME, "msg_large") == large
    assert await largest_record(aws) < 1024


async def test_five_hundred_items_of_several_pages_come_in_their_order(
    conversations: DynamoConversations, aws: Aws
) -> None:
    await begun(conversations)
    said = [message(f"msg_{number}", noise(3_000 + number)) for number in range(500)]
    for first in range(0, 500, 25):
        await conversations.append(ACME, ID, said[first : first + 25])
    aws.calls.clear()

    found = await conversations.items(ACME, ID)

    assert found == said
    assert sum(operation == "Query" for _, operation, *_ in aws.calls) > 1
    assert await conversations.item(ACME, "msg_250") == said[250]
    assert await largest_record(aws) <= MAX_INLINE_BYTES + 300


async def test_of_many_items_one_is_removed_and_the_order_stays(
    conversations: DynamoConversations, aws: Aws
) -> None:
    said = [message(f"msg_{number}", noise(3_000 + number)) for number in range(60)]
    await conversations.create(ACME, conversation(), [*said[:40], picture("msg_large", 200_000)])
    await conversations.append(ACME, ID, said[40:])

    await conversations.remove(ACME, ID, "msg_large")
    await conversations.remove(ACME, ID, "msg_59")
    await conversations.append(ACME, ID, [said[59]])

    assert await conversations.items(ACME, ID) == said


# At the same time.


async def test_what_two_add_at_once_is_all_kept(aws: Aws, clock: Clock) -> None:
    stores = [DynamoConversations(aws.dynamodb, aws.bucket, aws.table, clock=clock) for _ in "ab"]
    await begun(stores[0], "first")

    async def add(name: str, store: DynamoConversations) -> None:
        for number in range(5):
            await store.append(ACME, ID, messages(f"{name}{number}", f"{name}{number}+"))

    await asyncio.gather(*map(add, "ab", stores))

    found = [item["id"] for item in await stores[0].items(ACME, ID)]
    assert len(found) == 21
    for name in "ab":
        own = [f"msg_{name}{number}{end}" for number in range(5) for end in ("", "+")]
        assert [item_id for item_id in found if item_id.startswith(f"msg_{name}")] == own
    for one, other in zip(found[1::2], found[2::2], strict=True):
        assert other == f"{one}+"
    assert (await stores[0].get(ACME, ID)).version == 10
    assert await leads(aws) == {*found}


async def test_items_may_be_removed_and_added_and_read_at_once(
    conversations: DynamoConversations, aws: Aws
) -> None:
    await begun(conversations, *"abcde")
    seen: list[list[str]] = []

    async def look() -> None:
        for _ in range(12):
            seen.append([item["id"] for item in await conversations.items(ACME, ID)])

    await asyncio.gather(
        *(conversations.remove(ACME, ID, f"msg_{name}") for name in "abc"),
        *(conversations.append(ACME, ID, messages(name)) for name in "xyz"),
        look(),
    )

    found = [item["id"] for item in await conversations.items(ACME, ID)]
    assert found[:2] == ["msg_d", "msg_e"]
    assert sorted(found[2:]) == ["msg_x", "msg_y", "msg_z"]
    assert await leads(aws) == {*found}
    for name in found:
        assert await conversations.item(ACME, name) == message(name, name.removeprefix("msg_"))
    for ids in seen:
        added = [item_id for item_id in ids if item_id in found[2:]]
        assert added == found[2 : 2 + len(added)]


async def test_what_is_removed_while_it_is_read_is_read_anew(
    conversations: DynamoConversations, aws: Aws, monkeypatch: pytest.MonkeyPatch
) -> None:
    large = picture("msg_large", 200_000)
    await conversations.create(ACME, conversation(), [large, *messages("a", "b")])
    get, removals = aws.bucket.get, ["msg_a"]

    async def get_late(key: str) -> bytes | None:
        if removals:
            await conversations.remove(ACME, ID, removals.pop())
        return await get(key)

    monkeypatch.setattr(aws.bucket, "get", get_late)

    assert await conversations.items(ACME, ID) == [large, *messages("b")]


# What is kept, and what is not.


async def test_nothing_is_marked_to_expire(conversations: DynamoConversations, aws: Aws) -> None:
    await conversations.create(ACME, conversation(), [picture("msg_large", 200_000)])
    await conversations.append(ACME, ID, messages("a"))
    await lock(conversations, "resp_1")

    assert not [item for item in await aws.items() if "expires_at" in item]
    assert await aws.bucket.delete_prefix(RESPONSE_OBJECTS) == 0  # what goes by its age


async def test_of_what_is_deleted_nothing_stays(
    conversations: DynamoConversations, aws: Aws
) -> None:
    await conversations.create(ACME, conversation(), [picture("msg_large", 200_000)])
    for number in range(30):
        await conversations.append(ACME, ID, messages(f"a{number}", f"b{number}"))
    await begun(conversations, "other", conversation_id="conv_10")

    await conversations.delete(ACME, ID)

    assert await conversations.items(ACME, "conv_10") == messages("other")
    await conversations.delete(ACME, "conv_10")
    assert await aws.items() == []
    assert await aws.bucket.delete_prefix("") == 0


async def test_of_an_item_that_is_removed_nothing_stays(
    conversations: DynamoConversations, aws: Aws
) -> None:
    large = picture("msg_large", 200_000)
    await conversations.create(ACME, conversation(), [large, *messages("a")])
    await conversations.append(ACME, ID, messages("b", "b"))

    await conversations.remove(ACME, ID, "msg_large")
    await conversations.remove(ACME, ID, "msg_b")

    assert await conversations.items(ACME, ID) == messages("a", "b")
    assert await leads(aws) == {"msg_a", "msg_b"}
    assert len(await aws.items()) == 4  # META and one batch, and what leads to the items
    assert await aws.bucket.delete_prefix("") == 0


async def test_meta_is_one_write_unit_for_the_longest_names(aws: Aws, clock: Clock) -> None:
    tenant, long_id = "t" * 128, f"conv_{'x' * 59}"
    conversations = DynamoConversations(aws.dynamodb, aws.bucket, aws.table, clock=clock)
    clock.now += 0.123456
    await conversations.create(tenant, conversation(long_id, topic="tea"), [])
    for number in range(12):
        await conversations.append(tenant, long_id, messages(str(number)))
    await conversations.lock(
        tenant, long_id, f"resp_{'x' * 59}", version=12, lease_seconds=LEASE_SECONDS
    )

    assert max(size_of(item) for item in await aws.items() if item["sk"] == {"S": "META"}) < 1024


async def test_metadata_may_be_as_large_as_the_api_lets_them(
    conversations: DynamoConversations,
) -> None:
    metadata = {f"{number:02}{'🌌' * 62}": "🌌" * 512 for number in range(16)}

    await conversations.create(ACME, conversation(**metadata), messages("a"))
    await lock(conversations, "resp_1")

    assert (await conversations.get(ACME, ID)).conversation == conversation(**metadata)


# Names.


@pytest.mark.parametrize("item_id", ["", "#", "a#b", "x" * 3000, "🌌" * 200, "T#other#C#conv_1"])
async def test_an_item_may_have_any_id(conversations: DynamoConversations, item_id: str) -> None:
    await conversations.create(ACME, conversation(), [message(item_id, "this"), *messages("b")])

    assert await conversations.item(ACME, item_id) == message(item_id, "this")
    with pytest.raises(NotFound):
        await conversations.item("other", item_id)
    await conversations.remove(ACME, ID, item_id)
    assert await conversations.items(ACME, ID) == messages("b")


@pytest.mark.parametrize("unknown", ["", "#", "..", "x" * 5000, "🌌" * 2000, "a\x00b"])
async def test_a_client_may_ask_for_any_name(
    conversations: DynamoConversations, unknown: str
) -> None:
    for use in (conversations.get, conversations.items, conversations.delete):
        with pytest.raises(NotFound):
            await use(ACME, unknown)


async def test_a_conversation_begins_once(conversations: DynamoConversations) -> None:
    await begun(conversations, "a")

    with pytest.raises(Conflict):
        await begun(conversations, "b")

    assert await conversations.items(ACME, ID) == messages("a")


async def test_responses_and_conversations_may_hold_the_same_item(
    conversations: DynamoConversations, aws: Aws, clock: Clock
) -> None:
    store = DynamoStore(aws.dynamodb, aws.bucket, aws.table, clock=clock)
    await whole_run(store, own=[message("msg_a", "asked")])
    await conversations.create(ACME, conversation(), [message("msg_a", "said")])

    assert await store.item(ACME, "msg_a") == message("msg_a", "asked")
    assert await conversations.item(ACME, "msg_a") == message("msg_a", "said")
    await conversations.delete(ACME, ID)
    assert await store.item(ACME, "msg_a") == message("msg_a", "asked")


# What each use costs. `-s` shows the figures; a unit above the budget is a price rise.

type Act = Callable[[DynamoConversations], Awaitable[object]]


async def locked(store: DynamoConversations) -> None:
    await store.lock(ACME, ID, "resp_1", version=10, lease_seconds=LEASE_SECONDS)


async def added(store: DynamoConversations) -> None:
    await locked(store)
    await store.append(ACME, ID, turn(10), owner="resp_1")


USES: dict[str, tuple[Act, tuple[int, int, int]]] = {
    "lock and append of a usual turn": (added, (4, 7, 1)),
    "look who owns it": (lambda store: store.get(ACME, ID), (1, 0, 1)),
    "read ten turns": (lambda store: store.items(ACME, ID), (1, 0, 3)),
    "refer to an item": (lambda store: store.item(ACME, turn(3)[0]["id"]), (2, 0, 4)),
    "remove an item": (lambda store: store.remove(ACME, ID, turn(3)[0]["id"]), (5, 31, 3)),
    "delete ten turns": (lambda store: store.delete(ACME, ID), (6, 52, 3)),
}


@pytest.mark.parametrize("use", USES)
async def test_a_use_keeps_to_its_budget(
    conversations: DynamoConversations, aws: Aws, use: str
) -> None:
    await begun(conversations)
    for number in range(10):
        await conversations.append(ACME, ID, turn(number))
    act, (calls, writes, reads) = USES[use]
    meter = Meter()
    meter.units_of(aws.calls)
    aws.calls.clear()

    await act(conversations)
    units = meter.units_of(aws.calls)

    sys.stdout.write(
        f"\n{use:34}{units.calls:4} calls{units.writes:4} WRU{units.reads:4} RRU"
        f"{units.dollars * 1_000_000:8.2f} $ per million"
    )
    assert units.calls <= calls
    assert units.writes <= writes
    assert units.reads <= reads


async def largest_record(aws: Aws) -> int:
    return max(size_of(item) for item in await aws.items())


async def leads(aws: Aws) -> set[str]:
    """The ids of the items that are found without their conversation."""
    partitions = {item["pk"]["S"] for item in await aws.items()}
    prefix = f"T#{ACME}#I#"
    return {pk.removeprefix(prefix) for pk in partitions if pk.startswith(prefix)}
