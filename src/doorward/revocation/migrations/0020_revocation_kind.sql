-- What the feed tells others: what kind of thing was revoked, and for which tokens (NULL: for all).
ALTER TABLE revocation ADD COLUMN kind TEXT NOT NULL DEFAULT 'session';
ALTER TABLE revocation ADD COLUMN not_before BIGINT;
