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


async def _verify(house: House) -> Letter:
    await house.client.post("/v1/accounts", json={"email": ADA, "password": PASSWORD})
    return await letter(house)


async def _change(house: House) -> Letter:
    await sign_up(house)
    pair = await house.log_in()
    await house.client.post("/v1/me/email", json={"new_email": NEW}, headers=bearer(pair["access_token"]))
    return await letter(house, NEW)


async def _undo(house: House) -> Letter:
    await _change(house)
    return await letter(house)


async def _reset(house: House) -> Letter:
    await sign_up(house)
    await house.client.post("/v1/password/forgot", json={"login": ADA})
    return await letter(house)


async def _sign_in(house: House) -> Letter:
    await sign_up(house)
    await house.client.post("/v1/login/link", json={"login": ADA})
    return await letter(house)


async def _invite(house: House) -> Letter:
    await house.auth.life.recovery.invite(ADA)
    return await letter(house)


@dataclass(frozen=True)
class Kind:
    """One kind of secret: how a mail with it comes about, where it is redeemed, and what goes with it."""

    name: str
    ask: Callable[[House], Awaitable[Letter]]
    path: str
    status: int
    members: tuple[tuple[str, str], ...] = ()

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
