-- A signed-in browser or device. The handle is nowhere but here and in the cookie; the digest is what a revocation
-- of this session is called in the feed.
CREATE TABLE session (
    id TEXT PRIMARY KEY,
    account_id TEXT NOT NULL REFERENCES account (id) ON DELETE CASCADE,
    handle BYTEA NOT NULL UNIQUE,
    generation BIGINT NOT NULL,
    digest BYTEA NOT NULL,
    transport TEXT NOT NULL,
    amr TEXT NOT NULL,
    auth_time BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    last_seen_at BIGINT NOT NULL,
    idle_lifetime BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    remembered BIGINT NOT NULL,
    user_agent TEXT NOT NULL,
    ip_prefix TEXT NOT NULL,
    ended_at BIGINT
);
CREATE INDEX session_by_account ON session (account_id, created_at, id);
CREATE INDEX session_by_end ON session (expires_at);
