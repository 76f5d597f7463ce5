"""Making, showing and changing accounts: what owners do by HTTP and operators on the command line."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, Protocol

import msgspec

from doorward.accounts import store
from doorward.accounts.model import MAX_PROFILE_BYTES, Account, check_email, check_role, check_username
from doorward.audit.flows import Asking, entry
from doorward.core.identifiers import is_identifier, new_identifier
from doorward.core.source import Source
from doorward.db import Duplicate, GuardFailed, Row, Statement
from doorward.errors import FieldError, InvalidFields, LoginTaken, NotFound
from doorward.foundation import Foundation
from doorward.gates import BeforeRegistration
from doorward.hooks import (
    AccountDisabled,
    AccountEnabled,
    Event,
    ProfileChanged,
    Registered,
    RolesChanged,
)
from doorward.limits.flows import Limiter
from doorward.mail.flows import language_of
from doorward.sessions.flows import Sessions

PAGE_SIZE: Final = 100
_THE_OLDEST: Final = (-1, "")

ProfileSchema = Callable[[dict[str, Any]], list[FieldError]]
"""Says what is wrong with a profile; pointers are relative to the profile."""


class FirstPassword(Protocol):
    """What registration needs from the passwords, which build on accounts and so cannot be imported here."""

    async def new_hash(self, password: str, *, email: str | None, username: str | None) -> str:
        """Hash a password that the policy accepts."""

    def first(self, account_id: str, *, hashed: str, now: int) -> Statement:
        """Make the statement that stores it."""

    def setting(self, account_id: str, *, hashed: str, now: int) -> Statement:
        """Make the statement that puts it in the place of whatever there is."""

    def forgetting(self, account_id: str) -> Statement:
        """Make the statement that leaves the account without one."""

    async def proving(self, account_id: str, password: str, *, source: Source) -> list[Statement]:
        """Prove the present one, and return the statements that say so in the write of what it leads to."""


@dataclass(frozen=True, slots=True)
class AccountPage:
    """Some accounts, the oldest first, and where to go on (``None``: that was all)."""

    accounts: tuple[Account, ...]
    next: str | None


def account_from_row(row: Row) -> Account:
    """Read an account out of a row of another slice's SELECT that has all its columns."""
    return store.from_row(row)


def inserting(account: Account) -> Statement:
    """Make the statement that stores a new account; a login that is taken is a ``Duplicate``."""
    return store.insert(account)


def inviting_again(
    account: Account, *, username: str | None, profile: dict[str, Any], roles: tuple[str, ...]
) -> Statement:
    """Make the guarded statement that gives an account which waits for its owner to an invitation."""
    return store.invite_again(account, username=username, profile=profile, roles=roles)


def proving_address(account_id: str, email: str, *, now: int) -> Statement:
    """Make the guarded statement that says that a secret sent to the account's address has come back."""
    return store.prove(account_id, email, now=now)


def admitting(account_id: str, *, now: int) -> Statement:
    """Make the guarded statement that lets a log-in happen unless the account was disabled meanwhile."""
    return store.admit(account_id, now=now)


class Accounts(Asking):
    """Who is known here."""

    def __init__(
        self,
        foundation: Foundation,
        *,
        sessions: Sessions,
        passwords: FirstPassword,
        limiter: Limiter,
        profile_schema: ProfileSchema | None = None,
    ) -> None:
        """Take what is needed; ``profile_schema`` is the host's own rule for profiles."""
        super().__init__(foundation)
        self._sessions = sessions
        self._passwords = passwords
        self._limiter = limiter
        self._profile_schema = profile_schema

    # -- owners ------------------------------------------------------------------------------------------------------

    async def register(
        self,
        *,
        email: str,
        password: str,
        username: str | None = None,
        profile: dict[str, Any] | None = None,
        roles: tuple[str, ...] = (),
        verified: bool = False,
        source: Source = Source(),  # noqa: B008
    ) -> Account:
        """Make an account. ``roles`` and ``verified`` (somebody vouches for the address) are for hosts and operators;
        no HTTP body reaches them.

        Raises :class:`InvalidFields`, :class:`LoginTaken`, :class:`TooManyAttempts`, :class:`Overloaded` and
        :class:`RefusedByPolicy`.
        """
        await self._limiter.admit(self._limiter.registration(source))
        profile = profile or {}
        self.check_new(email=email, username=username, profile=profile, roles=roles)
        question = BeforeRegistration(email=email, username=username, profile=profile, ip_prefix=source.ip_prefix)
        await self._pass_gates(question, source=source)
        hashed = await self._passwords.new_hash(password, email=email, username=username)
        now = self._clock()
        account = self.new(email=email, username=username, profile=profile, roles=roles, now=now)
        if verified:
            account = replace(account, email_verified_at=now)
        event = Registered(account_id=account.id)
        try:
            await self._database.write(
                store.insert(account, language=language_of(source, self._settings)),
                self._passwords.first(account.id, hashed=hashed, now=now),
                entry(event, now=now, source=source),
            )
        except Duplicate as duplicate:
            raise LoginTaken(duplicate.constraint) from None
        await self._events.publish(event)
        return account

    def check_new(
        self, *, email: str, username: str | None, profile: dict[str, Any], roles: tuple[str, ...] = ()
    ) -> None:
        """Check what an account is to be made of. Raises :class:`InvalidFields` with everything that is wrong."""
        errors = self.check(self.new(email=email, username=username, profile=profile, roles=roles, now=0))
        if errors:
            raise InvalidFields("registration", errors=errors)

    def new(
        self, *, email: str, username: str | None, profile: dict[str, Any], roles: tuple[str, ...] = (), now: int
    ) -> Account:
        """Make an account that is not stored yet."""
        return Account(
            id=new_identifier("acc", self._entropy),
            email=email,
            email_verified_at=None,
            username=username,
            profile=profile,
            roles=roles,
            created_at=now,
            last_login_at=None,
            disabled_at=None,
        )

    async def find_or_none(self, account_id: str) -> Account | None:
        """Find an account that may be gone."""
        return await store.find(self._database, account_id) if is_identifier("acc", account_id) else None

    async def find(self, account_id: str) -> Account:
        """Find an account by its id. Raises :class:`NotFound`."""
        account = await self.find_or_none(account_id)
        if account is None:
            raise NotFound("no such account")
        return account

    async def update(
        self,
        account_id: str,
        *,
        username: str | None = None,
        profile: dict[str, Any] | None = None,
        remove_username: bool = False,
        source: Source = Source(),  # noqa: B008
    ) -> Account:
        """Change the username, the profile, or both; what is ``None`` stays. Raises like :meth:`register`."""
        errors = self._check_username(username) + ([] if profile is None else self._check_profile(profile))
        if errors:
            raise InvalidFields("update", errors=errors)
        if username is None and profile is None and not remove_username:
            return await self.find(account_id)
        statement = store.update_profile(
            account_id, username=username, keep_username=username is None and not remove_username, profile=profile
        )
        return store.from_row(await self._write(statement, ProfileChanged(account_id=account_id), source))

    # -- operators ---------------------------------------------------------------------------------------------------

    async def find_by_email(self, email: str) -> Account:
        """Find an account by its address, whatever the letter case. Raises :class:`NotFound`."""
        account = await store.find_by_email(self._database, email)
        if account is None:
            raise NotFound("no account with this address")
        return account

    async def page(self, *, cursor: str = "") -> AccountPage:
        """List accounts, the oldest first. ``cursor`` is the ``next`` of the page before."""
        created_at, _, account_id = cursor.partition(".")
        after = (int(created_at), account_id) if created_at.isdecimal() else _THE_OLDEST
        accounts = await store.page(self._database, after=after, size=PAGE_SIZE + 1)
        page = tuple(accounts[:PAGE_SIZE])
        return AccountPage(page, f"{page[-1].created_at}.{page[-1].id}" if len(accounts) > PAGE_SIZE else None)

    async def set_roles(self, account_id: str, roles: tuple[str, ...], *, source: Source = Source()) -> Account:  # noqa: B008
        """Set the roles. Tokens issued before keep the old ones until they expire or are refreshed."""
        errors = _check_roles(roles)
        if errors:
            raise InvalidFields("roles", errors=errors)
        now = self._clock()
        event = RolesChanged(account_id=account_id, roles=roles)
        try:
            results = await self._database.write(
                store.set_roles(account_id, roles),
                self._sessions.changing_account(account_id, now=now),
                entry(event, now=now, source=source),
            )
        except GuardFailed:
            raise NotFound("no such account") from None
        self._sessions.obey(results)
        await self._events.publish(event)
        return await self.find(account_id)

    async def disable(self, account_id: str, *, source: Source = Source()) -> Account:  # noqa: B008
        """Disable an account and end all its sessions at once (ASVS 7.4.2); disabling twice is no error."""
        account = await self.find(account_id)
        if account.disabled_at is not None:
            return account
        now = self._clock()
        event = AccountDisabled(account_id=account_id)
        try:
            results = await self._database.write(
                store.disable(account_id, now=now),
                *self._sessions.ending_all(account_id, now=now),
                entry(event, now=now, source=source),
            )
        except GuardFailed:
            return await self.find(account_id)
        self._sessions.obey(results)
        await self._events.publish(event)
        return replace(account, disabled_at=now)

    async def enable(self, account_id: str, *, source: Source = Source()) -> Account:  # noqa: B008
        """Enable an account again; the sessions that had ended stay ended."""
        account = await self.find(account_id)
        if account.disabled_at is not None:
            await self._write(store.enable(account_id), AccountEnabled(account_id=account_id), source)
        return replace(account, disabled_at=None)

    # -- importers ---------------------------------------------------------------------------------------------------

    async def taken(self, keys: Sequence[str]) -> set[str]:
        """Tell which login keys belong to an account already."""
        return await store.taken(self._database, keys)

    def importing(self, accounts: Sequence[Account]) -> Statement:
        """Make the statement that makes many accounts, for a write of theirs; refused as one (``Duplicate``)."""
        return store.insert_many(accounts)

    def check(self, account: Account) -> list[FieldError]:
        """Say what is wrong with an account that comes from elsewhere, by the rules of registration."""
        errors = [error for error in (check_email(account.email),) if error is not None]
        errors += self._check_username(account.username) + self._check_profile(account.profile)
        return errors + _check_roles(account.roles)

    # -- rules -------------------------------------------------------------------------------------------------------

    async def _write(self, statement: Statement, event: Event, source: Source) -> Row:
        try:
            (row,), _ = await self._database.write(statement, entry(event, now=self._clock(), source=source))
        except GuardFailed:
            raise NotFound("no such account, or its state changed meanwhile") from None
        except Duplicate as duplicate:
            raise LoginTaken(duplicate.constraint) from None
        await self._events.publish(event)
        return row

    def _check_username(self, username: str | None) -> list[FieldError]:
        error = None if username is None else check_username(username)
        return [] if error is None else [error]

    def _check_profile(self, profile: dict[str, Any]) -> list[FieldError]:
        if len(msgspec.json.encode(profile)) > MAX_PROFILE_BYTES:
            return [FieldError("/profile", "too_long", "A profile may have at most 8 KiB.")]
        errors = [] if self._profile_schema is None else self._profile_schema(profile)
        return [replace(error, pointer=f"/profile{error.pointer}") for error in errors]


def _check_roles(roles: tuple[str, ...]) -> list[FieldError]:
    return [
        FieldError(f"/roles/{index}", "wrong_type", "A role has lower-case letters, digits, '.', ':', '_' or '-'.")
        for index, role in enumerate(roles)
        if not check_role(role)
    ]
