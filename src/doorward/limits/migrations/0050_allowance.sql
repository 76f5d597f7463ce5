-- How many tries have passed, by a digest of who and what. One row a bucket; it takes the place of table attempt.
DROP TABLE attempt;
CREATE TABLE allowance (
    bucket BYTEA PRIMARY KEY,
    tries BIGINT NOT NULL,
    tried_at BIGINT NOT NULL,
    forget_at BIGINT NOT NULL,
    allowed BIGINT NOT NULL,
    grows BIGINT NOT NULL
);
CREATE INDEX allowance_by_age ON allowance (forget_at);
