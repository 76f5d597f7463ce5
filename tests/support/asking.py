"""A service that asks a house about tokens, over HTTP, as any OAuth library does."""

import base64
from dataclasses import dataclass

import httpx2

from tests.support.house import House

FORM = {"Content-Type": "application/x-www-form-urlencoded"}


@dataclass(frozen=True)
class Asking:
    """A service with its key."""

    house: House
    name: str
    key: str

    @property
    def basic(self) -> dict[str, str]:
        """Its credentials as HTTP Basic."""
        return basic(self.name, self.key)

    async def introspect(self, token: str, **more: str) -> httpx2.Response:
        """Ask what a token is worth."""
        return await self.house.client.post("/v1/introspect", data={"token": token, **more}, headers=self.basic)

    async def revoke(self, token: str, **more: str) -> httpx2.Response:
        """End a token."""
        return await self.house.client.post("/v1/revoke", data={"token": token, **more}, headers=self.basic)


def basic(name: str, key: str) -> dict[str, str]:
    """Make the header of HTTP Basic credentials."""
    return {"Authorization": "Basic " + base64.b64encode(f"{name}:{key}".encode()).decode()}


async def asking(house: House, name: str = "billing", **arguments: object) -> Asking:
    """Make a service in a house."""
    made, key = await house.auth.services.create(name, **arguments)  # type: ignore[arg-type]
    return Asking(house, made.name, key)
