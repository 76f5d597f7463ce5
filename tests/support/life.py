"""The flows that need a mail, each as a way to ask and a way to redeem, for tests that hold all of them to one rule."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import httpx2

from tests.support.house import PASSWORD, House, bearer
from tests.support.mailbox import Letter, letter

ADA = "ada@example.test"
NEW = "ada@new.example"
OTHER_PASSWORD = "another correct horse battery staple"


async def sign_up(house: House, email: str = ADA, **members: object) -> dict[str, Any]:
    """Register and prove the address."""
    asked = await house.client.post("/v1/accounts", json={"email": email, "password": PASSWORD, **members})
    assert asked.status_code == 202, asked.text
    proved = await house.client.post("/v1/email/verify", json=(await letter(house, email)).token)
    assert proved.status_code == 200, proved.text
    return dict(proved.json()["account"])


def new_of(email: str) -> str:
    """The address that somebody moves to."""
    return email.partition("@")[0] + "@new.example"


async def _verify(house: House, email: str) -> Letter:
    await house.client.post("/v1/accounts", json={"email": email, "password": PASSWORD})
    return await letter(house, email)


async def _change(house: House, email: str) -> Letter:
    await sign_up(house, email)
    pair = await house.log_in(email)
    await house.client.post("/v1/me/email", json={"new_email": new_of(email)}, headers=bearer(pair["access_token"]))
    return await letter(house, new_of(email))


async def _undo(house: House, email: str) -> Letter:
    await _change(house, email)
    return await letter(house, email)


async def _reset(house: House, email: str) -> Letter:
    await sign_up(house, email)
    await house.client.post("/v1/password/forgot", json={"login": email})
    return await letter(house, email)


async def _sign_in(house: House, email: str) -> Letter:
    await sign_up(house, email)
    await house.client.post("/v1/login/link", json={"login": email})
    return await letter(house, email)


async def _invite(house: House, email: str) -> Letter:
    await house.auth.life.recovery.invite(email)
    return await letter(house, email)


@dataclass(frozen=True)
class Kind:
    """One kind of secret: how a mail with it comes about, where it is redeemed, and what goes with it."""

    name: str
    ask_for: Callable[[House, str], Awaitable[Letter]]
    path: str
    status: int
    members: tuple[tuple[str, str], ...] = ()

    async def ask(self, house: House, email: str = ADA) -> Letter:
        """Let a mail with the secret come about."""
        return await self.ask_for(house, email)

    async def redeem(self, house: House, secret: dict[str, str]) -> httpx2.Response:
        """Bring the secret back."""
        return await house.client.post(self.path, json={**secret, **dict(self.members)})

    def __str__(self) -> str:
        return self.name


KINDS = (
    Kind("verify", _verify, "/v1/email/verify", 200),
    Kind("change", _change, "/v1/email/verify", 200),
    Kind("undo", _undo, "/v1/email/undo", 204),
    Kind("reset", _reset, "/v1/password/reset", 204, (("new_password", OTHER_PASSWORD),)),
    Kind("sign in", _sign_in, "/v1/login/link/redeem", 200),
    Kind("invite", _invite, "/v1/invitations/accept", 200, (("password", OTHER_PASSWORD),)),
)
