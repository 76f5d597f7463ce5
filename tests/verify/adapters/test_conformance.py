"""One table of requests, and every adapter with its real framework: a difference is a failing row."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from doorward.errors import KeysUnavailable
from doorward.verify.model import RevocationSet, digest
from tests.verify.adapters.clients import Client, Pairs
from tests.verify.adapters.fronts import FRONTS
from tests.verify.adapters.reached import reached
from tests.verify.parties import NOW, Answered, Issuer

PARTY = Issuer()
REVOKED = RevocationSet()
REVOKED.add(digest("session", "ses_over"), NOW + 600)
TOKEN = PARTY.token()
GOOD = b"Bearer " + TOKEN.encode()
BARE = 'Bearer realm="doorward"'
BAD = BARE + ', error="invalid_token"'
AMBIGUOUS = BARE + ', error="invalid_request"'


def bearer(**claims: object) -> Pairs:
    """Carry a token with these claims."""
    return [(b"authorization", b"Bearer " + PARTY.token(**claims).encode())]


@dataclass(frozen=True)
class Row:
    """A request and what every adapter must say to it."""

    name: str
    target: str
    headers: Pairs = field(default_factory=list)
    status: int = 200
    code: str = ""
    challenge: str | None = None
    method: str = "GET"
    body: str = ""


def refused(name: str, headers: Pairs, status: int, challenge: str, target: str = "/me", method: str = "GET") -> Row:
    """Make a row of a request that the guard refuses."""
    code = "invalid_request" if status == 400 else "invalid_token"
    return Row(name, target, headers, status, code, challenge, method)


ROWS = [
    Row("a good token", "/me", [(b"authorization", GOOD)], body="acc_one"),
    Row(
        "a good token in a POST, without a CSRF token", "/me", [(b"authorization", GOOD)], body="acc_one", method="POST"
    ),
    Row("the scheme in lower case", "/me", [(b"authorization", b"bearer" + GOOD[6:])], body="acc_one"),
    Row("the scheme in upper case", "/me", [(b"authorization", b"BEARER" + GOOD[6:])], body="acc_one"),
    refused("nothing", [], 401, BARE),
    refused("nothing, by HEAD", [], 401, BARE, method="HEAD"),
    refused("nothing, at a path that does not exist", [], 401, BARE, "/nowhere"),
    refused("nothing, by an unknown method", [], 401, BARE, method="PROPFIND"),
    refused("nothing, by OPTIONS", [], 401, BARE, method="OPTIONS"),
    refused("another scheme", [(b"authorization", b"Basic eDp5")], 401, BARE),
    refused("no token at all in it", [(b"authorization", b"Bearer a.b.c")], 401, BAD),
    refused("expired", bearer(exp=NOW - 100, iat=NOW - 700), 401, BAD),
    refused("of another issuer", bearer(iss="https://evil.example"), 401, BAD),
    refused("for another audience", bearer(aud="somebody"), 401, BAD),
    refused("signed by somebody else", [(b"authorization", b"Bearer " + Issuer().token().encode())], 401, BAD),
    refused("of a session that has ended", bearer(sid="ses_over"), 401, BAD),
    refused("no token behind the scheme", [(b"authorization", b"Bearer")], 400, AMBIGUOUS),
    refused("two spaces", [(b"authorization", b"Bearer  " + TOKEN.encode())], 400, AMBIGUOUS),
    refused("Bearer twice in one header", [(b"authorization", GOOD + b" " + GOOD)], 400, AMBIGUOUS),
    refused("two tokens with a comma", [(b"authorization", GOOD + b", " + GOOD)], 400, AMBIGUOUS),
    refused("the header twice", [(b"authorization", GOOD)] * 2, 400, AMBIGUOUS),
    refused("Basic, then Bearer", [(b"authorization", b"Basic eDp5"), (b"authorization", GOOD)], 400, AMBIGUOUS),
    refused("Bearer, then Basic", [(b"authorization", GOOD), (b"authorization", b"Basic eDp5")], 400, AMBIGUOUS),
    refused("the header twice, on an optional path", [(b"authorization", GOOD)] * 2, 400, AMBIGUOUS, "/shop/page"),
    refused("in the query string", [], 401, BARE, f"/me?access_token={TOKEN}"),
    refused("in a cookie", [(b"cookie", b"access_token=" + TOKEN.encode())], 401, BARE),
    refused("in another header", [(b"x-authorization", GOOD), (b"proxy-authorization", GOOD)], 401, BARE),
    refused("in a header with underscores", [(b"authorization_", GOOD), (b"http_authorization", GOOD)], 401, BARE),
    refused("a spoofed principal", [(b"doorward.principal", b"acc_root"), (b"doorward-principal", b"x")], 401, BARE),
    refused("a spoofed user", [(b"remote-user", b"root"), (b"remote_user", b"root"), (b"auth-type", b"x")], 401, BARE),
    refused("forged headers of a proxy", [(b"x-auth-subject", b"acc_root"), (b"x-auth-roles", b"admin")], 401, BARE),
    refused("a forged path", [(b"x-original-url", b"/public/page"), (b"x-rewrite-url", b"/public/page")], 401, BARE),
    refused("a forged prefix", [(b"x-forwarded-prefix", b"/public"), (b"x-script-name", b"/public")], 401, BARE),
    refused("a host with a path in it", [(b"host", b"testserver/public")], 401, BARE),
    refused("a protected path inside a public one", [], 401, BARE, "/public/secret"),
    Row("public, with rubbish", "/public/page", [(b"authorization", b"Bearer Bearer")], body="guest"),
    Row("public, with nothing", "/public/page", body="guest"),
    Row("optional, as a guest", "/shop/page", body="guest"),
    Row("optional, as somebody", "/shop/page", [(b"authorization", GOOD)], body="acc_one"),
    refused("optional, with a bad token", [(b"authorization", b"Bearer a.b.c")], 401, BAD, "/shop/page"),
]

REQUIRED = [
    Row("a guest where a caller is required", "/shop/orders", status=401, code="invalid_token", challenge=BARE),
    Row("a caller where one is required", "/shop/orders", [(b"authorization", GOOD)], body="acc_one"),
    Row(
        "without the scope", "/reports", [(b"authorization", GOOD)], 403, "insufficient_scope",
        BARE + ', error="insufficient_scope", scope="reports:read"',
    ),
    Row("with the scope", "/reports", bearer(scope="reports:read reports:write"), body="acc_one"),
    Row("with a longer scope of that beginning", "/reports", bearer(scope="reports:readall"), 403, "insufficient_scope",
        BARE + ', error="insufficient_scope", scope="reports:read"'),
    Row(
        "without the role", "/admin", bearer(roles=["staff"]), 403, "insufficient_scope",
        BARE + ', error="insufficient_scope"',
    ),
    Row("with the role", "/admin", bearer(roles=["admin"]), body="acc_one"),
    Row(
        "with an old log-in", "/fresh", bearer(auth_time=NOW - 61), 401, "reauthentication_required",
        BARE + ', error="insufficient_user_authentication", max_age="60"',
    ),
    Row("with a recent log-in", "/fresh", bearer(auth_time=NOW - 60), body="acc_one"),
]  # fmt: skip


def code_of(answered: Answered) -> str:
    """Find the public code: a problem's, or where a framework's own exception puts it."""
    if not answered.body.startswith(b"{"):
        return answered.body.decode()
    said = json.loads(answered.body)
    return str(said.get("code") or said.get("extra", {}).get("code") or said["detail"])


@pytest.fixture(scope="module", params=FRONTS)
def front(request: pytest.FixtureRequest) -> Iterator[Client]:
    """Lend a client of the application behind one adapter."""
    with FRONTS[request.param](PARTY.verifier(revocations=REVOKED)) as client:
        yield client


@pytest.fixture(autouse=True)
def _nobody_yet() -> None:
    reached.clear()


@pytest.mark.parametrize("row", ROWS + REQUIRED, ids=lambda row: row.name)
def test_every_adapter_decides_alike(front: Client, row: Row) -> None:
    """Status, challenge and code; and the handler is reached exactly when the request may pass."""
    answered = front(row.method, row.target, row.headers)

    assert answered.status == row.status, answered
    assert answered.headers.get("www-authenticate") == row.challenge
    assert bool(reached) == (row.status == 200)
    if row.status == 200:
        assert answered.body.decode() == row.body
    elif row.method != "HEAD":
        assert code_of(answered) == row.code


def test_the_guards_say_it_in_the_same_bytes() -> None:
    """The whole answer to a bad token, headers and body, but for what a server adds by itself."""
    answers = {}
    own = {"server", "date", "connection", "content-length", "x-frame-options", "referrer-policy"}
    own |= {"cross-origin-opener-policy"}
    for name, make in FRONTS.items():
        with make(PARTY.verifier()) as client:
            answered = client("GET", "/me", [(b"authorization", b"Bearer a.b.c")])
            headers = {key: value for key, value in answered.headers.items() if key not in own}
            answers[name] = (answered.status, answered.body, headers)

    assert all(answer == answers["starlette"] for answer in answers.values()), answers


class Broken:
    """An authenticator that goes wrong in a given way, with and without a loop."""

    def __init__(self, way: Any) -> None:
        self.way = way

    async def authenticate(self, scope: Any) -> Any:
        return self.identify(scope)

    def identify(self, headers: Any) -> Any:
        if isinstance(self.way, BaseException | type):
            raise self.way
        return self.way


WAYS: list[tuple[Any, int, str]] = [
    (ValueError("x"), 500, "internal_error"),
    (RecursionError, 500, "internal_error"),
    (TimeoutError(), 500, "internal_error"),
    (True, 500, "internal_error"),
    ({"subject": "acc_root"}, 500, "internal_error"),
    (object(), 500, "internal_error"),
    ("", 500, "internal_error"),
    (KeysUnavailable(retry_after=3), 503, "keys_unavailable"),
]


@pytest.mark.parametrize("name", FRONTS)
def test_whatever_goes_wrong_closes_every_door(name: str) -> None:
    """authentik CVE-2024-47070 and Auth.js CVE-2026-73421: neither an exception nor a truthy answer opens one."""
    broken = Broken(None)
    with FRONTS[name](broken) as client:
        for way, status, code in WAYS:
            broken.way = way
            for target in ("/me", "/shop/page"):
                answered = client("GET", target, [(b"authorization", GOOD)])

                assert (answered.status, json.loads(answered.body)["code"]) == (status, code), (way, target)
                assert answered.headers.get("retry-after") == ("3" if status == 503 else None)

    assert reached == []


@pytest.mark.parametrize("name", FRONTS)
def test_a_dead_cookie_on_an_optional_path_is_a_guest(name: str) -> None:
    """Of an authenticator that knows cookies; on a protected path it is refused."""
    from doorward.errors import SessionEnded

    with FRONTS[name](Broken(SessionEnded("over"))) as client:
        optional, protected = client("GET", "/shop/page", []), client("GET", "/me", [])

    assert (optional.status, optional.body) == (200, b"guest")
    assert (protected.status, json.loads(protected.body)["code"]) == (401, "session_ended")


TRICKS = [
    "//me", "/./me", "/me/", "//public/secret", "/public//secret", "/public/./secret", "/public/../secret",
    "/public/%2e%2e/secret", "/public/.%2e/secret", "/public/..%2fsecret", "/public/%2e%2e%2fsecret",
    "/public%2f..%2fsecret", "/public/%252e%252e/secret", "/public/%2fsecret", "/public/..%5csecret",
    "/public/..;/secret", "/public/secret", "/public/secret/", "/public/secret;x", "/public/secret%00",
    "/public/secret%0a", "/public/secret%20", "/public/secret.", "/public/SECRET", "/public/%73ecret",
    "/public/%2573ecret", "/public/secret%2fx", "/public/%ef%bd%93ecret", "/public/secret%3fx", "/public/secret%23",
    "/public/x/../secret", "/secret", "/secret/", "/%73ecret", "//secret", "/%2fsecret", "/secret%2f", "/SECRET",
    "/%ff/../secret", "/public/%ff/../secret", "/public/%c0%ae%c0%ae/secret", "/me?x=/public/page", "/public/..%00/me",
    "/public/page/../../me", "/shop/../me", "/shop/%2e%2e/secret",
]  # fmt: skip


@pytest.mark.parametrize("target", TRICKS)
def test_no_spelling_of_a_path_gets_round_a_guard(front: Client, target: str) -> None:
    """Oathkeeper CVE-2026-33494: with every framework's own router, nobody without a token sees a secret."""
    answered = front("GET", target, [])

    assert not [path for path in reached if path.startswith("secret") or path == "/me"], answered
    assert answered.status in (301, 302, 307, 308, 400, 401, 404)


def test_the_scope_is_asked_anew_for_the_same_token(front: Client) -> None:
    """Oathkeeper CVE-2021-32701: a remembered token opens no second route."""
    headers = bearer(scope="other")

    first, second = front("GET", "/me", headers), front("GET", "/reports", headers)

    assert (first.status, second.status) == (200, 403)


def test_a_token_that_dies_between_two_requests_is_refused(front: Client) -> None:
    """The cache remembers the signature, and asks the revocations every time."""
    headers = bearer(sid="ses_soon", jti="soon")
    before = front("GET", "/me", headers)

    REVOKED.add(digest("token", "soon"), NOW + 600)
    after = front("GET", "/me", headers)
    REVOKED._known.pop(digest("token", "soon"))

    assert (before.status, after.status) == (200, 401)
