"""Pages are followed word for word, against real processes."""

from pathlib import Path

import pytest

from tests.serving.client import ROOT
from tests.tutorial.walk import blocks_of, matches, walking

DOCS = ROOT / "docs"
README = (ROOT / "README.md").read_text(encoding="utf-8")
BY_DOORWARD = "doorward serve --app main:app --port 8444 --http-port none"
CERTIFICATE = "--ssl-certfile data/certificates/server.pem --ssl-keyfile data/certificates/server.key"
BY_UVICORN = f"uvicorn main:app --port 8444 {CERTIFICATE}"
CALLS = """
```sh
doorward account create ada@example.org <<< "seven otters paint a bridge" > /dev/null
ask() { curl -s --cacert data/certificates/authority.pem -H "Content-Type: application/json" "$@"; echo; }
body='{"login": "ada@example.org", "password": "seven otters paint a bridge"}'
token=$(ask https://localhost:8443/v1/login -d "$body" | sed 's/.*"access_token":"\\([^"]*\\)".*/\\1/')
ask https://localhost:8444/me
ask https://localhost:8444/me -H "Authorization: Bearer $token"
```

```text
{…"code": "invalid_token"}
"acc_…"
```
"""


def text_of(page: str) -> str:
    """The text of a page of the documentation."""
    return (DOCS / page).read_text(encoding="utf-8")


def test_whoever_follows_the_tutorial_sees_what_it_shows(tmp_path: Path) -> None:
    """Every command runs, every file is written, every output is the one on the page."""
    with walking(tmp_path) as walk:
        walk.follow(text_of("tutorial/protect-an-api-in-ten-minutes.md"))

    assert len(walk.servers) == 2


def test_a_host_is_embedded_and_served_in_both_ways(tmp_path: Path) -> None:
    """By ``doorward serve --app`` and, on another port, by uvicorn."""
    with walking(tmp_path) as walk:
        walk.follow(text_of("how-to/embed-in-fastapi.md"))
        public = walk.shell.run(walk.local("ask https://localhost:8444/"))

    assert len(walk.servers) == 2
    assert public.strip() == '"Everybody may read this."'


def test_the_two_commands_of_the_readme_are_there(tmp_path: Path) -> None:
    """They are rehearsed; what they do is what CI does."""
    blocks = [block.body for block in blocks_of(README) if block.language == "sh"]
    with walking(tmp_path) as walk:
        walk.shell.run("cd ~/doorward")

        rehearsed = [walk.shell.run(body) for body in blocks]

    assert "doorward serve" in rehearsed[0]
    assert "scripts/check.py" in rehearsed[1]


@pytest.mark.parametrize("server", [BY_DOORWARD, BY_UVICORN], ids=["doorward", "uvicorn"])
def test_the_lines_of_fastapi_protect_a_service_of_their_own(server: str, tmp_path: Path) -> None:
    """Beside a running doorward, with its real tokens and the keys fetched from it, in both servers."""
    (lines,) = (block.body for block in blocks_of(README) if block.language == "python")
    with walking(tmp_path) as walk:
        walk.follow("```sh\ndoorward init\ndoorward serve\n```\n")
        walk.follow(f'```python title="main.py"\n{lines}```\n```sh\n{server}\n```\n')

        walk.follow(CALLS)

    assert BY_DOORWARD in README


@pytest.mark.parametrize("page", ["call-in-process", "listen-to-events"])
def test_a_script_prints_what_the_page_shows(page: str, tmp_path: Path) -> None:
    """In a folder with a configuration, as the page asks for."""
    with walking(tmp_path) as walk:
        walk.shell.run("doorward init")

        walk.follow(text_of(f"how-to/{page}.md"))


def test_cookie_sessions_do_what_the_page_shows(tmp_path: Path) -> None:
    """A cookie is enough to read; to change something the request must come from the same origin."""
    with walking(tmp_path) as walk:
        walk.follow("```sh\ndoorward init\ndoorward serve\n```\n")

        walk.follow(text_of("how-to/use-cookie-sessions.md"))


@pytest.mark.parametrize(
    ("shown", "printed", "same"),
    [
        ("204", "\n204\n", True),
        ("…\niss  …", "one\ntwo\niss  x\n", True),
        ('{"a": …}', '{"a": 1}', True),
        ('{"a": …}', '{"b": 1}', False),
        ("204", "2040", False),
        ("a.c", "abc", False),
    ],
)
def test_output_is_compared_as_a_reader_would(shown: str, printed: str, same: bool) -> None:
    """An ellipsis stands for anything, everything else for itself."""
    assert matches(shown, printed) is same


def test_blocks_have_a_language_and_perhaps_a_file() -> None:
    """A fence without a language is an illustration and not followed."""
    page = 'x\n```sh\nls\n```\n\n```python title="a.py"\nx = 1\n```\n\n```\nnothing\n```\n'

    found = [(block.language, block.title, block.body) for block in blocks_of(page)]

    assert found == [("sh", None, "ls\n"), ("python", "a.py", "x = 1\n")]
