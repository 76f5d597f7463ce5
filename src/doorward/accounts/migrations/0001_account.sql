-- Who is known here. The keys hold what is compared: the address and the name, normalised and without letter case.
CREATE TABLE account (
    id TEXT PRIMARY KEY,
    email TEXT NOT NULL,
    email_key TEXT NOT NULL UNIQUE,
    email_verified_at BIGINT,
    username TEXT,
    username_key TEXT UNIQUE,
    profile TEXT NOT NULL,
    roles TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    last_login_at BIGINT,
    disabled_at BIGINT
);
CREATE INDEX account_by_age ON account (created_at, id);
