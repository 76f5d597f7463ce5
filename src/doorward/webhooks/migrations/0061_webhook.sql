-- Who is told of what. There is no secret here: it is derived from the instance's, the endpoint's id and a generation.
-- The cursor is the place in the audit trail up to which deliveries have been made of it.
CREATE TABLE webhook_endpoint (
    id TEXT PRIMARY KEY,
    url TEXT NOT NULL,
    events TEXT NOT NULL,
    key_id BYTEA NOT NULL,
    generation BIGINT NOT NULL,
    former_key_id BYTEA,
    former_until BIGINT NOT NULL,
    cursor BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    failing_since BIGINT,
    disabled_at BIGINT
);
-- The outbox: one row for each event and endpoint. What is claimed is due again when its lease is over.
CREATE TABLE webhook_delivery (
    id $identity,
    endpoint_id TEXT NOT NULL REFERENCES webhook_endpoint (id) ON DELETE CASCADE,
    message_id TEXT NOT NULL,
    event TEXT NOT NULL,
    body TEXT NOT NULL,
    state TEXT NOT NULL,
    attempts BIGINT NOT NULL,
    due_at BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    finished_at BIGINT,
    answer TEXT NOT NULL
);
CREATE UNIQUE INDEX webhook_delivery_once ON webhook_delivery (endpoint_id, message_id);
CREATE INDEX webhook_delivery_due ON webhook_delivery (due_at) WHERE state = 'pending';
CREATE INDEX webhook_delivery_finished ON webhook_delivery (finished_at) WHERE state <> 'pending';
