"""What every `ConversationStore` must do: one collection of tests for all of them.

A store joins by a subclass of `ConversationsContract` with a fixture `conversations`, which makes
an empty one on the `clock`. Whether a lease has run out is told by that clock only.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence

import pytest

from rejoinder.errors import Conflict, NotFound
from rejoinder.schema.conversation import Conversation
from rejoinder.schema.items import Item
from rejoinder.storage.conversations import ConversationStore, KeptConversation
from tests.storage.contract import ACME, NOW, OTHER, UNICODE, Clock, message

ID = "conv_1"
MANY = 101  # more than any cloud's store writes at once
LEASE_SECONDS = 30.0


def conversation(conversation_id: str = ID, **metadata: str) -> Conversation:
    """A conversation as the API has it."""
    return Conversation(id=conversation_id, created_at=NOW, metadata=metadata)


def messages(*names: str) -> list[Item]:
    """One message for each name."""
    return [message(f"msg_{name}", name) for name in names]


async def begun(store: ConversationStore, *names: str, conversation_id: str = ID) -> None:
    """A conversation of the tenant, in which these were said."""
    await store.create(ACME, conversation(conversation_id), messages(*names))


async def lock(store: ConversationStore, owner: str, conversation_id: str = ID) -> None:
    """Own a conversation as it stands."""
    kept = await store.get(ACME, conversation_id)
    await store.lock(
        ACME, conversation_id, owner, version=kept.version, lease_seconds=LEASE_SECONDS
    )


def uses(store: ConversationStore, tenant: str = ACME) -> Sequence[Callable[[], Awaitable[object]]]:
    """Every way to use a conversation that must be there."""
    return [
        lambda: store.get(tenant, ID),
        lambda: store.update(tenant, ID, {}),
        lambda: store.items(tenant, ID),
        lambda: store.item(tenant, "msg_a", ID),
        lambda: store.item(tenant, "msg_a"),
        lambda: store.append(tenant, ID, messages("z")),
        lambda: store.append(tenant, ID, messages("z"), owner="resp_1"),
        lambda: store.remove(tenant, ID, "msg_a"),
        lambda: store.lock(tenant, ID, "resp_1", version=0, lease_seconds=LEASE_SECONDS),
        lambda: store.delete(tenant, ID),
    ]


class ConversationsContract:
    """The promises of `rejoinder.storage.conversations`, one by one."""

    # What is written is read.

    async def test_a_new_conversation_is_there_with_its_items(
        self, conversations: ConversationStore
    ) -> None:
        await conversations.create(ACME, conversation(topic="tea"), messages("a", "b"))

        kept = await conversations.get(ACME, ID)
        assert kept == KeptConversation(conversation(topic="tea"), kept.version, None)
        assert await conversations.items(ACME, ID) == messages("a", "b")

    async def test_a_conversation_may_begin_with_nothing(
        self, conversations: ConversationStore
    ) -> None:
        await begun(conversations)

        assert await conversations.items(ACME, ID) == []

    async def test_items_are_kept_in_the_order_of_their_coming(
        self, conversations: ConversationStore
    ) -> None:
        await begun(conversations, "z")

        await conversations.append(ACME, ID, messages("c", "b"))
        await conversations.append(ACME, ID, messages("a"))

        assert await conversations.items(ACME, ID) == messages("z", "c", "b", "a")

    async def test_texts_are_kept_to_the_last_character(
        self, conversations: ConversationStore
    ) -> None:
        said = [message("msg_odd", UNICODE), message("msg_long", "long " * 100_000)]

        await conversations.create(ACME, conversation(topic=UNICODE), said)

        assert await conversations.items(ACME, ID) == said
        assert (await conversations.get(ACME, ID)).conversation.metadata == {"topic": UNICODE}

    async def test_many_items_come_all_at_once(self, conversations: ConversationStore) -> None:
        await begun(conversations, "first")
        many = messages(*map(str, range(MANY)))
        lengths: set[int] = set()

        async def look() -> None:
            while True:
                lengths.add(len(await conversations.items(ACME, ID)))
                await asyncio.sleep(0)

        looking = asyncio.create_task(look())
        await conversations.append(ACME, ID, many)
        looking.cancel()
        await asyncio.wait({looking})

        assert await conversations.items(ACME, ID) == [*messages("first"), *many]
        assert lengths <= {1, 1 + MANY}

    async def test_metadata_are_replaced(self, conversations: ConversationStore) -> None:
        await conversations.create(ACME, conversation(a="1", b="2"), messages("a"))

        changed = await conversations.update(ACME, ID, {"c": "3"})

        assert changed == conversation(c="3")
        assert (await conversations.get(ACME, ID)).conversation == changed
        assert await conversations.items(ACME, ID) == messages("a")

    # Items by their ids.

    async def test_an_item_is_found_with_and_without_its_conversation(
        self, conversations: ConversationStore
    ) -> None:
        await begun(conversations, "a", "b")

        assert await conversations.item(ACME, "msg_b", ID) == message("msg_b", "b")
        assert await conversations.item(ACME, "msg_b") == message("msg_b", "b")

    async def test_an_item_is_found_only_where_it_is(
        self, conversations: ConversationStore
    ) -> None:
        await begun(conversations, "a")
        await begun(conversations, "b", conversation_id="conv_2")

        with pytest.raises(NotFound) as refused:
            await conversations.item(ACME, "msg_b", ID)
        assert refused.value.code == "item_not_found"

    async def test_of_several_items_of_one_id_the_newest_is_found(
        self, conversations: ConversationStore
    ) -> None:
        await conversations.create(ACME, conversation(), [message("msg_a", "old")])
        await conversations.create(ACME, conversation("conv_2"), [message("msg_a", "new")])

        assert await conversations.item(ACME, "msg_a") == message("msg_a", "new")
        assert await conversations.item(ACME, "msg_a", ID) == message("msg_a", "old")

    async def test_a_removed_item_is_gone_and_the_others_stay(
        self, conversations: ConversationStore
    ) -> None:
        await begun(conversations, "a", "b", "c")

        await conversations.remove(ACME, ID, "msg_b")

        assert await conversations.items(ACME, ID) == messages("a", "c")
        for where in (ID, None):
            with pytest.raises(NotFound):
                await conversations.item(ACME, "msg_b", where)

    async def test_an_item_that_is_not_there_cannot_be_removed(
        self, conversations: ConversationStore
    ) -> None:
        await begun(conversations, "a")
        await begun(conversations, "b", conversation_id="conv_2")

        with pytest.raises(NotFound) as refused:
            await conversations.remove(ACME, ID, "msg_b")

        assert refused.value.code == "item_not_found"
        assert await conversations.items(ACME, "conv_2") == messages("b")

    async def test_what_comes_after_a_removal_is_last(
        self, conversations: ConversationStore
    ) -> None:
        await begun(conversations, "a", "b")
        await conversations.remove(ACME, ID, "msg_b")

        await conversations.append(ACME, ID, messages("c"))

        assert await conversations.items(ACME, ID) == messages("a", "c")

    # What is another's, or deleted, does not exist.

    async def test_a_deleted_conversation_is_gone_with_all_it_had(
        self, conversations: ConversationStore
    ) -> None:
        await begun(conversations, "a")
        await conversations.delete(ACME, ID)

        for use in uses(conversations):
            with pytest.raises(NotFound):
                await use()

    async def test_what_belongs_to_another_tenant_does_not_exist(
        self, conversations: ConversationStore
    ) -> None:
        await begun(conversations, "a")

        for use in uses(conversations, OTHER):
            with pytest.raises(NotFound):
                await use()

        assert await conversations.items(ACME, ID) == messages("a")

    async def test_two_tenants_may_use_the_same_ids(self, conversations: ConversationStore) -> None:
        await begun(conversations, "a")
        await conversations.create(OTHER, conversation(), [message("msg_a", "theirs")])

        await conversations.delete(ACME, ID)

        assert await conversations.items(OTHER, ID) == [message("msg_a", "theirs")]
        assert await conversations.item(OTHER, "msg_a") == message("msg_a", "theirs")

    async def test_what_is_not_there_is_named(self, conversations: ConversationStore) -> None:
        with pytest.raises(NotFound) as refused:
            await conversations.get(ACME, "conv_0")

        assert refused.value.code == "conversation_not_found"
        assert "conv_0" in refused.value.message

    async def test_nothing_expires(self, conversations: ConversationStore, clock: Clock) -> None:
        await begun(conversations, "a")

        clock.now += 100 * 365 * 24 * 3600

        assert await conversations.items(ACME, ID) == messages("a")

    # Owners.

    async def test_an_owner_is_known(self, conversations: ConversationStore) -> None:
        await begun(conversations)

        await lock(conversations, "resp_1")

        assert (await conversations.get(ACME, ID)).owner == "resp_1"

    async def test_only_the_owner_may_add_and_lets_go_by_it(
        self, conversations: ConversationStore
    ) -> None:
        await begun(conversations, "a")
        await lock(conversations, "resp_1")

        for owner in (None, "resp_2"):
            with pytest.raises(Conflict):
                await conversations.append(ACME, ID, messages("x"), owner=owner)
        await conversations.append(ACME, ID, messages("b"), owner="resp_1")

        assert await conversations.items(ACME, ID) == messages("a", "b")
        assert (await conversations.get(ACME, ID)).owner is None

    async def test_who_owns_nothing_adds_nothing(self, conversations: ConversationStore) -> None:
        await begun(conversations, "a")

        with pytest.raises(Conflict):
            await conversations.append(ACME, ID, messages("x"), owner="resp_1")

        assert await conversations.items(ACME, ID) == messages("a")

    async def test_an_owner_adds_once_only(self, conversations: ConversationStore) -> None:
        await begun(conversations)
        await lock(conversations, "resp_1")
        await conversations.append(ACME, ID, messages("a"), owner="resp_1")

        with pytest.raises(Conflict):
            await conversations.append(ACME, ID, messages("a"), owner="resp_1")

        assert await conversations.items(ACME, ID) == messages("a")

    async def test_an_owned_conversation_has_no_other_owner_and_loses_nothing(
        self, conversations: ConversationStore
    ) -> None:
        await begun(conversations, "a")
        await lock(conversations, "resp_1")

        with pytest.raises(Conflict):
            await lock(conversations, "resp_2")
        with pytest.raises(Conflict):
            await conversations.remove(ACME, ID, "msg_a")

        assert (await conversations.get(ACME, ID)).owner == "resp_1"
        assert await conversations.items(ACME, ID) == messages("a")

    async def test_of_many_who_want_it_at_once_one_owns_it(
        self, conversations: ConversationStore
    ) -> None:
        await begun(conversations)

        tries = [lock(conversations, f"resp_{number}") for number in range(8)]
        results = await asyncio.gather(*tries, return_exceptions=True)

        assert results.count(None) == 1
        assert sum(isinstance(result, Conflict) for result in results) == 7

    async def test_a_conversation_that_was_let_go_of_is_free(
        self, conversations: ConversationStore
    ) -> None:
        await begun(conversations)
        await lock(conversations, "resp_1")

        await conversations.unlock(ACME, ID, "resp_1")

        assert (await conversations.get(ACME, ID)).owner is None
        await lock(conversations, "resp_2")

    async def test_nobody_lets_go_of_what_another_owns(
        self, conversations: ConversationStore
    ) -> None:
        await begun(conversations)
        await lock(conversations, "resp_1")

        await conversations.unlock(ACME, ID, "resp_2")
        await conversations.unlock(OTHER, ID, "resp_1")
        await conversations.unlock(ACME, "conv_0", "resp_1")

        assert (await conversations.get(ACME, ID)).owner == "resp_1"

    async def test_an_owner_does_not_keep_others_from_the_rest(
        self, conversations: ConversationStore
    ) -> None:
        await begun(conversations, "a")
        await lock(conversations, "resp_1")

        await conversations.update(ACME, ID, {"topic": "tea"})
        await begun(conversations, "b", conversation_id="conv_2")
        await lock(conversations, "resp_2", "conv_2")

        assert (await conversations.get(ACME, ID)).owner == "resp_1"
        await conversations.delete(ACME, ID)
        with pytest.raises(NotFound):
            await conversations.append(ACME, ID, messages("c"), owner="resp_1")

    # Leases.

    async def test_a_lease_that_has_run_out_frees_a_conversation(
        self, conversations: ConversationStore, clock: Clock
    ) -> None:
        await begun(conversations)
        await lock(conversations, "resp_1")

        clock.now += LEASE_SECONDS + 1
        await lock(conversations, "resp_2")

        with pytest.raises(Conflict):
            await conversations.append(ACME, ID, messages("x"), owner="resp_1")
        with pytest.raises(Conflict):
            await conversations.renew(ACME, ID, "resp_1", lease_seconds=LEASE_SECONDS)
        assert (await conversations.get(ACME, ID)).owner == "resp_2"

    async def test_a_late_owner_may_still_add_what_nobody_came_before(
        self, conversations: ConversationStore, clock: Clock
    ) -> None:
        await begun(conversations)
        await lock(conversations, "resp_1")

        clock.now += LEASE_SECONDS + 1
        await conversations.append(ACME, ID, messages("a"), owner="resp_1")

        assert await conversations.items(ACME, ID) == messages("a")

    async def test_who_changes_a_conversation_after_the_lease_shuts_the_owner_out(
        self, conversations: ConversationStore, clock: Clock
    ) -> None:
        await begun(conversations, "a")
        await lock(conversations, "resp_1")

        clock.now += LEASE_SECONDS + 1
        await conversations.append(ACME, ID, messages("b"))

        with pytest.raises(Conflict):
            await conversations.append(ACME, ID, messages("x"), owner="resp_1")
        assert await conversations.items(ACME, ID) == messages("a", "b")

    async def test_a_removal_after_the_lease_shuts_the_owner_out(
        self, conversations: ConversationStore, clock: Clock
    ) -> None:
        await begun(conversations, "a", "b")
        await lock(conversations, "resp_1")

        clock.now += LEASE_SECONDS + 1
        await conversations.remove(ACME, ID, "msg_a")

        with pytest.raises(Conflict):
            await conversations.append(ACME, ID, messages("x"), owner="resp_1")
        assert await conversations.items(ACME, ID) == messages("b")

    async def test_a_renewed_lease_holds_for_longer(
        self, conversations: ConversationStore, clock: Clock
    ) -> None:
        await begun(conversations)
        await lock(conversations, "resp_1")

        for _ in range(3):
            clock.now += LEASE_SECONDS - 1
            await conversations.renew(ACME, ID, "resp_1", lease_seconds=LEASE_SECONDS)

        with pytest.raises(Conflict):
            await lock(conversations, "resp_2")

    async def test_what_was_let_go_of_is_not_renewed(
        self, conversations: ConversationStore
    ) -> None:
        await begun(conversations)
        await lock(conversations, "resp_1")
        await conversations.unlock(ACME, ID, "resp_1")

        for tenant, conversation_id in ((ACME, ID), (OTHER, ID), (ACME, "conv_0")):
            with pytest.raises(Conflict):
                await conversations.renew(
                    tenant, conversation_id, "resp_1", lease_seconds=LEASE_SECONDS
                )
        assert (await conversations.get(ACME, ID)).owner is None

    # Versions.

    async def test_nobody_owns_what_is_not_as_it_was_read(
        self, conversations: ConversationStore
    ) -> None:
        changes: Sequence[Callable[[], Awaitable[None]]] = [
            lambda: conversations.append(ACME, ID, messages("b")),
            lambda: conversations.remove(ACME, ID, "msg_a"),
        ]
        await begun(conversations, "a")

        for change in changes:
            version = (await conversations.get(ACME, ID)).version
            await change()
            with pytest.raises(Conflict):
                await conversations.lock(
                    ACME, ID, "resp_1", version=version, lease_seconds=LEASE_SECONDS
                )

        assert (await conversations.get(ACME, ID)).owner is None

    async def test_metadata_and_owners_that_left_nothing_are_no_new_version(
        self, conversations: ConversationStore
    ) -> None:
        await begun(conversations, "a")
        version = (await conversations.get(ACME, ID)).version

        await conversations.update(ACME, ID, {"topic": "tea"})
        await lock(conversations, "resp_1")
        await conversations.unlock(ACME, ID, "resp_1")

        assert (await conversations.get(ACME, ID)).version == version
