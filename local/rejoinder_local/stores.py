"""Everything that the gateway keeps, in one file."""

from rejoinder.wiring import Stores
from rejoinder_local.conversations import SQLiteConversations
from rejoinder_local.deliveries import SQLiteDeliveries
from rejoinder_local.idempotency import SQLiteKeys
from rejoinder_local.jobs import SQLiteQueue
from rejoinder_local.store import SQLiteStore


def stores_of(store: SQLiteStore, queue: SQLiteQueue) -> Stores:
    """The stores that share the file of `store`."""
    database = store.database
    return Stores(
        store,
        queue,
        SQLiteKeys(database),
        SQLiteDeliveries(database),
        SQLiteConversations(database),
    )
