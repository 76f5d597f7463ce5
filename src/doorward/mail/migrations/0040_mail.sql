-- Mails that wait, were sent or were set aside. No secret is in here: links and codes are derived when a mail is sent,
-- from a challenge and the instance's secret, which is never in the database.
CREATE TABLE mail (
    id $identity,
    message_id TEXT NOT NULL,
    letter TEXT NOT NULL,
    recipient TEXT NOT NULL,
    account_id TEXT,
    challenge_id TEXT,
    language TEXT NOT NULL,
    facts TEXT NOT NULL,
    state TEXT NOT NULL,
    queued_at BIGINT NOT NULL,
    due_at BIGINT NOT NULL,
    claimed_until BIGINT NOT NULL,
    claim TEXT NOT NULL,
    tries BIGINT NOT NULL,
    why TEXT NOT NULL,
    done_at BIGINT
);
CREATE INDEX mail_waiting ON mail (due_at, id) WHERE state = 'waiting';
CREATE INDEX mail_by_recipient ON mail (recipient, id) WHERE state = 'waiting';
CREATE INDEX mail_by_account ON mail (account_id);
CREATE INDEX mail_by_end ON mail (done_at);
