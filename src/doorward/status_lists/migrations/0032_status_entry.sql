-- Which session has which place in the status lists. No reference: an entry whose session is gone means "invalid", so a
-- deleted account's tokens stay so. Entries are forgotten when no token can name them any more.
CREATE TABLE status_entry (
    serial BIGINT PRIMARY KEY,
    session_id TEXT NOT NULL UNIQUE,
    forget_at BIGINT NOT NULL
);
CREATE INDEX status_entry_by_end ON status_entry (forget_at);
