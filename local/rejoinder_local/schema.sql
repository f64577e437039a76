-- The embedded store. Times are Unix seconds; bodies are zlib-compressed JSON.
-- A response is a small row that changes often; what it was made from is written once.

CREATE TABLE IF NOT EXISTS responses (
    row        INTEGER PRIMARY KEY,
    tenant     TEXT NOT NULL,
    id         TEXT NOT NULL,
    status     TEXT NOT NULL,
    expires_at INTEGER NOT NULL,
    deleted_at INTEGER,
    writer     TEXT NOT NULL DEFAULT '',     -- who may write it while it is live
    held_until REAL NOT NULL DEFAULT 0,      -- until then no other job may take it over
    attempts   INTEGER NOT NULL DEFAULT 0,   -- how often it was held to be made
    is_followed INTEGER NOT NULL DEFAULT 0,  -- whether a reader follows it
    body       BLOB NOT NULL,
    UNIQUE (tenant, id)
);
CREATE INDEX IF NOT EXISTS responses_by_expiry ON responses (expires_at);
CREATE INDEX IF NOT EXISTS responses_deleted ON responses (deleted_at) WHERE deleted_at IS NOT NULL;
CREATE INDEX IF NOT EXISTS responses_live ON responses (status)
    WHERE status IN ('queued', 'in_progress');

CREATE TABLE IF NOT EXISTS contexts (
    response INTEGER PRIMARY KEY REFERENCES responses ON DELETE CASCADE,
    history  BLOB NOT NULL,
    input    BLOB NOT NULL,
    tools    BLOB NOT NULL,
    request  BLOB  -- of a background response
);

-- Batches of events, keyed by the number of their last one: "all after n" is one range.
CREATE TABLE IF NOT EXISTS batches (
    response      INTEGER NOT NULL REFERENCES responses ON DELETE CASCADE,
    last_number   INTEGER NOT NULL,
    is_compressed INTEGER NOT NULL,
    frames        BLOB NOT NULL,
    PRIMARY KEY (response, last_number)
) WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS items (
    tenant   TEXT NOT NULL,
    id       TEXT NOT NULL,
    response INTEGER NOT NULL REFERENCES responses ON DELETE CASCADE,
    PRIMARY KEY (tenant, id, response)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS items_by_response ON items (response);

-- A job is claimed by moving `available_at` to the end of its lease.
CREATE TABLE IF NOT EXISTS jobs (
    job          INTEGER PRIMARY KEY,
    kind         TEXT NOT NULL,
    tenant       TEXT NOT NULL,
    subject      TEXT NOT NULL,
    content      BLOB NOT NULL,
    sent_at      REAL NOT NULL,
    available_at REAL NOT NULL,
    attempt      INTEGER NOT NULL DEFAULT 1,
    owner        TEXT
);
CREATE INDEX IF NOT EXISTS jobs_by_time ON jobs (available_at, job);

CREATE TABLE IF NOT EXISTS idempotency (
    tenant      TEXT NOT NULL,
    key         TEXT NOT NULL,
    digest      TEXT NOT NULL,
    response_id TEXT NOT NULL,
    reserved_until REAL NOT NULL,
    expires_at  INTEGER NOT NULL,
    PRIMARY KEY (tenant, key)
) WITHOUT ROWID;

-- What became of each attempt to deliver a webhook.
CREATE TABLE IF NOT EXISTS deliveries (
    delivery   INTEGER PRIMARY KEY,
    tenant     TEXT NOT NULL,
    webhook    TEXT NOT NULL,
    event      BLOB NOT NULL,
    attempt    INTEGER NOT NULL,
    at         INTEGER NOT NULL,
    outcome    TEXT NOT NULL,
    expires_at INTEGER NOT NULL
);
CREATE INDEX IF NOT EXISTS deliveries_by_tenant ON deliveries (tenant, delivery);

-- Conversations stay until they are deleted. Owned by a response while it is made in one.
CREATE TABLE IF NOT EXISTS conversations (
    row         INTEGER PRIMARY KEY,
    tenant      TEXT NOT NULL,
    id          TEXT NOT NULL,
    body        BLOB NOT NULL,
    version     INTEGER NOT NULL DEFAULT 0,  -- counts the changes of the items
    owner       TEXT,
    owned_until REAL NOT NULL DEFAULT 0,
    UNIQUE (tenant, id)
);

CREATE TABLE IF NOT EXISTS conversation_items (
    position     INTEGER PRIMARY KEY,  -- later ones have greater numbers
    conversation INTEGER NOT NULL REFERENCES conversations ON DELETE CASCADE,
    tenant       TEXT NOT NULL,
    id           TEXT NOT NULL,
    body         BLOB NOT NULL
);
CREATE INDEX IF NOT EXISTS conversation_items_in_order
    ON conversation_items (conversation, position);
CREATE INDEX IF NOT EXISTS conversation_items_by_id ON conversation_items (tenant, id);
