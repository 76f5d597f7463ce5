"""``kill -9`` between a registration and its mail: none is lost, and one that comes twice is known by its Message-ID.

A real ``doorward serve`` and a real mail server over TLS.
"""

import os
import signal
from pathlib import Path

from doorward.db import Database, statement
from tests.faults.program import Program
from tests.mail.server import AUTHORITY, Postbox, listening
from tests.support.house import PASSWORD
from tests.support.waiting import until

PEOPLE = [f"person{number}@example.test" for number in range(12)]


async def test_whoever_was_told_that_a_mail_is_sent_gets_it(
    database_url: str, database: Database, tmp_path: Path
) -> None:
    """202 means that the mail is in the database; whatever happens to the process, it arrives."""
    postbox = Postbox()
    ca_file = tmp_path / "ca.pem"
    AUTHORITY.cert_pem.write_to_path(str(ca_file))
    program = Program(tmp_path, database_url)
    async with listening(postbox) as port:
        program.environment |= {
            "DOORWARD_ACCOUNTS__EMAIL_VERIFICATION": "required",
            "DOORWARD_MAIL__SMTP_URL": f"smtps://localhost:{port}",
            "DOORWARD_MAIL__FROM": "door@auth.example.test",
            "DOORWARD_MAIL__CA_FILE": str(ca_file),
        }
        with program.run() as running:
            async with program.client() as client:
                for person in PEOPLE:
                    answer = await client.post("/v1/accounts", json={"email": person, "password": PASSWORD})
                    assert answer.status_code == 202
                await until(lambda: len(postbox.mails) > 0)
                os.killpg(running.pid, signal.SIGKILL)
                running.wait()

        # The claims of the dead end after three minutes; nobody waits for that here.
        await database.write(statement("UPDATE mail SET claimed_until = 0"))
        with program.run():
            async with program.client():
                await until(lambda: {who for to in postbox.recipients for who in to} == set(PEOPLE))

    ids: dict[str, set[str]] = {}
    for mail in postbox.mails:
        ids.setdefault(str(mail["to"]), set()).add(str(mail["message-id"]))
    assert all(len(each) == 1 for each in ids.values())
