"""The lines that the README shows do what it says they do."""

import re
from pathlib import Path

import httpx2

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")


async def test_the_lines_of_fastapi_protect_everything_but_the_front_page() -> None:
    """Pasted as they are, they refuse a caller without a token at ``/me`` and leave ``/`` alone."""
    names: dict[str, object] = {}
    found = re.search(r"```python\n(.*?)```", README, re.DOTALL)
    assert found
    exec(found[1], names)
    transport = httpx2.ASGITransport(app=names["app"])  # type: ignore[arg-type]

    async with httpx2.AsyncClient(transport=transport, base_url="https://service.example.test") as client:
        protected, public = await client.get("/me"), await client.get("/")

    assert protected.status_code == 401
    assert protected.headers["www-authenticate"].startswith("Bearer")
    assert public.status_code == 404


def test_the_readme_names_the_two_commands() -> None:
    """The first thing that somebody types is in the first thing that somebody reads."""
    targets = re.findall(r"^(\w[\w-]*):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)

    named = re.findall(r"make ([\w-]+)", README)

    assert {"serve", "test"} <= set(named) <= set(targets)
