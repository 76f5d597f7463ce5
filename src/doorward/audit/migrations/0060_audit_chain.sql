-- The trail in an order that cannot be changed unnoticed. What a writer adds has no position yet; a sealer gives it one,
-- within a second, and links it to the line before. What names a person is committed to under a salt, so that it can be
-- erased without breaking the chain.
ALTER TABLE audit_event ADD COLUMN actor TEXT NOT NULL DEFAULT '';
ALTER TABLE audit_event ADD COLUMN position BIGINT;
ALTER TABLE audit_event ADD COLUMN salt BYTEA;
ALTER TABLE audit_event ADD COLUMN commitment BYTEA;
ALTER TABLE audit_event ADD COLUMN digest BYTEA;
CREATE UNIQUE INDEX audit_event_by_position ON audit_event (position);
CREATE INDEX audit_event_unsealed ON audit_event (id) WHERE position IS NULL;
-- Where the chain stood, under a key that is not in the database. Only one can follow another.
CREATE TABLE audit_checkpoint (
    position BIGINT PRIMARY KEY,
    previous BIGINT NOT NULL UNIQUE,
    digest BYTEA NOT NULL,
    sealed_at BIGINT NOT NULL,
    mac BYTEA NOT NULL,
    anchor BYTEA
);
CREATE INDEX audit_checkpoint_by_time ON audit_checkpoint (sealed_at);
