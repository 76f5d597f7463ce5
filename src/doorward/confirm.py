"""Proving the owner again in the middle of a form, for acts that need a fresh log-in (ASVS 7.5.1)."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from doorward.errors import FieldError, InvalidFields, Problem
from doorward.gate import Caller, Gate
from doorward.passwords.flows import Passwords
from doorward.sessions.flows import Sessions


class Confirm:
    """Asks for the password where the log-in is too long ago; a page shows the field then."""

    def __init__(self, *, gate: Gate, passwords: Passwords, sessions: Sessions) -> None:
        """Take what is needed."""
        self._gate = gate
        self._passwords = passwords
        self._sessions = sessions

    async def __call__(self, caller: Caller, password: str) -> list[str]:
        """Make sure of the owner, and return the cookies that the answer has to set.

        Raises :class:`InvalidFields` where the password is missing, and what ``Passwords.reauthenticate`` raises.
        """
        if self._gate.is_fresh(caller):
            return []
        if not password:
            raise InvalidFields("no password", errors=[FieldError("/password", "required", "This field is required.")])
        log_in = await self._passwords.reauthenticate(
            session_id=caller.principal.session_id, password=password[:1024], source=caller.source, by=caller.transport
        )
        return [self._gate.cookie.set(log_in.cookie or "", max_age=self._sessions.lifetime_of_cookie(log_in.session))]


@contextmanager
def carrying(cookies: Sequence[str]) -> Iterator[None]:
    """Let a refusal of what follows carry the renewed cookie too: the old one is dead whether or not it succeeds."""
    try:
        yield
    except Problem as problem:
        for cookie in cookies:  # one at most
            problem.headers["Set-Cookie"] = cookie
        raise
