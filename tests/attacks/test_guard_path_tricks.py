"""Getting round a guard with a path that it reads in one way and the router in another.

Oathkeeper CVE-2026-33494 (traversal before the match), starlette CVE-2026-48710 (the Host header in the path), and the
family of encoded, doubled, dotted and folded paths. Real Starlette and FastAPI routers, and a client that decodes the
target once, as uvicorn and Granian do.
"""

import posixpath
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import quote, unquote

import pytest
from fastapi import FastAPI, Request
from hypothesis import example, given, settings
from hypothesis import strategies as st
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.responses import PlainTextResponse
from starlette.routing import Host, Mount, Route, Router, WebSocketRoute
from starlette.websockets import WebSocket

from doorward.errors import Misconfigured
from doorward.verify import Guard
from tests.verify.parties import Issuer, ask, bearing, exchange, run, scope_of

PARTY = Issuer()
RULES: dict[str, Any] = {
    "public": ["/", "/public", "/files", "/mounted/public"],
    "optional": ["/shop"],
    "protected": ["/public/secret", "/files/secret", "/shop/secret"],
}
OPEN = ("/public", "/files", "/mounted/public", "/shop")
CLOSED = ("/public/secret", "/files/secret", "/shop/secret")

reached: list[str] = []


async def secret(request: Request) -> PlainTextResponse:
    """Stand for anything that needs a log-in."""
    reached.append(f"secret {request.url.path}")
    return PlainTextResponse("secret")


async def anybody(request: Request) -> PlainTextResponse:
    """Serve whatever the path names, as a file server does: decoding once more and normalising, which is bad."""
    path = request.scope["path"]
    for reading in (path, unquote(path), unquote(unquote(path)), path.replace("\\", "/"), path.lower()):
        resolved = posixpath.normpath("/" + reading.partition(";")[0].lstrip("/"))
        if not (resolved == "/" or _is_below(resolved, OPEN)) or _is_below(resolved, CLOSED):
            reached.append(f"escaped {path!r} as {resolved!r}")
    return PlainTextResponse("anybody")


def _is_below(path: str, prefixes: tuple[str, ...]) -> bool:
    return any(path == prefix or path.startswith(prefix + "/") for prefix in prefixes)


async def socket(websocket: WebSocket) -> None:
    """Stand for a WebSocket that needs a log-in."""
    reached.append(f"socket {websocket.url.path}")
    await websocket.accept()
    await websocket.close()


def routes() -> list[Any]:
    """Every way Starlette has to reach an endpoint."""
    return [
        Route("/", anybody, methods=["GET", "POST"]),
        Route("/public", anybody),
        Route("/public/secret", secret),
        Route("/public/secret/{rest:path}", secret),
        Route("/public/{rest:path}", anybody),
        Mount("/files", routes=[Route("/secret", secret), Route("/{rest:path}", anybody)]),
        Mount(
            "/mounted",
            app=Router([Route("/public/{rest:path}", anybody), Route("/admin", secret), Route("/{rest:path}", secret)]),
        ),
        Route("/shop/secret", secret),
        Route("/shop/{rest:path}", anybody),
        WebSocketRoute("/socket", socket),
        Host("internal.example", app=Router([Route("/{rest:path}", secret)])),
        Route("/admin", secret, methods=["GET", "POST", "PUT", "DELETE", "OPTIONS"]),
        Route("/admin/{rest:path}", secret),
        Route("/{rest:path}", secret),
    ]


def starlette_app() -> Callable[..., Any]:
    """Guard a Starlette application."""
    guard = Middleware(Guard, authenticator=PARTY.verifier(), **RULES)
    return Starlette(routes=routes(), middleware=[guard])


def fastapi_app() -> Callable[..., Any]:
    """Guard a FastAPI application with the same routes."""
    app = FastAPI(openapi_url=None)
    app.add_middleware(Guard, authenticator=PARTY.verifier(), **RULES)

    @app.get("/public/secret")
    @app.get("/public/secret/{rest:path}")
    @app.get("/admin")
    @app.get("/admin/{rest:path}")
    @app.get("/shop/secret")
    async def hidden(request: Request, rest: str = "") -> str:
        reached.append(f"secret {request.url.path}")
        return rest

    @app.get("/")
    @app.get("/public")
    @app.get("/public/{rest:path}")
    @app.get("/shop/{rest:path}")
    async def shown(request: Request, rest: str = "") -> str:
        await anybody(request)
        return rest

    inner = FastAPI(openapi_url=None)

    @inner.get("/secret")
    @inner.get("/")
    async def mounted(request: Request) -> str:
        reached.append("mounted")
        return "secret"

    app.mount("/inner", inner)
    return app


APPS = {
    "starlette": starlette_app(),
    "fastapi": fastapi_app(),
}


@pytest.fixture(autouse=True)
def _nobody_yet() -> Iterator[None]:
    reached.clear()
    yield
    reached.clear()


CORPUS = [
    "/admin",
    "/admin/",
    "//admin",
    "/./admin",
    "/public/../admin",
    "/public/%2e%2e/admin",
    "/public/%2E%2e/admin",
    "/public/.%2e/admin",
    "/public/%252e%252e/admin",
    "/public/..%2fadmin",
    "/public/..%252fadmin",
    "/public/..%5cadmin",
    "/public/..\\admin",
    "/public%2f..%2fadmin",
    "/public%2F%2e%2e%2Fadmin",
    "/public/%c0%ae%c0%ae/admin",
    "/public/%uff0e%uff0e/admin",
    "/public/%ef%bc%8e%ef%bc%8e/admin",
    "/public/..;/admin",
    "/public;/../admin",
    "/public/..%00/admin",
    "/public/secret",
    "/public/secret/",
    "/public//secret",
    "/public/./secret",
    "/public/x/../secret",
    "/public/%73ecret",
    "/public/%2573ecret",
    "/public/SECRET",
    "/public/secre%74",
    "/public/secret%20",
    "/public/secret.",
    "/public/secret;x=1",
    "/public/secret%00",
    "/public/secret%0a",
    "/public/secret%0d%0a",
    "/public/secret%3f",
    "/public/secret%23",
    "/public/%ef%bd%93ecret",
    "/public%0a",
    "/%70ublic/secret",
    "/files/../admin",
    "/files/secret",
    "/files//secret",
    "/files/%2fsecret",
    "/mounted/public/../admin",
    "/mounted/admin",
    "/mounted//admin",
    "/mounted/public%2f..%2fadmin",
    "/shop/secret",
    "/shop/secret%2f",
    "/shop/%53ecret",
    "/inner/secret",
    "/inner//secret",
    "/inner/",
    "/ADMIN",
    "/Admin",
    "/%61dmin",
    "/%61%64%6d%69%6e",
    "/%2561dmin",
    "/admin%2f",
    "/admin%00",
    "/admin%0a",
    "/admin.",
    "/admin..;/",
    "/admin?x=/public",
    "/admin?/public",
    "/?/../admin",
    "/%3f/../admin",
    "/%23/../admin",
    "/admin%23/public",
    "*",
    "/*",
    "/\\admin",
    "/%5cadmin",
    "/%ff",
    "/%ff/../admin",
    "/%",
    "/%2",
    "/%zz",
    "https://testserver/admin",
    "/https://testserver/public/../admin",
]


@pytest.mark.parametrize("app", APPS)
@pytest.mark.parametrize("target", CORPUS)
async def test_no_spelling_of_a_path_reaches_what_is_protected(app: str, target: str) -> None:
    """Without a credential nobody gets anywhere but to the open handlers, whose paths lead nowhere else."""
    await ask(APPS[app], target)

    assert reached == []


@pytest.mark.parametrize("target", ["/admin", "/public/secret", "/files/secret", "/mounted/admin", "/nowhere"])
async def test_the_handlers_behind_are_really_there(target: str) -> None:
    """With a token each of them is reached, so the tests above are about doors and not about walls."""
    answered = await ask(APPS["starlette"], target, headers=bearing(PARTY.token()))

    assert answered.status == 200
    assert len(reached) == 1


@pytest.mark.parametrize(
    "target", ["/", "/?a=b", "/public", "/public/a/b.css", "/public/%C3%BC", "/public/a%20b", "/shop/", "/files/x"]
)
async def test_open_paths_stay_open(target: str) -> None:
    """A guard that closes everything would pass the other tests too."""
    assert (await ask(APPS["starlette"], target)).status == 200


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "TRACE", "get", "X-UNKNOWN"])
async def test_no_method_gets_round(method: str) -> None:
    """The decision does not depend on the method."""
    answered = await ask(APPS["starlette"], "/admin", method=method)

    assert answered.status == 401
    assert reached == []


@pytest.mark.parametrize(
    "forged",
    [
        {"host": "internal.example"},
        {"host": "testserver/public"},
        {"host": "testserver/public?"},
        {"x-forwarded-prefix": "/public"},
        {"x-forwarded-proto": "http"},
        {"x-forwarded-for": "127.0.0.1, garbage"},
        {"x-forwarded-host": "localhost"},
        {"x-forwarded-uri": "/public"},
        {"x-original-url": "/public"},
        {"x-rewrite-url": "/public"},
        {"x-http-method-override": "GET"},
        {"forwarded": "for=127.0.0.1;proto=https;host=localhost"},
        {"x-auth-subject": "acc_one"},
        {"x-auth-roles": "admin"},
    ],
)
@pytest.mark.parametrize("target", ["/admin", "/public/secret"])
async def test_no_header_moves_the_path(forged: dict[str, str], target: str) -> None:
    """Oathkeeper CVE-2026-33495, starlette CVE-2026-48710: only the path of the scope counts."""
    answered = await ask(APPS["starlette"], target, headers=forged)

    assert answered.status == 401
    assert reached == []


@pytest.mark.parametrize("target", ["/socket", "//socket", "/%73ocket", "/socket/", "/public/../socket", "/socket%0a"])
async def test_a_handshake_is_guarded_like_a_request(target: str) -> None:
    """A WebSocket does not slip through because nobody thought of it."""
    sent = await exchange(APPS["starlette"], scope_of(target.encode(), kind="websocket"))

    assert [message["type"] for message in sent] == ["websocket.close"]
    assert reached == []


BASES = [*CORPUS[:1], *CLOSED, "/public/x", "/", "/mounted/admin", "/files/a.txt", "/public/../admin", "/shop/../admin"]
NOISE = ["//", "/./", "/../", "/..;/", "\\", "%00", "%0a", "%2f", "%5c", ";x=1", ".", "..", "%2e", "%252e", "/public/"]
LOOKALIKES = {"/": "／", ".": "．", "a": "ａ", "s": "ſ", "i": "ı", "e": "é", "k": "\u212a"}


def _encode(character: str, times: int) -> str:
    encoded = "".join(f"%{byte:02x}" for byte in character.encode())
    for _ in range(times - 1):
        encoded = encoded.replace("%", "%25")
    return encoded


@st.composite
def targets(draw: st.DrawFn) -> str:
    """Take a path and spell it as an attacker would."""
    path = draw(st.sampled_from(BASES))
    spelled = []
    for character in path:
        match draw(st.integers(0, 11)):
            case 0:
                spelled.append(_encode(character, 1))
            case 1:
                spelled.append(_encode(character, 2))
            case 2:
                spelled.append(character.swapcase())
            case 3:
                spelled.append(quote(LOOKALIKES.get(character, character)))
            case 4 if character == "/":
                spelled.append(draw(st.sampled_from(["//", "/./", "/x/../", "%2f", "\\", "/;/"])))
            case _:
                spelled.append(character)
    for _ in range(draw(st.integers(0, 2))):
        spelled.insert(draw(st.integers(1, len(spelled))), draw(st.sampled_from(NOISE)))
    return "".join(spelled) + draw(st.sampled_from(["", "/", "//", "/.", "/..", "?x", "%20", "."]))


@given(target=targets(), app=st.sampled_from(sorted(APPS)))
@example(target="/public/secret%0a", app="starlette")
@settings(max_examples=400, deadline=None)
def test_no_spelling_at_all_reaches_what_is_protected(target: str, app: str) -> None:
    """Property: whatever is done to a path, nobody without a credential gets to a protected handler."""
    reached.clear()

    run(ask(APPS[app], target))

    assert reached == []


@given(
    target=targets(),
    root_path=st.sampled_from(["/api", "/api/", "/public", "/", "/admin", "/public/..", "public", "/a/../b"]),
    is_told=st.booleans(),
)
@settings(max_examples=200, deadline=None)
def test_no_root_path_opens_anything(target: str, root_path: str, is_told: bool) -> None:
    """Property: behind a proxy that strips a prefix or does not, in either convention of ASGI servers."""
    reached.clear()
    scope = scope_of(target.encode(), root_path=root_path)
    if not is_told:
        scope["path"] = scope["path"].removeprefix(root_path)

    run(exchange(APPS["starlette"], scope))

    assert [entry for entry in reached if entry.startswith(("secret", "socket"))] == []


def with_root_path() -> FastAPI:
    """An application that takes a prefix off paths by itself."""
    app = FastAPI(openapi_url=None)
    app.root_path = "/api"  # as FastAPI(root_path="/api"), which warns in its newest versions
    app.add_api_route("/admin", secret)
    return app


@pytest.mark.parametrize("wrapped", [False, True])
def test_a_root_path_behind_the_guard_is_refused(wrapped: bool) -> None:
    """Finding 4 of the review: ``/api/admin`` was public to the guard and ``/admin`` to the router."""
    inside: Any = CORSMiddleware(with_root_path()) if wrapped else with_root_path()

    with pytest.raises(Misconfigured, match="root_path"):
        Guard(inside, PARTY.verifier(), protected=["/admin"], public=["/*"])


@pytest.mark.parametrize("target", ["/admin", "/api/admin", "/api/api/admin", "//api/admin"])
def test_a_root_path_in_front_of_the_guard_opens_nothing(target: str) -> None:
    """As middleware of the application, the guard is told the same root path as the router."""
    app = with_root_path()
    app.add_middleware(Guard, authenticator=PARTY.verifier(), protected=["/admin"], public=["/*"])

    run(ask(app, target))

    assert reached == []


@given(text=st.text(max_size=40), raw=st.binary(max_size=40))
@settings(max_examples=200, deadline=None)
def test_arbitrary_paths_are_answered(text: str, raw: bytes) -> None:
    """Property: whatever a server hands over as a path is answered, with 401 or by an open handler."""
    for path in (text, "/" + text, raw.decode("utf-8", "replace"), "/public/" + raw.decode("latin-1")):
        reached.clear()
        scope = scope_of(b"/") | {"path": path}

        sent = run(exchange(APPS["starlette"], scope))

        assert sent[0]["status"] in (200, 401, 404, 405, 307)
        assert reached == []
