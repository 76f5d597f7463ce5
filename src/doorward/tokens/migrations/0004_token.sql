-- One row a family, whatever the number of refreshes (architecture: refresh tokens are derived, not stored).
CREATE TABLE token_family (
    id BYTEA PRIMARY KEY,
    session_id TEXT NOT NULL REFERENCES session (id) ON DELETE CASCADE,
    client_id TEXT NOT NULL,
    scope TEXT NOT NULL,
    generation BIGINT NOT NULL,
    rotated_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    revoked_at BIGINT
);
CREATE INDEX token_family_by_session ON token_family (session_id);

-- Signing keys: the private half is sealed with the instance's secret, and erased when the key is retired.
CREATE TABLE signing_key (
    kid TEXT PRIMARY KEY,
    algorithm TEXT NOT NULL,
    state TEXT NOT NULL,
    sealed BYTEA NOT NULL,
    created_at BIGINT NOT NULL,
    activated_at BIGINT,
    verify_until BIGINT
);
CREATE UNIQUE INDEX signing_key_active ON signing_key (state) WHERE state = 'active';
CREATE UNIQUE INDEX signing_key_staged ON signing_key (state) WHERE state = 'staged';
