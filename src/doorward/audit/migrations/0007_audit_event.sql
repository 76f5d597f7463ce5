-- The trail of security events: once each, without secrets, in the transaction of the act itself.
CREATE TABLE audit_event (
    id $identity,
    recorded_at BIGINT NOT NULL,
    event TEXT NOT NULL,
    account_id TEXT,
    session_id TEXT,
    request_id TEXT NOT NULL,
    ip_prefix TEXT NOT NULL,
    detail TEXT NOT NULL
);
CREATE INDEX audit_event_by_account ON audit_event (account_id, id);
