"""The how-to pages about protecting are run as they stand."""

import re
from pathlib import Path
from typing import Any

import pytest

from doorward.verify import Verifier
from tests.verify.parties import Clock, Issuer, ask, bearing

ROOT = Path(__file__).resolve().parents[2]
PARTY = Issuer("https://localhost:8443")


def run_page(page: str, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Run every Python block of a page in one namespace, with the keys at hand, and return its application."""
    real = Verifier.__init__

    def offline(self: Verifier, **options: Any) -> None:
        real(self, **(options | {"keys": PARTY.keys, "clock": Clock()}))

    monkeypatch.setattr(Verifier, "__init__", offline)
    blocks = re.findall(r"```python\n(.*?)```", (ROOT / page).read_text(encoding="utf-8"), re.DOTALL)
    namespace: dict[str, Any] = {"__name__": "page"}
    exec(compile("\n".join(blocks), page, "exec"), namespace)
    return namespace["app"]


@pytest.mark.parametrize(
    ("page", "path", "guest", "caller", "admin"),
    [
        ("README.md", "/me", 401, 200, 200),
        ("docs/how-to/protect-an-asgi-app.md", "/", 200, 200, 200),
        ("docs/how-to/protect-an-asgi-app.md", "/shop", 200, 200, 200),
        ("docs/how-to/protect-an-asgi-app.md", "/shop/orders", 401, 200, 200),
        ("docs/how-to/protect-fastapi-routes.md", "/", 200, 200, 200),
        ("docs/how-to/protect-fastapi-routes.md", "/me", 401, 200, 200),
        ("docs/how-to/protect-fastapi-routes.md", "/reports", 401, 403, 200),
        ("docs/how-to/protect-fastapi-routes.md", "/balance", 401, 200, 200),
    ],
)
async def test_what_a_page_shows_does_what_it_says(
    page: str, path: str, guest: int, caller: int, admin: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A guest, a caller and an administrator get what the page promises."""
    app = run_page(page, monkeypatch)

    answers = [
        await ask(app, path, headers=headers)
        for headers in (None, bearing(PARTY.token()), bearing(PARTY.token(scope="reports:read", roles=["admin"])))
    ]

    assert [answer.status for answer in answers] == [guest, caller, admin]


@pytest.mark.parametrize("page", ["protect-an-asgi-app", "protect-fastapi-routes"])
def test_a_page_trusts_the_development_authority(page: str) -> None:
    """What a new user finds running at that address has a certificate of its own making (the review's new user)."""
    text = (ROOT / "docs" / "how-to" / f"{page}.md").read_text(encoding="utf-8")

    made = re.findall(r"Verifier\((issuer=\"https://localhost[^)]*)\)", text)

    assert made
    assert all('ca_file="data/certificates/authority.pem"' in options for options in made)
