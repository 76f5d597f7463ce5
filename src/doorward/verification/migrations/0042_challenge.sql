-- One-time secrets with a purpose. The link and the code are derived from the handle, the generation and the instance's
-- secret, so this table opens nothing. A challenge without an account is a decoy: it costs the same and proves nothing.
CREATE TABLE challenge (
    id TEXT PRIMARY KEY,
    handle BYTEA NOT NULL UNIQUE,
    generation BIGINT NOT NULL,
    key_id BYTEA NOT NULL,
    purpose TEXT NOT NULL,
    account_id TEXT REFERENCES account (id) ON DELETE CASCADE,
    address TEXT NOT NULL,
    payload TEXT,
    tries BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    ended_at BIGINT
);
CREATE INDEX challenge_by_account ON challenge (account_id, purpose);
CREATE INDEX challenge_by_end ON challenge (expires_at);
