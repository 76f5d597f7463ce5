-- Challenges that have been answered, so that an answer counts once. Kept longer than an answer can be valid.
CREATE TABLE spent_challenge (
    handle BYTEA PRIMARY KEY,
    forget_at BIGINT NOT NULL
);
CREATE INDEX spent_challenge_by_age ON spent_challenge (forget_at);
