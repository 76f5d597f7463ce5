-- What an account knows. An account without a row here has no password, and costs the same hash at log-in.
-- The version counts changes of the password, not of its hash: a hash is renewed without the password being another.
CREATE TABLE password (
    account_id TEXT PRIMARY KEY REFERENCES account (id) ON DELETE CASCADE,
    hash TEXT NOT NULL,
    version BIGINT NOT NULL,
    changed_at BIGINT NOT NULL,
    failures BIGINT NOT NULL
);
