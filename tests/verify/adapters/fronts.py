"""The same small application in every framework, behind its adapter; ``FRONTS`` makes a client for each."""

# ruff: noqa: B008 - a dependency in a default is how FastAPI is written

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from aiohttp import web
from fastapi import Depends, FastAPI, Request
from fastapi.responses import PlainTextResponse as FastAPIText
from flask import Blueprint, Flask
from litestar import Litestar
from litestar import Request as LitestarRequest
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath
from quart import Quart
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request as StarletteRequest
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from doorward.verify import Guard, Principal, principal_of
from doorward.verify import aiohttp as for_aiohttp
from doorward.verify import flask as for_flask
from doorward.verify import litestar as for_litestar
from doorward.verify import quart as for_quart
from doorward.verify.fastapi import require
from tests.verify.adapters.clients import Client, asgi_client, loop_in_a_thread, socket_client, wsgi_client
from tests.verify.adapters.django_site import site
from tests.verify.adapters.reached import reached
from tests.verify.parties import Clock

RULES: dict[str, Any] = {
    "public": ["/public", "/public-by-slip"],
    "optional": ["/shop"],
    "protected": ["/public/secret"],
}
REQUIREMENTS: dict[str, dict[str, Any]] = {
    "/shop/orders": {},
    "/reports": {"scope": "reports:read"},
    "/admin": {"role": "admin"},
    "/fresh": {"fresh": 60},
    "/public-by-slip": {},
}
PLAIN = ("/me", "/public/page", "/shop/page")


def told(who: Principal | None, path: str) -> str:
    """Note a path that was reached, and tell who calls."""
    reached.append(("secret " if "secret" in path else "") + path)
    return "guest" if who is None else who.subject


def starlette_app(verifier: Any) -> Any:
    """Guard a Starlette application."""

    async def page(request: StarletteRequest) -> PlainTextResponse:
        return PlainTextResponse(told(principal_of(request), request.scope["path"]))

    routes = [Route(path, require(**asks, clock=Clock())(page)) for path, asks in REQUIREMENTS.items()]
    routes += [Route(path, page, methods=["GET", "POST"]) for path in PLAIN]
    routes += [Route("/public/{rest:path}", page), Route("/secret{rest:path}", page)]
    return Starlette(routes=routes, middleware=[Middleware(Guard, authenticator=verifier, **RULES)])


def fastapi_app(verifier: Any) -> Any:
    """Guard a FastAPI application."""
    app = FastAPI(openapi_url=None)
    app.add_middleware(Guard, authenticator=verifier, **RULES)

    def required(path: str, asks: dict[str, Any]) -> None:
        @app.get(path)
        async def page(request: Request, who: Principal = Depends(require(**asks, clock=Clock()))) -> FastAPIText:
            return FastAPIText(told(who, path))

    for path, asks in REQUIREMENTS.items():
        required(path, asks)

    async def plain(request: Request) -> FastAPIText:
        return FastAPIText(told(principal_of(request), request.scope["path"]))

    for path in (*PLAIN, "/public/{rest:path}", "/secret{rest:path}"):
        app.add_api_route(path, plain, methods=["GET", "POST"])
    return app


def litestar_app(verifier: Any) -> Any:
    """Guard a Litestar application from outside, and ask with guards of its own."""

    async def page(request: LitestarRequest[Any, Any, Any]) -> str:
        return told(principal_of(request.scope), request.scope["path"])

    handlers = [
        HTTPRouteHandler(
            path, http_method="GET", guards=[for_litestar.require(**asks, clock=Clock())], media_type="text/plain"
        )(page)
        for path, asks in REQUIREMENTS.items()
    ]
    handlers += [
        HTTPRouteHandler(path, http_method=["GET", "POST"], status_code=200, media_type="text/plain")(page)
        for path in (*PLAIN, "/secret")
    ]

    async def below(request: LitestarRequest[Any, Any, Any], rest: FromPath[str]) -> str:
        return await page(request)

    handlers.append(HTTPRouteHandler("/public/{rest:path}", http_method="GET", media_type="text/plain")(below))
    return Guard(Litestar(handlers, openapi_config=None), verifier, **RULES)


def litestar_middleware_app(verifier: Any) -> Any:
    """Guard a Litestar application as middleware of its own, which it runs behind its routing."""
    from litestar.middleware import DefineMiddleware

    async def page(request: LitestarRequest[Any, Any, Any]) -> str:
        return told(principal_of(request.scope), request.scope["path"])

    async def below(request: LitestarRequest[Any, Any, Any], rest: FromPath[str]) -> str:
        return await page(request)

    options: dict[str, Any] = {"http_method": ["GET", "POST"], "status_code": 200, "media_type": "text/plain"}
    handlers = [HTTPRouteHandler(path, **options)(page) for path in (*PLAIN, "/secret", "/public/secret")]
    handlers.append(HTTPRouteHandler("/public/{rest:path}", **options)(below))
    guard = DefineMiddleware(Guard, authenticator=verifier, **RULES)
    return Litestar(handlers, openapi_config=None, middleware=[guard])


def quart_app(verifier: Any) -> Any:
    """Guard a Quart application."""
    app = Quart(__name__)

    async def page(rest: str = "") -> Any:
        from quart import request

        return told(for_quart.current_principal(), request.path), {"Content-Type": "text/plain"}

    for path, asks in REQUIREMENTS.items():
        app.add_url_rule(path, path, for_quart.require(**asks, clock=Clock())(page))
    for path in (*PLAIN, "/public/<path:rest>", "/secret<path:rest>", "/secret"):
        app.add_url_rule(path, path, page, methods=["GET", "POST"])
    app.asgi_app = Guard(app.asgi_app, verifier, **RULES)  # type: ignore[method-assign,arg-type]
    return app


def flask_app(verifier: Any) -> Flask:
    """Guard a Flask application; one requirement stands on a whole blueprint."""
    app = Flask(__name__)

    def page(rest: str = "") -> Any:
        from flask import request

        return told(for_flask.current_principal(), request.path), {"Content-Type": "text/plain"}

    for path, asks in REQUIREMENTS.items():
        if path == "/admin":
            admin = Blueprint("admin", __name__)
            admin.before_request(for_flask.require(**asks, clock=Clock()))
            admin.add_url_rule(path, path, page)
            app.register_blueprint(admin)
        else:
            app.add_url_rule(path, path, for_flask.require(**asks, clock=Clock())(page))
    for path in (*PLAIN, "/public/<path:rest>", "/secret<path:rest>", "/secret"):
        app.add_url_rule(path, path, page, methods=["GET", "POST"])
    for_flask.protect(app, verifier, **RULES)
    return app


def aiohttp_app(verifier: Any) -> web.Application:
    """Guard an aiohttp application."""
    app = web.Application()

    async def page(request: web.Request) -> web.Response:
        return web.Response(text=told(for_aiohttp.principal_of(request), request.path))

    for path, asks in REQUIREMENTS.items():
        app.router.add_get(path, for_aiohttp.require(**asks, clock=Clock())(page))
    for path in PLAIN:
        app.router.add_route("*", path, page)
    app.router.add_get("/public/{rest:.*}", page)
    app.router.add_get("/secret{rest:.*}", page)
    for_aiohttp.Guard(verifier, **RULES).install(app)
    return app


@contextmanager
def _asgi(app: Any) -> Iterator[Client]:
    yield asgi_client(app)


@contextmanager
def _flask(verifier: Any) -> Iterator[Client]:
    yield wsgi_client(flask_app(verifier))


@contextmanager
def _django_sync(verifier: Any) -> Iterator[Client]:
    from django.core.handlers.wsgi import WSGIHandler

    with site(verifier=verifier, **RULES):
        yield wsgi_client(WSGIHandler())


@contextmanager
def _django_async(verifier: Any) -> Iterator[Client]:
    from django.core.handlers.asgi import ASGIHandler

    with site(verifier=verifier, **RULES):
        yield asgi_client(ASGIHandler())


@contextmanager
def _aiohttp(verifier: Any) -> Iterator[Client]:
    async def start() -> tuple[web.AppRunner, int]:
        runner = web.AppRunner(aiohttp_app(verifier), access_log=None)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        port: int = runner.addresses[0][1]
        return runner, port

    with loop_in_a_thread() as loop:
        runner, port = asyncio.run_coroutine_threadsafe(start(), loop).result(10)
        try:
            yield socket_client(port)
        finally:
            asyncio.run_coroutine_threadsafe(runner.cleanup(), loop).result(10)


FRONTS: dict[str, Callable[[Any], Any]] = {
    "starlette": lambda verifier: _asgi(starlette_app(verifier)),
    "fastapi": lambda verifier: _asgi(fastapi_app(verifier)),
    "litestar": lambda verifier: _asgi(litestar_app(verifier)),
    "quart": lambda verifier: _asgi(quart_app(verifier)),
    "flask": _flask,
    "django-sync": _django_sync,
    "django-async": _django_async,
    "aiohttp": _aiohttp,
}
