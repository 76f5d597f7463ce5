"""The small schema of these tests, so that they do not depend on the program's."""

from doorward.db.migrate import migration

MIGRATIONS = (
    migration(
        "0001_tables",
        """
        CREATE TABLE family (id BIGINT PRIMARY KEY, generation BIGINT NOT NULL, label TEXT);
        CREATE TABLE person (id $identity, login TEXT NOT NULL UNIQUE, nick TEXT, team TEXT, UNIQUE (nick, team));
        CREATE TABLE note (id BIGINT PRIMARY KEY, person_id BIGINT NOT NULL REFERENCES person (id), body BYTEA);
        CREATE UNIQUE INDEX note_body ON note (body);
        INSERT INTO family (id, generation) VALUES (1, 0), (2, 0);
        """,
    ),
)
