"""The doorward in front of the services: a real one over TLS, with people, log-outs and many sessions at once."""

import asyncio
import itertools
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import httpx2

from doorward.app import Doorward
from doorward.core.source import Source
from doorward.settings import Settings
from tests.support.house import PASSWORD
from tests.support.served import SCRIPT, Served, wait_for_screen

EMAIL = "ada@example.test"
ROOMY = {"DOORWARD_SESSIONS__MAX_PER_ACCOUNT": "100000"}
"""The setting without which a log-in would end what is too many."""

_BATCH = 200


class Issuer:
    """A served instance whose one account logs in and out."""

    def __init__(self, served: Served) -> None:
        """Register somebody."""
        self.served = served
        self._client = served.client()
        answer = self._client.post("/v1/accounts", json={"email": EMAIL, "password": PASSWORD})
        assert answer.status_code == 201, answer.text

    def log_in(self) -> str:
        """Return an access token of a new session."""
        answer = self._client.post("/v1/login", json={"login": EMAIL, "password": PASSWORD})
        assert answer.status_code == 200, answer.text
        return str(answer.json()["access_token"])

    def log_out(self, token: str, **how: object) -> None:
        """Return when the server has said 204. A connection that a restart has closed is replaced."""
        try:
            self._log_out(token, how)
        except httpx2.TransportError:
            self._client.close()
            self._client = self.served.client()
            self._log_out(token, how)

    def many_sessions(self, count: int) -> list[str]:
        """Start sessions beside the server, without the cost of a log-in for each; return their access tokens."""
        return asyncio.run(self._many_sessions(count))

    @contextmanager
    def killed(self) -> Iterator[None]:
        """Kill the server without a word, and start it again when the block is over."""
        self.served.process.kill()
        self.served.process.communicate()
        yield
        process = subprocess.Popen(
            [SCRIPT, "serve"],
            cwd=self.served.folder,
            env=self.served.environment,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        self.served = replace(self.served, process=process)
        wait_for_screen(process)

    def stop(self) -> None:
        """Stop the server that was started last, if it is another than the first."""
        self._client.close()
        if self.served.process.poll() is None:
            self.served.process.terminate()
            self.served.process.communicate(timeout=20)

    def _log_out(self, token: str, how: dict[str, object]) -> None:
        answer = self._client.post("/v1/logout", json=how, headers={"Authorization": f"Bearer {token}"})
        assert answer.status_code == 204, answer.text

    async def _many_sessions(self, count: int) -> list[str]:
        served = self.served
        settings = Settings.load(
            environ=served.environment, env_file=served.folder / ".env", data_dir=str(served.folder / "data")
        )
        auth = Doorward(settings)
        async with auth.lifespan():
            account = await auth.accounts.find_by_email(EMAIL)
            now = auth._clock()
            sessions = [
                auth.sessions.new(
                    account.id, transport="bearer", remember=False, amr=("pwd",), source=Source(), now=now
                )
                for _ in range(count)
            ]
            statements = [auth.sessions.starting(session, live=0, now=now) for session in sessions]
            for start in range(0, count, _BATCH):
                await auth._database.write(*itertools.chain(*statements[start : start + _BATCH]))
            tokens = [await auth.tokens.for_session(session, roles=(), email_verified=False) for session in sessions]
            return [token.text for token in tokens]


@contextmanager
def issuing(served: Served) -> Iterator[Issuer]:
    """Stop what was restarted, in the end."""
    issuer = Issuer(served)
    try:
        yield issuer
    finally:
        issuer.stop()
