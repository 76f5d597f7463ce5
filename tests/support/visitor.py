"""Somebody who looks at pages and sends their forms, as a browser without JavaScript does."""

import html
import re
from typing import Any

import httpx2

from tests.support.house import PASSWORD, House

PAGE = {"Accept": "text/html", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}
ADA = "ada@example.test"


class Visitor:
    """A browser with its cookies, at the page that it has seen last."""

    def __init__(self, house: House) -> None:
        self.browser = house.browser
        self.answer: httpx2.Response | None = None

    async def open(self, path: str, **options: Any) -> httpx2.Response:
        """Go to a page, without following where it leads."""
        headers = PAGE | options.pop("headers", {})
        self.answer = await self.browser.get(path, headers=headers, **options)
        return self.answer

    async def send(self, path: str, fields: dict[str, str], **options: Any) -> httpx2.Response:
        """Fill in the form of the last page and send it, with the hidden fields that stand there."""
        headers = PAGE | options.pop("headers", {})
        self.answer = await self.browser.post(path, data={**self.hidden, **fields}, headers=headers, **options)
        return self.answer

    async def fill(self, path: str, fields: dict[str, str]) -> httpx2.Response:
        """Open a page, fill in its form and send it."""
        await self.open(path)
        return await self.send(path.partition("?")[0], fields)

    async def log_in(self, return_to: str = "", password: str = PASSWORD) -> httpx2.Response:
        """Log in by the page."""
        path = "/login" + (f"?return_to={return_to}" if return_to else "")
        return await self.fill(path, {"login": ADA, "password": password})

    @property
    def text(self) -> str:
        """The page, with the entities of its text resolved."""
        assert self.answer is not None
        return html.unescape(self.answer.text)

    @property
    def hidden(self) -> dict[str, str]:
        """The hidden fields of the last form of the page."""
        assert self.answer is not None
        form = self.answer.text.rpartition("<form")[2]
        found = re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', form)
        return {name: html.unescape(value) for name, value in found}

    def value(self, name: str) -> str:
        """What stands in a field of the page."""
        assert self.answer is not None
        found = re.search(rf'<input id="{name}"[^>]*? value="([^"]*)"', self.answer.text)
        assert found, name
        return html.unescape(found[1])
