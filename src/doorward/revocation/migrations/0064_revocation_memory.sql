-- How long revocations have to be remembered for the access tokens that are out there: a row for each life that was set
-- in some process, and when a process with it was last there. The longest counts until its last token has expired.
CREATE TABLE revocation_memory (
    seconds BIGINT PRIMARY KEY,
    seen_at BIGINT NOT NULL
);
