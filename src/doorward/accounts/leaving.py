"""Taking everything along, and leaving for good.

What is held about an account is a list of *holdings*, one for each slice that keeps something: how to show it to its
owner and how to erase it. A slice that begins to keep personal data adds a line where the list is made (``life.py``),
and a test compares the list with the tables that name an account.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from doorward.accounts import store
from doorward.accounts.flows import Accounts, FirstPassword
from doorward.accounts.views import AccountView
from doorward.audit.flows import Audit, entry
from doorward.core.clock import rfc3339
from doorward.core.source import Source
from doorward.db import GuardFailed, Statement
from doorward.errors import LoginTaken, NotFound
from doorward.foundation import Flows, Foundation
from doorward.hooks import AccountDeleted, AccountExported, Event
from doorward.mail.flows import Outbox
from doorward.sessions.flows import Sessions


@dataclass(frozen=True, slots=True)
class Holding:
    """What one slice keeps about an account.

    ``export`` returns it as JSON values; ``erase`` makes the statements that remove it, for what does not go with the
    account's row by itself. The trail takes its person out by itself, because lines about the account remain.
    """

    name: str
    export: Callable[[str], Awaitable[object]]
    erase: Callable[[str], Sequence[Statement]] = lambda _account_id: ()


class Leaving(Flows):
    """The end of an account, and the copy of what belongs to it."""

    def __init__(
        self,
        foundation: Foundation,
        *,
        accounts: Accounts,
        sessions: Sessions,
        passwords: FirstPassword,
        outbox: Outbox,
        audit: Audit,
        telling: Callable[[Event], Awaitable[Sequence[Statement]]],
        holdings: Sequence[Holding],
    ) -> None:
        """Take what is needed, and what every slice holds; ``telling`` tells other programs who has left."""
        super().__init__(foundation)
        self._accounts = accounts
        self._sessions = sessions
        self._passwords = passwords
        self._outbox = outbox
        self._audit = audit
        self._telling = telling
        self._holdings = tuple(holdings)

    async def export(self, account_id: str, *, source: Source = Source()) -> dict[str, Any]:  # noqa: B008
        """Return everything that is held about an account, as JSON values by the name of the holding.

        Raises :class:`NotFound`.
        """
        account = await self._accounts.find(account_id)
        now = self._clock()
        event = AccountExported(account_id=account_id)
        held: dict[str, Any] = {
            "account": {name: getattr(AccountView.of(account), name) for name in AccountView.__struct_fields__}
        }
        for holding in self._holdings:
            held[holding.name] = _readable(await holding.export(account_id))
        await self._database.write(entry(event, now=now, source=source))
        await self._events.publish(event)
        return held

    async def delete(
        self,
        account_id: str,
        *,
        password: str | None = None,
        source: Source = Source(),  # noqa: B008
    ) -> None:
        """Delete an account and everything that names its owner; the trail keeps a pseudonym.

        With ``password``, that is proved first; without, whoever calls has made sure of a fresh log-in. Raises
        :class:`NotFound`, and with a password what :meth:`Passwords.log_in` raises.
        """
        proved = [] if password is None else await self._passwords.proving(account_id, password, source=source)
        now = self._clock()
        event = AccountDeleted(account_id=account_id)
        removing = await self._removing(event, store.delete(account_id), source=source, now=now)
        try:
            results = await self._database.write(*proved, *removing)
        except GuardFailed:
            raise NotFound("no such account, or it changed meanwhile") from None
        self._sessions.obey(results)
        await self._events.publish(event)

    async def making_room(
        self, email: str, *, but: str, source: Source, now: int
    ) -> tuple[list[Statement], list[Event]]:
        """Make the statements that delete the account of somebody who only claims an address, and what to tell then.

        They belong into the write of whoever proves the address: account ``but``. The deletion is one like any other.
        What an operator has given roles to or has disabled does not give way: that raises :class:`LoginTaken`, and the
        guard holds it where it happens meanwhile.
        """
        claiming = await store.find_by_email(self._database, email)
        if claiming is None or claiming.id == but or claiming.email_verified:
            return [], []  # an address that is proved refuses the write by its unique key
        if claiming.roles or claiming.disabled_at is not None:
            raise LoginTaken("the address waits for an account with roles, or for a disabled one")
        event = AccountDeleted(account_id=claiming.id)
        return await self._removing(event, store.evict(claiming.id, email), source=source, now=now), [event]

    async def _removing(
        self, event: AccountDeleted, deleting: Statement, *, source: Source, now: int
    ) -> list[Statement]:
        account_id, pseudonym = event.account_id or "", self._audit.new_pseudonym()
        return [
            *self._outbox.telling_owner("account_deleted", account_id, source=source, now=now, is_last=True),
            *self._sessions.ending_all(account_id, now=now),
            *[statement for holding in self._holdings for statement in holding.erase(account_id)],
            *self._audit.pseudonymising(account_id, pseudonym=pseudonym, now=now, source=source),
            deleting,
            *await self._telling(event),
            entry(replace(event, account_id=pseudonym), now=now, source=Source(request_id=source.request_id)),
        ]


def _readable(value: object) -> object:
    """Write times as the API does, wherever they are."""
    if isinstance(value, list):
        return [_readable(each) for each in value]
    if isinstance(value, dict):
        return {
            name: rfc3339(each) if name.endswith("_at") and isinstance(each, int) else _readable(each)
            for name, each in value.items()
        }
    return value
