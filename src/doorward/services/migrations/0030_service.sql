-- Services that may ask about tokens. Of a key only its digest is here; it has 256 random bits, so that is enough.
CREATE TABLE service (
    name TEXT PRIMARY KEY,
    audience TEXT NOT NULL,
    may TEXT NOT NULL,
    digest BYTEA NOT NULL UNIQUE,
    former_digest BYTEA UNIQUE,
    former_until BIGINT,
    created_at BIGINT NOT NULL,
    rotated_at BIGINT
);
