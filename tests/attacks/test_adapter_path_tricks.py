"""Getting round an adapter with a path that it reads in one way and its framework's router in another.

The family of ``test_guard_path_tricks.py`` (Oathkeeper CVE-2026-33494, starlette CVE-2026-48710), against the routers
of Litestar, Quart, Flask, Django and aiohttp, at the root and below a mount point.
"""

from collections.abc import Iterator
from contextlib import ExitStack
from functools import cache
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from hypothesis import given, settings
from hypothesis import strategies as st
from yarl import URL

from doorward.verify.aiohttp import Guard as AiohttpGuard
from doorward.verify.wsgi import Guard as WsgiGuard
from tests.attacks.test_guard_path_tricks import CORPUS, targets
from tests.verify.adapters.clients import asgi_client, call_wsgi, environ_of
from tests.verify.adapters.django_site import site
from tests.verify.adapters.fronts import FRONTS, RULES, flask_app, litestar_app, litestar_middleware_app, quart_app
from tests.verify.adapters.reached import reached
from tests.verify.parties import Issuer, exchange, run, scope_of

PARTY = Issuer()
CLIENTS: dict[str, Any] = {}
NAMES = ["litestar", "litestar-middleware", "quart", "flask", "django-sync", "django-async", "aiohttp"]


@pytest.fixture(scope="module", autouse=True)
def _clients() -> Iterator[None]:
    """Open each front once for the module."""
    with ExitStack() as opened:
        for name in NAMES:
            if name == "litestar-middleware":
                CLIENTS[name] = asgi_client(litestar_middleware_app(PARTY.verifier()))
            else:
                CLIENTS[name] = opened.enter_context(FRONTS[name](PARTY.verifier()))
        yield


def secrets_seen() -> list[str]:
    """What somebody without a token must not have reached."""
    return [path for path in reached if path.startswith("secret") or path in ("/me", "/reports", "/admin", "/fresh")]


MINE = [target.replace("/admin", "/me") for target in CORPUS if target.startswith("/")]


@pytest.mark.parametrize("name", NAMES)
def test_no_spelling_of_the_corpus_reaches_what_is_protected(name: str) -> None:
    """Encoded, doubled, dotted, folded, with parameters, with controls."""
    for target in [*CORPUS, *MINE]:
        if " " in target:
            continue
        reached.clear()

        CLIENTS[name]("GET", target, [])

        assert not secrets_seen(), target


@given(target=targets(), name=st.sampled_from([one for one in NAMES if one != "aiohttp"]))
@settings(max_examples=300, deadline=None)
def test_no_spelling_at_all_reaches_what_is_protected(target: str, name: str) -> None:
    """Property: whatever is done to a path, nobody without a credential gets to a protected handler."""
    reached.clear()

    CLIENTS[name]("GET", target.replace("/admin", "/me"), [])
    CLIENTS[name]("GET", target, [])

    assert not secrets_seen()


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    "forged",
    [
        (b"host", b"testserver/public"),
        (b"host", b"testserver/public/page?"),
        (b"x-forwarded-prefix", b"/public"),
        (b"x-forwarded-proto", b"http"),
        (b"x-forwarded-for", b"127.0.0.1, garbage"),
        (b"x-original-url", b"/public/page"),
        (b"x-rewrite-url", b"/public/page"),
        (b"x-http-method-override", b"OPTIONS"),
        (b"script-name", b"/public"),
        (b"path-info", b"/public/page"),
        (b"forwarded", b"for=127.0.0.1;host=localhost"),
    ],
)
def test_no_header_moves_the_path(name: str, forged: tuple[bytes, bytes]) -> None:
    """Oathkeeper CVE-2026-33495: only the path that is routed counts."""
    reached.clear()

    answered = CLIENTS[name]("GET", "/me", [forged])

    assert answered.status in (400, 401)
    assert not secrets_seen()


MOUNTS = ["/api", "/public", "/public/", "/shop", "//public", "/public/..", "", "/", "public"]


@cache
def asgi_apps() -> dict[str, Any]:
    """Litestar and Quart."""
    return {"litestar": litestar_app(PARTY.verifier()), "quart": quart_app(PARTY.verifier())}


@cache
def wsgi_apps() -> dict[str, Any]:
    """Flask and Django, as WSGI."""
    from django.core.handlers.wsgi import WSGIHandler

    with site(verifier=PARTY.verifier(), **RULES):
        return {"flask": flask_app(PARTY.verifier()), "django": WSGIHandler()}


@given(target=targets(), script_name=st.sampled_from(MOUNTS), repeated=st.booleans())
@settings(max_examples=150, deadline=None)
def test_no_script_name_opens_anything(target: str, script_name: str, repeated: bool) -> None:
    """Property: below a mount point, whether a gateway has taken it off the path or not."""
    for app in wsgi_apps().values():
        reached.clear()
        environ = environ_of("GET", (script_name if repeated else "") + target.replace("/admin", "/me"), [])
        environ["SCRIPT_NAME"] = script_name

        call_wsgi(app, environ)

        assert not secrets_seen()


@given(target=targets(), root_path=st.sampled_from(MOUNTS), is_told=st.booleans())
@settings(max_examples=150, deadline=None)
def test_no_root_path_opens_anything(target: str, root_path: str, is_told: bool) -> None:
    """Property: for Litestar and Quart, in either convention of ASGI servers."""
    for app in asgi_apps().values():
        reached.clear()
        scope = scope_of(target.replace("/admin", "/me").encode(), root_path=root_path)
        if not is_told:
            scope["path"] = scope["path"].removeprefix(root_path)

        run(exchange(app, scope))

        assert not secrets_seen()


@pytest.mark.parametrize("raw", ["/\xff", "/public/\xff\xfe", "/public/%", "\u0100", "", "public", "/public/\ud800"])
def test_a_path_that_is_no_path_opens_nothing(raw: str) -> None:
    """Whatever a gateway hands over, the WSGI guard closes."""
    came_in = []

    def application(environ: Any, start_response: Any) -> list[bytes]:
        came_in.append(environ["PATH_INFO"])
        start_response("200 OK", [])
        return []

    guard = WsgiGuard(application, PARTY.verifier(), public=["/", "/public"])
    environ = environ_of("GET", "/", []) | {"PATH_INFO": raw}

    answered = call_wsgi(guard, environ)

    assert answered.status == (200 if raw == "" else 401)


@pytest.mark.parametrize("target", ["/public%2Fada", "/public%2fada", "/public%2F", "/public/%2Fada", "/%2Fpublic/ada"])
async def test_an_encoded_slash_is_no_border_of_a_public_path(target: str) -> None:
    """aiohttp matches it as a letter: ``/public%2Fada`` is the segment of ``/{name}``, and lies below no rule."""

    async def secret(request: web.Request) -> web.Response:
        return web.Response(text=request.match_info["name"])

    app = web.Application()
    app.router.add_get("/{name}", secret)
    app.router.add_get("/public/{name}", secret)
    AiohttpGuard(PARTY.verifier(), public=["/public"]).install(app)

    async with TestClient(TestServer(app)) as client:
        answered = await client.get(URL(target, encoded=True))

        assert answered.status == 401
