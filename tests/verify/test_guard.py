"""The guard in front of an ASGI application."""

import json
import logging
from collections.abc import Mapping
from typing import Any

import pytest

from doorward.errors import (
    AccountDisabled,
    CrossSiteRequest,
    Misconfigured,
    Overloaded,
    ReauthenticationRequired,
    SessionEnded,
)
from doorward.verify import Guard, Principal, principal_of
from doorward.verify.model import digest
from tests.verify.parties import NOW, Clock, Issuer, RevocationSet, ask, bearing, exchange, scope_of

PARTY = Issuer()
BROWSER = {
    "accept": "text/html,application/xhtml+xml,*/*;q=0.8",
    "sec-fetch-mode": "navigate",
    "sec-fetch-dest": "document",
}


class Answering:
    """An authenticator that answers what it is told to."""

    def __init__(self, answer: Any = None) -> None:
        self.answer = answer

    async def authenticate(self, scope: Mapping[str, Any]) -> Any:
        if isinstance(self.answer, BaseException):
            raise self.answer
        return self.answer


class Application:
    """An application that tells who has come in."""

    def __init__(self) -> None:
        self.scopes: list[Any] = []

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        self.scopes.append(scope)
        if scope["type"] == "http":
            await send({"type": "http.response.start", "status": 200, "headers": []})
            await send({"type": "http.response.body", "body": b"in"})
        elif scope["type"] == "websocket":
            await send({"type": "websocket.accept"})


def guarded(authenticator: Any = None, **options: Any) -> tuple[Guard, Application]:
    """Put a guard in front of an application."""
    app = Application()
    options.setdefault("public", ["/public"])
    options.setdefault("optional", ["/shop"])
    return Guard(app, PARTY.verifier() if authenticator is None else authenticator, **options), app


async def test_a_good_token_comes_in_with_its_principal() -> None:
    """The application finds the verified caller in the scope."""
    guard, app = guarded()

    answered = await ask(guard, "/me", headers=bearing(PARTY.token()))

    assert answered.status == 200
    found = principal_of(app.scopes[0])
    assert found is not None
    assert found.subject == "acc_one"


async def test_no_credential_is_challenged_without_an_error_code() -> None:
    """RFC 6750 section 3.1: who has not tried is not told of an error."""
    guard, app = guarded()

    answered = await ask(guard, "/me")

    assert answered.status == 401
    assert answered.headers["www-authenticate"] == 'Bearer realm="doorward"'
    assert answered.headers["content-type"] == "application/problem+json"
    assert answered.headers["cache-control"] == "no-store"
    assert json.loads(answered.body)["code"] == "invalid_token"
    assert app.scopes == []


@pytest.mark.parametrize("path", ["/me", "/shop/cart"])
async def test_a_bad_token_is_challenged_with_an_error_code(path: str) -> None:
    """Also on an optional path: who shows a token wants to be somebody, and should learn that it is not good."""
    guard, app = guarded()

    answered = await ask(guard, path, headers=bearing("a.b.c"))

    assert answered.status == 401
    assert answered.headers["www-authenticate"] == 'Bearer realm="doorward", error="invalid_token"'
    assert app.scopes == []


async def test_the_private_reason_stays_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    """All bad tokens look the same from outside."""
    guard, _ = guarded()
    revoked = RevocationSet()
    revoked.add(digest("session", "ses_one"), NOW + 600)
    clock = Clock(NOW + 10_000)
    bodies = set()

    with caplog.at_level(logging.INFO, logger="doorward.verify"):
        for verifier, token in (
            (PARTY.verifier(), PARTY.token(iss="https://evil.example")),
            (PARTY.verifier(), PARTY.token(aud="somebody")),
            (PARTY.verifier(clock=clock), PARTY.token()),
            (PARTY.verifier(revocations=revoked), PARTY.token()),
            (PARTY.verifier(), Issuer().token()),
        ):
            guard, _ = guarded(verifier)
            answered = await ask(guard, "/me", headers=bearing(token))
            bodies.add((answered.status, answered.body, tuple(answered.headers.items())))

    assert len(bodies) == 1
    assert "revoked" in caplog.text
    assert "revoked" not in str(bodies)


async def test_an_ambiguous_request_is_a_bad_request() -> None:
    """RFC 6750 section 3.1: ``invalid_request`` is 400."""
    guard, app = guarded()
    headers = [(b"authorization", b"Bearer a"), (b"authorization", b"Bearer b")]

    answered = await ask(guard, "/shop", headers=headers)

    assert answered.status == 400
    assert answered.headers["www-authenticate"] == 'Bearer realm="doorward", error="invalid_request"'
    assert json.loads(answered.body)["code"] == "invalid_request"
    assert app.scopes == []


async def test_a_public_path_looks_at_no_credential() -> None:
    """A log-in page must open for somebody whose token has expired."""
    guard, app = guarded(Answering(RuntimeError("must not be asked")))

    answered = await ask(guard, "/public/x", headers=bearing("rubbish"))

    assert answered.status == 200
    assert principal_of(app.scopes[0]) is None


async def test_an_optional_path_takes_guests_and_callers() -> None:
    """None for a guest, the principal for a caller."""
    guard, app = guarded()

    await ask(guard, "/shop")
    await ask(guard, "/shop", headers=bearing(PARTY.token()))

    assert [getattr(principal_of(scope), "subject", None) for scope in app.scopes] == [None, "acc_one"]


async def test_a_dead_cookie_on_an_optional_path_is_a_guest() -> None:
    """A browser sends it without meaning it; on a protected path it is refused."""
    guard, app = guarded(Answering(SessionEnded("over")))

    optional = await ask(guard, "/shop")
    protected = await ask(guard, "/me")

    assert (optional.status, protected.status) == (200, 401)
    assert json.loads(protected.body)["code"] == "session_ended"
    assert len(app.scopes) == 1


@pytest.mark.parametrize(
    ("problem", "status", "header", "value"),
    [
        (AccountDisabled(), 403, "www-authenticate", None),
        (CrossSiteRequest(), 403, "www-authenticate", None),
        (Overloaded(retry_after=7), 503, "retry-after", "7"),
        (Overloaded(), 503, "retry-after", "1"),
        (
            ReauthenticationRequired(members={"max_age": 600}),
            401,
            "www-authenticate",
            'Bearer realm="doorward", error="insufficient_user_authentication", max_age="600"',
        ),
        (SessionEnded(headers={"Set-Cookie": "x=; Max-Age=0"}), 401, "set-cookie", "x=; Max-Age=0"),
    ],
)
async def test_a_problem_of_the_authenticator_is_said_as_it_is(
    problem: Exception, status: int, header: str, value: str | None
) -> None:
    """With its status, its code and its headers."""
    guard, app = guarded(Answering(problem))

    answered = await ask(guard, "/me")

    assert answered.status == status
    assert answered.headers.get(header) == value
    assert json.loads(answered.body)["code"] == problem.code  # type: ignore[attr-defined]
    assert app.scopes == []


@pytest.mark.parametrize("kind", ["lifespan"])
async def test_the_lifespan_passes(kind: str) -> None:
    """Starting and stopping is nobody's request."""
    guard, app = guarded()

    await exchange(guard, {"type": kind})

    assert app.scopes == [{"type": kind}]


async def test_an_unknown_protocol_does_not_pass() -> None:
    """What a guard does not understand it does not let through."""
    guard, app = guarded()

    with pytest.raises(ValueError, match="http, websocket"):
        await exchange(guard, {"type": "webtransport"})

    assert app.scopes == []


async def test_an_error_of_the_application_is_its_own() -> None:
    """The guard turns no exception of the application into an answer of its own."""

    async def broken(scope: Any, receive: Any, send: Any) -> None:
        raise KeyError("mine")

    guard = Guard(broken, PARTY.verifier(), public=["/"])

    with pytest.raises(KeyError, match="mine"):
        await ask(guard, "/")


async def test_a_browser_is_sent_to_the_log_in_page_and_comes_back() -> None:
    """302 with the path and query in ``return_to``, encoded so that it is one parameter."""
    guard, _ = guarded(login_url="/auth/login")

    answered = await ask(guard, "/reports/%C3%BC?a=1&b=%26", headers=BROWSER)

    assert answered.status == 302
    assert answered.headers["location"] == "/auth/login?return_to=/reports/%25C3%25BC%3Fa%3D1%26b%3D%2526"
    assert answered.headers["cache-control"] == "no-store"
    assert answered.body == b""


async def test_a_browser_with_a_dead_session_is_sent_there_too() -> None:
    """It helps as much as with none."""
    guard, _ = guarded(Answering(SessionEnded()), login_url="/login?theme=dark")

    answered = await ask(guard, "/me", headers=BROWSER)

    assert answered.headers["location"] == "/login?theme=dark&return_to=/me"


@pytest.mark.parametrize(
    ("method", "headers", "status"),
    [
        ("GET", {"accept": "text/html"}, 302),
        ("HEAD", {"accept": "text/html"}, 302),
        ("GET", {"accept": "text/html, application/json"}, 302),
        ("GET", {"accept": "application/json, text/html"}, 401),
        ("GET", {"accept": "application/json"}, 401),
        ("GET", {"accept": "*/*"}, 401),
        ("GET", {}, 401),
        ("POST", {"accept": "text/html"}, 401),
        ("GET", {"accept": "text/html", "authorization": "Bearer a.b.c"}, 401),
        ("GET", {"accept": "text/html", "authorization": "Basic eDp5"}, 401),
        ("GET", {"accept": "text/html", "sec-fetch-mode": "cors"}, 401),
        ("GET", {"accept": "text/html", "sec-fetch-mode": "navigate"}, 302),
        ("GET", {"accept": "text/html", "sec-fetch-mode": "navigate", "sec-fetch-dest": "iframe"}, 401),
        ("GET", {"accept": "*/*", "sec-fetch-mode": "navigate", "sec-fetch-dest": "document"}, 401),
    ],
)
async def test_only_a_person_who_asks_for_a_page_is_redirected(
    method: str, headers: dict[str, str], status: int
) -> None:
    """A program wants a 401 and not a page."""
    guard, _ = guarded(login_url="/login")

    assert (await ask(guard, "/me", method=method, headers=headers)).status == status


async def test_without_a_log_in_page_a_browser_gets_a_401() -> None:
    """There is nowhere to send it."""
    guard, _ = guarded()

    assert (await ask(guard, "/me", headers=BROWSER)).status == 401


async def test_only_what_a_log_in_can_mend_is_redirected() -> None:
    """A disabled account or a busy server is not helped by another log-in."""
    guard, _ = guarded(Answering(AccountDisabled()), login_url="/login")

    assert (await ask(guard, "/me", headers=BROWSER)).status == 403


@pytest.mark.parametrize("root_path", ["", "/api"])
async def test_a_protected_log_in_page_does_not_send_to_itself(root_path: str) -> None:
    """A slip in the rules is a 401 and no endless circle."""
    guard, _ = guarded(login_url=f"{root_path}/login")

    assert (await ask(guard, "/login", headers=BROWSER, root_path=root_path)).status == 401


async def test_a_long_address_is_not_carried_along() -> None:
    """ASVS 4.2.5: no over-long generated URLs."""
    guard, _ = guarded(login_url="/login")

    answered = await ask(guard, "/me?" + "x" * 3000, headers=BROWSER)

    assert answered.headers["location"] == "/login"


@pytest.mark.parametrize("root_path", ["/api", "/other"])
async def test_behind_a_mount_point_the_browser_comes_back_to_the_whole_path(root_path: str) -> None:
    """In both conventions of ``root_path``: within the path, and left out of it."""
    guard, _ = guarded(login_url="/login")
    scope = scope_of(b"/me", headers=BROWSER, root_path=root_path) | ({"path": "/me"} if root_path == "/other" else {})

    sent = await exchange(guard, scope)

    assert (b"location", f"/login?return_to={root_path}/me".encode()) in sent[0]["headers"]


async def test_a_handshake_is_refused_before_it_is_accepted() -> None:
    """By closing, which a server turns into a 403."""
    guard, app = guarded(login_url="/login")

    sent = await exchange(guard, scope_of(b"/socket", kind="websocket", headers=BROWSER))

    assert sent == [{"type": "websocket.close", "code": 1008, "reason": ""}]
    assert app.scopes == []


async def test_a_handshake_is_answered_where_the_server_can() -> None:
    """With the denial response of ASGI, the same 401 as over HTTP."""
    guard, app = guarded()
    scope = scope_of(b"/socket", kind="websocket", extensions={"websocket.http.response": {}})

    sent = await exchange(guard, scope)

    assert [message["type"] for message in sent] == ["websocket.http.response.start", "websocket.http.response.body"]
    assert sent[0]["status"] == 401
    assert app.scopes == []


async def test_a_handshake_with_a_good_token_is_let_through() -> None:
    """With its principal, like a request."""
    guard, app = guarded()

    sent = await exchange(guard, scope_of(b"/socket", kind="websocket", headers=bearing(PARTY.token())))

    assert sent == [{"type": "websocket.accept"}]
    assert isinstance(principal_of(app.scopes[0]), Principal)


def test_asking_without_a_guard_is_a_defect() -> None:
    """A missing guard must not look like a guest."""
    with pytest.raises(Misconfigured, match="No Guard"):
        principal_of(scope_of(b"/me"))


@pytest.mark.parametrize(
    "options",
    [
        {"login_url": "login"},
        {"login_url": "//evil.example/login"},
        {"login_url": "http://auth.example/login"},
        {"login_url": "https://auth.example"},
        {"login_url": "https://user@auth.example/login"},
        {"login_url": "javascript:alert(1)"},
        {"login_url": "/login\r\nx: y"},
        {"login_url": "/login page"},
        {"login_url": ""},
        {"realm": 'a"b'},
        {"realm": ""},
        {"realm": "a\r\nb"},
        {"public": "/docs"},
        {"protected": ["docs"]},
    ],
)
def test_a_guard_that_cannot_work_is_refused(options: dict[str, Any]) -> None:
    """The start fails, not the first request."""
    with pytest.raises(Misconfigured):
        guarded(**options)


async def test_another_realm_and_another_origin_can_be_named() -> None:
    """For a service that has its own name, and a log-in page elsewhere."""
    guard, _ = guarded(realm="Reports API", login_url="https://auth.example:8443/login")

    api = await ask(guard, "/me")
    page = await ask(guard, "/me", headers=BROWSER)

    assert api.headers["www-authenticate"] == 'Bearer realm="Reports API"'
    assert page.headers["location"] == "https://auth.example:8443/login?return_to=/me"
