"""The store of a deployment: the contract of all stores, and what only a table and a bucket can do.

What befalls their requests is in `test_dynamo_faults.py`.
"""

from base64 import b64encode
from random import Random

import pytest

from rejoinder.aws.client import AwsError
from rejoinder.aws.overflow import MAX_INLINE_BYTES
from rejoinder.aws.responses import TOMBSTONE_SECONDS, DynamoStore
from rejoinder.engine.deltas import BlockEnded, Started, TextDelta
from rejoinder.errors import Conflict, NotFound
from rejoinder.schema.items import Item
from tests.storage.capacity import size_of
from tests.storage.contract import (
    ACME,
    HOUR,
    ID,
    NOW,
    Clock,
    Run,
    StoreContract,
    check_hidden,
    message,
    whole_run,
)
from tests.storage.faults import Interrupted
from tests.storage.moto_server import Aws


@pytest.fixture
def store(aws: Aws, clock: Clock) -> DynamoStore:
    return DynamoStore(aws.dynamodb, aws.bucket, aws.table, clock=clock)


class Elsewhere(Run):
    """A run that goes on in another process."""

    def made_in(self, store: DynamoStore) -> "Elsewhere":
        self._store = store
        return self


class TestDynamoKeepsTheContract(StoreContract):
    many_batches = 600  # more than a query's page
    many_responses = 200  # of three records each: more than a scan's page

    @pytest.fixture
    def store(self, aws: Aws, clock: Clock) -> DynamoStore:
        return DynamoStore(aws.dynamodb, aws.bucket, aws.table, clock=clock)


def noise(size: int) -> str:
    """Text that cannot be made much smaller, such as images are."""
    return b64encode(Random(size).randbytes(size * 3 // 4)).decode()


def picture(item_id: str, size: int) -> Item:
    return {
        "id": item_id,
        "type": "message",
        "status": "completed",
        "role": "user",
        "content": [
            {
                "type": "input_image",
                "image_url": f"data:image/png;base64,{noise(size)}",
                "detail": "auto",
            }
        ],
    }


# Large contents.


async def test_pictures_of_five_megabytes_are_kept(store: DynamoStore, aws: Aws) -> None:
    history, own = [picture("msg_history", 2_000_000)], [picture("msg_own", 5_000_000)]
    run = await whole_run(store, history=history, own=own)

    found = await store.continued(ACME, ID)

    assert found.items == [*history, *own, *run.response.output]
    assert await store.item(ACME, "msg_own") == own[0]
    assert await largest_record(aws) < 10_000


async def test_a_large_batch_and_a_large_response_are_kept(store: DynamoStore, aws: Aws) -> None:
    run = await Run(store).begin(TextDelta(0, noise(300_000)))
    await run.say(TextDelta(0, noise(150_000)))
    await run.say(TextDelta(0, "."), BlockEnded(0))
    await run.end()

    assert await store.get(ACME, ID) == run.response
    for after in range(-1, len(run.frames)):
        assert await store.frames(ACME, ID, after=after) == run.frames[after + 1 :]
    assert await largest_record(aws) < 400_000


@pytest.mark.parametrize("size", [70_000, 99_000, 132_000, 134_000, 400_000])
async def test_contents_of_any_size_find_their_place(
    store: DynamoStore, aws: Aws, size: int
) -> None:
    own = [message("msg_own", noise(size))]
    run = await Run(store, own=own).begin(TextDelta(0, noise(size)))
    await run.end()

    assert await store.input_items(ACME, ID) == own
    assert await store.frames(ACME, ID, after=-1) == run.frames
    assert await largest_record(aws) <= MAX_INLINE_BYTES + 300


async def test_a_log_of_several_pages_is_read_from_any_number(store: DynamoStore, aws: Aws) -> None:
    run = await Run(store).begin()
    for _ in range(40):
        await run.say(TextDelta(0, noise(60_000)))
    aws.calls.clear()

    for after in (-1, 0, 1, 20, 40, 41, 42):
        assert await store.frames(ACME, ID, after=after) == run.frames[after + 1 :]
    taken = await store.take_over(ACME, ID, "one")

    assert taken.frames == run.frames
    assert sum(operation == "Query" for _, operation, *_ in aws.calls) > 8


async def test_words_of_a_live_response_are_two_small_writes(store: DynamoStore, aws: Aws) -> None:
    run = await Run(store).begin()
    aws.calls.clear()

    await run.say(*(TextDelta(0, f"word {number} ") for number in range(20)))

    assert [operation for _, operation, *_ in aws.calls] == ["PutItem", "UpdateItem"]
    assert await largest_record(aws) < 1024


# META.


async def test_meta_is_one_write_unit_for_the_longest_names(aws: Aws, clock: Clock) -> None:
    tenant, response_id = "t" * 128, f"resp_{'x' * 59}"
    store = DynamoStore(aws.dynamodb, aws.bucket, aws.table, clock=clock)
    clock.now += 0.123456
    await Run(store, response_id, tenant=tenant).enqueue()
    waiting = await largest_meta(aws)
    await store.mark_followed(tenant, response_id)
    await store.take_over(tenant, response_id, "w" * 128, hold_seconds=30.3)
    await store.delete(tenant, response_id)

    assert waiting < 1024
    assert await largest_meta(aws) < 1024


async def test_a_queued_response_waits_until_somebody_takes_it_over(
    store: DynamoStore, aws: Aws
) -> None:
    for name in ("taken", "cancelled", "deleted", "begun", "waiting"):
        await Run(store, f"resp_{name}").enqueue()
    await Run(store, "resp_foreground").begin()
    before = await waiting(aws)
    await store.hold(ACME, "resp_waiting", "", seconds=0.0)
    await store.mark_followed(ACME, "resp_waiting")
    await store.take_over(ACME, "resp_taken", "one", hold_seconds=30)
    await store.take_over(ACME, "resp_cancelled", "cancel")
    await store.delete(ACME, "resp_deleted")
    await Run(store, "resp_begun").beside(await Run(store, "resp_6").enqueue()).fail()

    assert before == 5
    assert await waiting(aws) == 2  # and resp_6


async def test_who_makes_a_response_is_silent_until_heard_of(
    store: DynamoStore, clock: Clock
) -> None:
    run = await Run(store).begin()
    silences = []
    for act in (
        lambda: run.say(TextDelta(0, "Hi")),
        lambda: store.hold(ACME, ID, "", seconds=30),
        lambda: store.take_over(ACME, ID, ""),
        lambda: store.mark_followed(ACME, ID),
    ):
        clock.now += 10
        silences.append(await store.silent_seconds(ACME, ID))
        await act()
    silences.append(await store.silent_seconds(ACME, ID))

    assert silences == [10, 10, 10, 10, 10]


async def test_who_follows_is_told_to_the_writer(store: DynamoStore) -> None:
    run = await Run(store).begin()
    told = [await store.record(ACME, run.response, run.frames[:1], first_number=2)]
    await store.mark_followed(ACME, ID)
    told.append(await store.record(ACME, run.response, run.frames[:1], first_number=3))

    assert told == [False, True]
    assert store.batch_seconds == 1.0


# Writers.


async def test_what_a_late_writer_wrote_is_never_seen(
    store: DynamoStore, aws: Aws, clock: Clock
) -> None:
    late = await Run(store).begin(TextDelta(0, "Hi"))
    on = Run(store).taken_by("two").beside(late)
    other = DynamoStore(aws.dynamodb, aws.bucket, aws.table, clock=clock)
    await other.take_over(ACME, ID, "two")
    with pytest.raises(Conflict):
        await late.say(TextDelta(0, "late"), BlockEnded(0))
    await on.end()
    with pytest.raises(Conflict):
        await late.end()

    assert await store.frames(ACME, ID, after=-1) == on.frames
    assert await store.get(ACME, ID) == on.response


async def test_what_is_written_while_it_is_taken_over_is_taken_over_too(
    store: DynamoStore, aws: Aws, clock: Clock
) -> None:
    run = await Run(store).begin(TextDelta(0, "Hi"))

    async def say() -> None:
        await run.say(TextDelta(0, " you"), BlockEnded(0))

    between = Interrupted(aws.transport, say)
    other = Aws(aws.endpoint, between, aws.credentials, name=aws.name)
    taken = await DynamoStore(other.dynamodb, other.bucket, other.table, clock=clock).take_over(
        ACME, ID, "two"
    )

    assert taken.stored.response == run.response
    assert taken.frames == run.frames


async def test_numbers_that_another_told_are_not_told_again(aws: Aws, clock: Clock) -> None:
    stores = [DynamoStore(aws.dynamodb, aws.bucket, aws.table, clock=clock) for _ in range(3)]
    one = await Run(stores[0]).begin()
    two, three = Run(stores[1]).beside(one), Run(stores[2]).beside(one)
    await two.say(TextDelta(0, "two"))

    for late in (one.say(TextDelta(0, "one")), three.say(TextDelta(0, "three"))):
        with pytest.raises(Conflict):
            await late

    assert await stores[0].frames(ACME, ID, after=-1) == two.frames


async def test_a_writer_may_write_from_several_processes(aws: Aws, clock: Clock) -> None:
    stores = [DynamoStore(aws.dynamodb, aws.bucket, aws.table, clock=clock) for _ in range(2)]
    run = Elsewhere(stores[0])
    await run.begin()
    for number in range(1, 6):
        run.made_in(stores[number % 2])
        await run.say(TextDelta(0, f"{number} "))
    await run.end()

    assert await stores[0].frames(ACME, ID, after=-1) == run.frames


async def test_a_response_begins_once(store: DynamoStore) -> None:
    run = await Run(store).begin()

    with pytest.raises(Conflict):
        await Run(store).begin(TextDelta(0, "again"))

    assert await store.frames(ACME, ID, after=-1) == run.frames


@pytest.mark.parametrize("next_number", [1, 2, 3, 4, 5, 7])
async def test_a_response_is_rewound_to_any_number(store: DynamoStore, next_number: int) -> None:
    run = await Run(store).enqueue()
    queued = run.response
    await run.say(Started(), TextDelta(0, "Once"))
    await run.say(TextDelta(0, "upon"))
    frames = list(run.frames)

    await store.rewind(ACME, queued, next_number=next_number, writer="")

    assert await store.frames(ACME, ID, after=-1) == frames[:next_number]
    again = Run(store).again(queued, frames[:next_number])
    await again.say(TextDelta(0, "Twice"), BlockEnded(0))
    await again.end()
    for after in range(-1, len(again.frames)):
        assert await store.frames(ACME, ID, after=after) == again.frames[after + 1 :]
    assert await store.get(ACME, ID) == again.response


async def test_a_process_remembers_a_bounded_number_of_responses(
    store: DynamoStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rejoinder.aws.heads.MAX_HEADS", 3)
    runs = [await Run(store, f"resp_{number}").begin() for number in range(5)]

    for run in runs:
        await run.say(TextDelta(0, "Hi"))
        await run.end()

    for run in runs:
        assert await store.frames(ACME, run.response.id, after=-1) == run.frames


# Items.


@pytest.mark.parametrize("item_id", ["", "#", "a#b", "x" * 3000, "🌌" * 200, "T#other#R#resp_1"])
async def test_an_item_may_have_any_id(store: DynamoStore, item_id: str) -> None:
    await whole_run(store, own=[message(item_id, "this"), message("msg_b")])

    assert await store.item(ACME, item_id) == message(item_id, "this")
    with pytest.raises(NotFound):
        await store.item("other", item_id)


async def test_an_item_is_found_behind_many_that_are_gone(store: DynamoStore) -> None:
    await whole_run(store, "resp_00", own=[message("msg_own", "kept")])
    for number in range(1, 20):
        expires_at = NOW - 1
        own = [message("msg_own")]
        await Run(store, f"resp_{number:02d}", own=own, expires_at=expires_at).begin()

    assert await store.item(ACME, "msg_own") == message("msg_own", "kept")


async def test_many_items_are_kept_at_once(store: DynamoStore) -> None:
    own = [message(f"msg_{number}") for number in range(60)]
    await whole_run(store, own=[*own, own[0]])

    assert await store.input_items(ACME, ID) == [*own, own[0]]
    assert await store.item(ACME, "msg_59") == own[59]


# Deleting.


@pytest.mark.parametrize("size", [10, 200_000])
@pytest.mark.parametrize("is_live", [True, False])
async def test_of_what_is_deleted_only_its_id_stays_for_an_hour(
    store: DynamoStore, aws: Aws, clock: Clock, size: int, is_live: bool
) -> None:
    run = await Run(store, own=[message("msg_own", noise(size))]).begin(TextDelta(0, noise(size)))
    await run.say(BlockEnded(0))
    if not is_live:
        await run.end()

    await store.delete(ACME, ID)

    [left] = await aws.items()
    assert left["sk"] == {"S": "META"}
    assert left["expires_at"] == {"N": str(NOW + TOMBSTONE_SECONDS)}
    assert await aws.bucket.delete_prefix("") == 0
    assert await store.sweep() == 1
    assert await aws.items() == []


@pytest.mark.parametrize("size", [10, 200_000])
async def test_what_is_written_after_a_deletion_is_taken_back(
    store: DynamoStore, aws: Aws, size: int
) -> None:
    run = await Run(store).begin(TextDelta(0, "Hi"))
    await store.delete(ACME, ID)

    for late in (run.say(TextDelta(0, noise(size))), run.say(BlockEnded(0)), run.end()):
        with pytest.raises(Conflict):
            await late

    assert len(await aws.items()) == 1
    assert await aws.bucket.delete_prefix("") == 0


async def test_a_response_may_be_deleted_while_it_is_read(store: DynamoStore, aws: Aws) -> None:
    await whole_run(store, own=[message("msg_own", noise(200_000))])
    assert await aws.bucket.delete_prefix("") == 1  # as a deletion does, before META is read again

    with pytest.raises(NotFound):
        await store.input_items(ACME, ID)
    with pytest.raises(NotFound):
        await store.continued(ACME, ID)
    await store.delete(ACME, ID)
    await check_hidden(store)


@pytest.mark.parametrize("size", [8, 200_000])
async def test_what_is_removed_in_the_middle_of_a_reading_is_not_found(
    store: DynamoStore, aws: Aws, size: int
) -> None:
    run = await Run(store).begin()
    await run.say(TextDelta(0, "Hi"))
    await run.say(TextDelta(0, noise(size)), BlockEnded(0))
    await remove_contents(aws)

    for read in (
        store.get(ACME, ID),
        store.frames(ACME, ID, after=-1),
        store.continued(ACME, ID),
    ):
        with pytest.raises(NotFound):
            await read
    with pytest.raises(Conflict):
        await store.rewind(ACME, run.response, next_number=2, writer="")
    with pytest.raises(Conflict):
        await store.take_over(ACME, ID, "one")


async def test_a_table_that_is_not_there_is_a_fault_of_ours(aws: Aws) -> None:
    store = DynamoStore(aws.dynamodb, aws.bucket, "none")

    with pytest.raises(AwsError, match="ResourceNotFoundException"):
        await store.hold(ACME, ID, "", seconds=30)


async def test_a_sweep_removes_objects_and_leaves_what_is_not_a_response(
    store: DynamoStore, aws: Aws, clock: Clock
) -> None:
    await whole_run(store, own=[message("msg_own", noise(200_000))], expires_at=NOW + 10)
    other = {"pk": {"S": "T#acme#K#R#x"}, "sk": {"S": "KEY"}, "expires_at": {"N": str(NOW)}}
    await aws.dynamodb.call("PutItem", {"TableName": aws.table, "Item": other})
    clock.now = NOW + HOUR

    assert await store.sweep() == 1

    assert await aws.items() == [other]
    assert await aws.bucket.delete_prefix("") == 0


async def remove_contents(aws: Aws) -> None:
    """What a deletion does after it has marked META; a reader may have read that before."""
    await aws.bucket.delete_prefix("")
    for item in await aws.items():
        if item["sk"]["S"] > "EV#0000000002" and "packed" in item:
            key = {"pk": item["pk"], "sk": item["sk"]}
            await aws.dynamodb.call("DeleteItem", {"TableName": aws.table, "Key": key})


async def largest_record(aws: Aws) -> int:
    return max(size_of(item) for item in await aws.items())


async def largest_meta(aws: Aws) -> int:
    return max(size_of(item) for item in await aws.items() if item["sk"] == {"S": "META"})


async def waiting(aws: Aws) -> int:
    counted = await aws.dynamodb.call(
        "Query",
        {
            "TableName": aws.table,
            "IndexName": "waiting",
            "KeyConditionExpression": "waiting = :tenant",
            "ExpressionAttributeValues": {":tenant": {"S": f"T#{ACME}"}},
            "Select": "COUNT",
        },
    )
    return int(counted["Count"])
