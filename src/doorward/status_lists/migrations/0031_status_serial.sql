-- The next serial that nobody has, and the key by which serials are spread over a list. One row.
CREATE TABLE status_serial (
    id BIGINT PRIMARY KEY,
    next BIGINT NOT NULL,
    spread BYTEA NOT NULL
);
