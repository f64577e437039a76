"""The one table: its keys, its index, its expiry.

This module imports nothing, so that the stack and the tests read the same table as the stores.
A tenant is a part of every partition key; its name is escaped, so that it cannot hold the `#`
that parts end with, and what a client chooses is always the last part.
"""

from hashlib import sha256
from urllib.parse import quote

PK = "pk"
SK = "sk"
EXPIRES_AT = "expires_at"  # Unix seconds; DynamoDB removes the item some time after
WAITING = "waiting"  # on the META of a background response that no worker has yet
WAITING_INDEX = "waiting"
LONG_ID = 256  # characters of an id; longer ones, as clients may make them, are hashed
RESPONSE_OBJECTS = "tenant="  # how keys of objects begin that may go when responses expire

# As CreateTable takes it, but for the name.
TABLE = {
    "AttributeDefinitions": [
        {"AttributeName": PK, "AttributeType": "S"},
        {"AttributeName": SK, "AttributeType": "S"},
        {"AttributeName": WAITING, "AttributeType": "S"},
    ],
    "KeySchema": [
        {"AttributeName": PK, "KeyType": "HASH"},
        {"AttributeName": SK, "KeyType": "RANGE"},
    ],
    "GlobalSecondaryIndexes": [
        {
            "IndexName": WAITING_INDEX,
            "KeySchema": [{"AttributeName": WAITING, "KeyType": "HASH"}],
            "Projection": {"ProjectionType": "KEYS_ONLY"},
        }
    ],
    "BillingMode": "PAY_PER_REQUEST",
}
TIME_TO_LIVE = {"Enabled": True, "AttributeName": EXPIRES_AT}


def tenant_key(tenant: str) -> str:
    """How every key of a tenant begins; also what counts its waiting responses."""
    return f"T#{quote(tenant, safe='')}"


def idempotency_key(tenant: str, key: str) -> dict[str, dict[str, str]]:
    """What stands for a request that may be sent twice."""
    return {PK: {"S": f"{tenant_key(tenant)}#K#{key}"}, SK: {"S": "KEY"}}


def deliveries_key(tenant: str) -> str:
    """The partition of a tenant's webhook deliveries, sorted by their time."""
    return f"{tenant_key(tenant)}#D"


def api_key_key(digest: str) -> dict[str, dict[str, str]]:
    """What an API key opens; the digest stands for the key."""
    return {PK: {"S": f"KEY#{digest}"}, SK: {"S": "KEY"}}


# A response's partition, in the order of its sort keys, so that one query reads from META
# backwards to the newest events, or from ORIGIN backwards all that a turn builds on.
EVENTS = "EV#"  # EV#<number of its last event, 10 digits>#<random>
META = "META"
ORIGIN = "ORIGIN"


def response_key(tenant: str, response_id: str) -> str:
    """The partition of a response."""
    return f"{tenant_key(tenant)}#R#{response_id}"


def item_key(tenant: str, item_id: str) -> str:
    """The partition that tells which responses and conversations hold an item."""
    return f"{tenant_key(tenant)}#I#{_bounded(item_id)}"


def objects_prefix(tenant: str, response_id: str) -> str:
    """How the keys of all objects of a response begin."""
    return f"{RESPONSE_OBJECTS}{quote(tenant, safe='')}/{response_id}/"


# A conversation's partition: here, too, one query backwards from META reads all that counts.
BATCHES = "BATCH#"  # BATCH#<the version that it makes, 10 digits>#<random>
IN_CONVERSATION = "C#"  # in an item's partition: C#<nanoseconds, 20 digits>#<conversation id>


def conversation_key(tenant: str, conversation_id: str) -> str:
    """The partition of a conversation."""
    return f"{tenant_key(tenant)}#C#{_bounded(conversation_id)}"


def conversation_objects(tenant: str, conversation_id: str) -> str:
    """How the keys of all objects of a conversation begin; they never expire."""
    return f"conversations/tenant={quote(tenant, safe='')}/{conversation_id}/"


def _bounded(client_id: str) -> str:
    if len(client_id) <= LONG_ID:
        return client_id
    return f"#{sha256(client_id.encode()).hexdigest()}"
