-- What an account knows. An account without a row here has no password, and costs the same hash at log-in.
CREATE TABLE password (
    account_id TEXT PRIMARY KEY REFERENCES account (id) ON DELETE CASCADE,
    hash TEXT NOT NULL,
    changed_at BIGINT NOT NULL,
    failures BIGINT NOT NULL
);
