-- How far a file has been imported, by the digest of its content: written with each batch, so that going on after a
-- crash, or running the same file again, does nothing twice.
CREATE TABLE import_run (
    digest BYTEA PRIMARY KEY,
    format TEXT NOT NULL,
    position BIGINT NOT NULL,
    imported BIGINT NOT NULL,
    skipped BIGINT NOT NULL,
    refused BIGINT NOT NULL,
    started_at BIGINT NOT NULL,
    finished_at BIGINT
);
