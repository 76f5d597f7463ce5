"""starlette CVE-2026-48817: the method chose what was called. Flask-Security CVE-2021-21241: a GET gave out tokens."""

import pytest

from doorward.verify.page import PATH as FEED
from doorward.web.routing import Operation
from tests.support.house import House
from tests.support.raw import JSON, OURS, bearer, call, cookie

pytestmark = pytest.mark.usefixtures("quick")

STRANGE = [
    "PUT", "OPTIONS", "TRACE", "CONNECT", "PROPFIND", "get", "Post", "GET ", "", "__init__", "__class__", "handler",
    "dispatch", "GET\0", "GÉT", "A" * 5000,
]  # fmt: skip


def _methods(operations: list[Operation]) -> dict[str, set[str]]:
    known: dict[str, set[str]] = {}
    for operation in operations:
        known.setdefault(operation.path.replace("{id}", "ses_x"), set()).add(operation.method)
    return {path: methods | ({"HEAD"} if "GET" in methods else set()) for path, methods in known.items()}


async def test_every_other_method_is_405_and_says_which_are_allowed(house: House) -> None:
    """RFC 9110 §15.5.6, for every route of the contract; nothing is looked up by the method's name."""
    for path, known in _methods(house.auth.operations()).items():
        for method in {"GET", "HEAD", "POST", "PATCH", "DELETE", *STRANGE} - known:
            answer = await call(house.auth, method, path, headers=[JSON], body=b"{}")

            assert (answer.status, answer.code) == (405, "method_not_allowed"), (method, path)
            assert {word.strip() for word in answer.values(b"allow")[0].decode().split(",")} == known


@pytest.mark.parametrize("header", [b"x-http-method-override", b"x-http-method", b"x-method-override", b"_method"])
async def test_no_header_changes_the_method(house: House, header: bytes) -> None:
    """A GET that says it is a POST is a GET."""
    answer = await call(house.auth, "GET", "/v1/login", headers=[(header, b"POST"), JSON], query=b"_method=POST")

    assert answer.status == 405


EXPORT = "/v1/me/export"
"""Each copy is noted in the trail, and the trail is in the next copy: the one GET that is never the same twice."""


async def test_head_answers_as_get_does(house: House) -> None:
    """RFC 9110 §9.3.2: the same status and the same headers, so that a cache is not told two things."""
    token = (await house.enter())["access_token"]
    for operation in house.auth.operations():
        if operation.method != "GET" or operation.path == EXPORT:
            continue
        headers = [bearer(token), (b"x-request-id", b"the-same-id")]

        got = await call(house.auth, "GET", operation.path, headers=headers)
        headed = await call(house.auth, "HEAD", operation.path, headers=headers)

        assert headed.status == got.status == 200, operation.path
        assert headed.headers == got.headers


async def test_no_get_gives_out_a_credential_or_changes_anything(house: House) -> None:
    """Flask-Security CVE-2021-21241: a page of another site may cause a GET; there must be nothing to gain from it."""
    await house.register()
    entered = await house.browser.post(
        "/v1/login",
        json={"login": "ada@example.test", "password": "correct horse battery staple", "transport": "cookie"},
    )
    held = cookie(entered.headers["set-cookie"].partition(";")[0])
    before = await _rows(house)

    for path in _methods(house.auth.operations()):
        for method in ("GET", "HEAD"):
            answer = await call(house.auth, method, path, headers=[held, OURS], query=b"others=true")

            assert answer.values(b"set-cookie") == []
            for sign in (b"dwr_", b"dws_", b"access_token", b"eyJ"):
                # The feed is a JWS, public and of a type that nobody takes for a credential.
                assert sign not in answer.everything or (path, sign) == (FEED, b"eyJ"), path

    assert await _rows(house) == before


async def _rows(house: House) -> list[object]:
    """Everything but the lines that say that a copy was taken, which a copy of the data has to leave (ASVS 16.3.1)."""
    database = house.auth._database
    return [
        [
            tuple(map(row.__getitem__, row.keys()))
            for row in await database.fetch_all(f"SELECT * FROM {table} ORDER BY 1")
            if "account.exported" not in tuple(map(row.__getitem__, row.keys()))
        ]
        for table in ("account", "password", "session", "token_family", "revocation", "allowance", "audit_event")
    ]
