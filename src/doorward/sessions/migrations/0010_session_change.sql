-- What was changed about sessions that go on: the next generation of a cookie, the roles of an account. Processes that
-- keep sessions in memory read these rows and forget what they name; an hour later nobody needs them.
CREATE TABLE session_change (
    id $identity,
    digest BYTEA NOT NULL,
    recorded_at BIGINT NOT NULL
);
CREATE INDEX session_change_by_age ON session_change (recorded_at);
