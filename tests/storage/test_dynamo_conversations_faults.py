"""What befalls conversations whose requests are lost, refused, or cut off by a process's death."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

import httpx
import pytest

from rejoinder.aws.conversations import DynamoConversations
from rejoinder.errors import Conflict, NotFound, Unavailable
from rejoinder.schema.items import Item
from rejoinder.storage.conversations import KeptConversation
from tests.storage.contract import ACME, Clock, message
from tests.storage.conversations_contract import LEASE_SECONDS, conversation, messages
from tests.storage.faults import Dying, Fault, Faulty, Losing, Overloaded, Throttled
from tests.storage.moto_server import Aws
from tests.storage.test_dynamo import noise

type Seen = tuple[KeptConversation, list[Item]] | None
type Act = Callable[[DynamoConversations, str], Awaitable[object]]

SMALL, LARGE = 10, 140_000


@dataclass(frozen=True)
class Scene:
    """Something that a store is asked to do, after something else."""

    before: Sequence[Act]
    act: Act


def asked(size: int, *names: str) -> list[Item]:
    return [*messages(*names), message("msg_noise", noise(size))]


def creating(size: int) -> Act:
    return lambda store, to: store.create(ACME, conversation(to), asked(size, "a", "b"))


def appending(size: int, owner: str | None = None) -> Act:
    return lambda store, to: store.append(ACME, to, asked(size, "c", "d"), owner=owner)


async def created_empty(store: DynamoConversations, to: str) -> None:
    await store.create(ACME, conversation(to), [])


async def removed(store: DynamoConversations, to: str) -> None:
    await store.remove(ACME, to, "msg_noise")


async def updated(store: DynamoConversations, to: str) -> None:
    await store.update(ACME, to, {"topic": "tea"})


async def locked(store: DynamoConversations, to: str) -> None:
    version = (await store.get(ACME, to)).version
    await store.lock(ACME, to, "resp_1", version=version, lease_seconds=LEASE_SECONDS)


async def renewed(store: DynamoConversations, to: str) -> None:
    await store.renew(ACME, to, "resp_1", lease_seconds=LEASE_SECONDS)


async def unlocked(store: DynamoConversations, to: str) -> None:
    await store.unlock(ACME, to, "resp_1")


async def deleted(store: DynamoConversations, to: str) -> None:
    await store.delete(ACME, to)


SCENES = {
    "create": Scene([], creating(SMALL)),
    "create, large": Scene([], creating(LARGE)),
    "create, empty": Scene([], created_empty),
    "append": Scene([creating(SMALL)], appending(SMALL)),
    "append, large": Scene([creating(SMALL)], appending(LARGE)),
    "append to nothing": Scene([created_empty], appending(SMALL)),
    "append as the owner": Scene([creating(LARGE), locked], appending(SMALL, "resp_1")),
    "remove": Scene([creating(SMALL), appending(SMALL)], removed),
    "remove, large": Scene([creating(LARGE)], removed),
    "update": Scene([creating(SMALL)], updated),
    "lock": Scene([creating(SMALL)], locked),
    "renew": Scene([creating(SMALL), locked], renewed),
    "unlock": Scene([creating(SMALL), locked], unlocked),
    "delete": Scene([creating(SMALL), appending(SMALL)], deleted),
    "delete, large": Scene([creating(LARGE), locked], deleted),
}


@pytest.fixture
def store(aws: Aws, clock: Clock) -> DynamoConversations:
    return store_of(aws, clock)


@pytest.fixture(autouse=True)
def without_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rejoinder.aws.exchange.WAITS_SECONDS", (0.0, 0.0, 0.0))
    monkeypatch.setattr("rejoinder.aws.records.WAITS_SECONDS", (0.0,) * 6)


def store_of(aws: Aws, clock: Clock, fault: Fault | None = None) -> DynamoConversations:
    """A store of the same table, whose requests meet a fault."""
    if fault is not None:
        aws = Aws(aws.endpoint, fault(aws.transport), aws.credentials, name=aws.name)
    return DynamoConversations(aws.dynamodb, aws.bucket, aws.table, clock=clock)


def mortal_store(aws: Aws, clock: Clock, *, lives_for: int) -> DynamoConversations:
    """A store of the same table, whose process dies after so many requests."""
    dying = Dying(aws.transport)
    dying.lives_for = lives_for
    return store_of(aws, clock, lambda _: dying)


async def seen(store: DynamoConversations, conversation_id: str) -> Seen:
    """A conversation, whose items are found by their ids as they are found in it."""
    try:
        kept = await store.get(ACME, conversation_id)
    except NotFound:
        with pytest.raises(NotFound):
            await store.items(ACME, conversation_id)
        return None
    items = await store.items(ACME, conversation_id)
    newest = {item["id"]: item for item in items}
    for item_id, item in newest.items():
        assert await store.item(ACME, item_id) == item
    return kept, items


async def done(store: DynamoConversations, scene: Scene, conversation_id: str) -> Seen:
    """What is seen when all of a scene has been played."""
    for act in (*scene.before, scene.act):
        await act(store, conversation_id)
    found = await seen(store, conversation_id)
    if found is not None:
        await store.delete(ACME, conversation_id)
    return found


async def check_another_goes_on(
    store: DynamoConversations, clock: Clock, conversation_id: str, found: Seen
) -> None:
    """Whoever comes later adds, removes and deletes, and then nothing is left but objects."""
    if found is None:
        for gone in (store.delete(ACME, conversation_id), store.items(ACME, conversation_id)):
            with pytest.raises(NotFound):
                await gone
        return
    clock.now += LEASE_SECONDS + 1
    await store.append(ACME, conversation_id, messages("next", "last"))
    await store.remove(ACME, conversation_id, "msg_last")
    assert await store.items(ACME, conversation_id) == [*found[1], *messages("next")]
    assert await store.item(ACME, "msg_next") == message("msg_next", "next")
    await store.delete(ACME, conversation_id)


@pytest.mark.parametrize("scene", SCENES.values(), ids=SCENES)
async def test_a_process_may_die_between_any_two_requests(
    aws: Aws, store: DynamoConversations, clock: Clock, scene: Scene
) -> None:
    intended = await done(store, scene, "conv_1")
    is_done, cut = False, 0
    while not is_done:
        cut += 1
        for act in scene.before:
            await act(store, "conv_1")
        before = await seen(store, "conv_1")
        mortal = mortal_store(aws, clock, lives_for=cut)

        try:
            await scene.act(mortal, "conv_1")
            is_done = True
        except Unavailable:
            pass

        found = await seen(store, "conv_1")
        assert found == intended if is_done else found in (before, intended)
        await check_another_goes_on(store, clock, "conv_1", found)
        if before is not None:  # else nobody knew of it, who could have deleted it
            assert await aws.items() == []
            assert await aws.bucket.delete_prefix("") == 0


@pytest.mark.parametrize("scene", SCENES.values(), ids=SCENES)
@pytest.mark.parametrize("fault", [Losing, Throttled, Overloaded])
async def test_requests_may_be_lost_refused_and_left_undone(
    aws: Aws, store: DynamoConversations, clock: Clock, scene: Scene, fault: Fault
) -> None:
    intended = await done(store, scene, "conv_1")
    unlucky = store_of(aws, clock, fault)

    for act in (*scene.before, scene.act):
        await act(unlucky, "conv_1")

    found = await seen(store, "conv_1")
    assert found == intended
    await check_another_goes_on(store, clock, "conv_1", found)
    assert await aws.items() == []
    assert await aws.bucket.delete_prefix("") == 0


class Between(Faulty):
    """Of the first change of META the reply is lost; `happens` comes before it is sent again."""

    def __init__(
        self, real: httpx.AsyncBaseTransport, happens: Callable[[], Awaitable[object]]
    ) -> None:
        super().__init__(real)
        self.to_come = [happens]

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        reply = await super().handle_async_request(request)
        if request.headers.get("x-amz-target", "").endswith("UpdateItem") and self.to_come:
            await reply.aread()
            await reply.aclose()
            await self.to_come.pop()()
            raise httpx.ReadError("lost")
        return reply


async def added_several(store: DynamoConversations, to: str) -> None:
    for name in "xyz":
        await store.append(ACME, to, messages(name))


MEANWHILE: dict[str, Act] = {
    "added": lambda store, to: store.append(ACME, to, messages("x")),
    "removed": lambda store, to: store.remove(ACME, to, "msg_b"),
    "owned": locked,
    "several": added_several,
}


@pytest.mark.parametrize("owner", [None, "resp_0"])
@pytest.mark.parametrize("change", MEANWHILE.values(), ids=MEANWHILE)
async def test_who_was_overtaken_after_his_change_knows_that_it_was_made(
    aws: Aws, store: DynamoConversations, clock: Clock, change: Act, owner: str | None
) -> None:
    unlucky = store_of(aws, clock, lambda real: Between(real, lambda: change(store, "conv_1")))
    await store.create(ACME, conversation("conv_1"), messages("a", "b"))
    if owner is not None:
        await store.lock(ACME, "conv_1", owner, version=0, lease_seconds=LEASE_SECONDS)

    await unlucky.append(ACME, "conv_1", messages("c"), owner=owner)

    ids = [item["id"] for item in await store.items(ACME, "conv_1")]
    assert ids.count("msg_c") == 1
    assert await store.item(ACME, "msg_c") == message("msg_c", "c")


async def test_who_was_overtaken_too_often_takes_nothing_back(
    aws: Aws, store: DynamoConversations, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rejoinder.aws.standings.MAX_RECENT", 2)
    unlucky = store_of(
        aws, clock, lambda real: Between(real, lambda: added_several(store, "conv_1"))
    )
    await store.create(ACME, conversation("conv_1"), messages("a"))

    with pytest.raises(Unavailable):
        await unlucky.append(ACME, "conv_1", messages("b"))

    assert await store.items(ACME, "conv_1") == messages(*"abxyz")


async def test_a_removal_that_was_overtaken_is_done_once(
    aws: Aws, store: DynamoConversations, clock: Clock
) -> None:
    again = messages("b")
    unlucky = store_of(
        aws, clock, lambda real: Between(real, lambda: store.append(ACME, "conv_1", again))
    )
    await store.create(ACME, conversation("conv_1"), messages("a", "b"))

    await unlucky.remove(ACME, "conv_1", "msg_b")

    assert await store.items(ACME, "conv_1") == messages("a", "b")
    assert await store.item(ACME, "msg_b") == again[0]


class Before(Faulty):
    """Something `happens` before the second request."""

    def __init__(
        self, real: httpx.AsyncBaseTransport, happens: Callable[[], Awaitable[object]]
    ) -> None:
        super().__init__(real)
        self.happens = happens

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if self.requests == 1:
            await self.happens()
        return await super().handle_async_request(request)


@pytest.mark.parametrize("size", [SMALL, LARGE])
async def test_what_comes_after_a_deletion_is_taken_back(
    aws: Aws, store: DynamoConversations, clock: Clock, size: int
) -> None:
    def deleting(real: httpx.AsyncBaseTransport) -> Before:
        return Before(real, lambda: store.delete(ACME, "conv_1"))

    for act in (appending(size), removed):
        await store.create(ACME, conversation("conv_1"), asked(size, "a"))

        with pytest.raises(NotFound):
            await act(store_of(aws, clock, deleting), "conv_1")

        assert await aws.items() == []
        assert await aws.bucket.delete_prefix("") == 0


async def test_who_loses_the_conversation_while_writing_leaves_nothing(
    aws: Aws, store: DynamoConversations, clock: Clock
) -> None:
    late = store_of(aws, clock, lambda real: Before(real, lambda: locked(store, "conv_1")))
    await store.create(ACME, conversation("conv_1"), messages("a"))
    before = len(await aws.items())

    with pytest.raises(Conflict):
        await appending(LARGE)(late, "conv_1")

    assert len(await aws.items()) == before
    assert await aws.bucket.delete_prefix("") == 0


async def test_what_is_removed_between_two_pages_is_read_anew(
    aws: Aws, store: DynamoConversations, clock: Clock
) -> None:
    reader = store_of(
        aws, clock, lambda real: Before(real, lambda: store.remove(ACME, "conv_1", "msg_0"))
    )
    said = [message(f"msg_{number}", noise(120_000 + number)) for number in range(13)]
    await store.create(ACME, conversation("conv_1"), [])
    for item in said:
        await store.append(ACME, "conv_1", [item])

    assert await reader.items(ACME, "conv_1") == said[1:]


async def test_what_is_damaged_is_not_told_as_if_it_were_whole(
    aws: Aws, store: DynamoConversations
) -> None:
    await store.create(ACME, conversation("conv_1"), asked(LARGE, "a"))
    await store.append(ACME, "conv_1", messages("b"))
    await aws.bucket.delete_prefix("")

    with pytest.raises(Unavailable):
        await store.items(ACME, "conv_1")

    await store.delete(ACME, "conv_1")
    with pytest.raises(NotFound):
        await store.items(ACME, "conv_1")


async def test_a_deletion_that_was_cut_off_is_done_by_the_next(
    aws: Aws, store: DynamoConversations, clock: Clock
) -> None:
    for cut in range(1, 6):
        await store.create(ACME, conversation("conv_1"), asked(LARGE, "a"))
        with pytest.raises(Unavailable):
            await mortal_store(aws, clock, lives_for=cut).delete(ACME, "conv_1")
        assert await seen(store, "conv_1") is None

        with pytest.raises(NotFound):
            await store.delete(ACME, "conv_1")

        assert await aws.items() == []
        assert await aws.bucket.delete_prefix("") == 0


async def test_a_removal_that_was_cut_off_is_done_by_the_next(
    aws: Aws, store: DynamoConversations, clock: Clock
) -> None:
    cut, is_done = 5, False
    while not is_done:
        await store.create(ACME, conversation("conv_1"), asked(LARGE, "a"))
        try:
            await removed(mortal_store(aws, clock, lives_for=cut), "conv_1")
            is_done = True
        except Unavailable:
            with pytest.raises(NotFound):
                await removed(store, "conv_1")
        cut += 1

        assert len(await aws.items()) == 3  # META, a batch, and what leads to its item
        assert await aws.bucket.delete_prefix("") == 0
        await store.delete(ACME, "conv_1")
    assert cut > 6
