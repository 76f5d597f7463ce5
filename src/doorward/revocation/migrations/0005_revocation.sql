-- What is no longer to be believed, until the last token that could say so has expired by itself.
CREATE TABLE revocation (
    id $identity,
    digest BYTEA NOT NULL,
    recorded_at BIGINT NOT NULL,
    forget_at BIGINT NOT NULL
);
CREATE INDEX revocation_by_end ON revocation (forget_at);
