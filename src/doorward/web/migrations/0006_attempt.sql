-- How often somebody has tried, by a digest of who and what. One row a bucket.
CREATE TABLE attempt (
    bucket BYTEA PRIMARY KEY,
    window_start BIGINT NOT NULL,
    tries BIGINT NOT NULL
);
CREATE INDEX attempt_by_age ON attempt (window_start);
