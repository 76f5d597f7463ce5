"""(i) What each adapter adds to a request, beside the same route unprotected, in CPU time.

The frameworks are called in process, without a network: ASGI and WSGI applications by their protocols, aiohttp by a
request made by hand. gRPC has no such door, so its real server and client talk over loopback, and the CPU time of the
whole process counts. Unprotected, repeated and first take turns within a round; medians are compared. A *first*
request brings a token that was never seen; a *repeated* one brings the same token again.
"""

import asyncio
import io
import time
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, Final

import grpc
from aiohttp import web
from aiohttp.test_utils import make_mocked_request
from django.conf import settings as django_settings
from fastapi import FastAPI
from flask import Flask
from litestar import Litestar
from litestar.handlers import HTTPRouteHandler
from quart import Quart
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from benchmarks.figures import Figure, middle
from benchmarks.guard import ISSUER, _token
from benchmarks.in_process import time_call
from doorward.jose.keys import KeySet, SigningKey
from doorward.verify import Guard, Verifier
from doorward.verify.aiohttp import Guard as AiohttpGuard
from doorward.verify.flask import protect
from doorward.verify.grpc_aio import GuardInterceptor as GuardInterceptorAio
from doorward.verify.grpc_sync import GuardInterceptor
from doorward.verify.wsgi import Guard as WsgiGuard

NAME: Final = "adapters"
ROUNDS: Final = 600
Ask = Callable[[str], float]
"""Makes one request with a token, and returns the seconds of CPU that it took."""


def measure() -> Iterator[Figure]:
    """Measure each pair of applications in turn."""
    key = SigningKey.generate("ES256")
    keys = KeySet([key.public])

    def verifier() -> Verifier:
        return Verifier(issuer=ISSUER, keys=keys, cache_size=4 * ROUNDS)

    makers = {
        "Starlette": _starlette,
        "FastAPI": _fastapi,
        "Litestar": _litestar,
        "Quart": _quart,
        "plain WSGI": _plain_wsgi,
        "Flask": _flask,
        "Django, sync": _django_sync,
        "Django, async": _django_async,
        "Django REST framework": _drf,
        "aiohttp": _aiohttp,
        "gRPC, sync": _grpc,
        "gRPC, asyncio": _grpc_aio,
    }
    with asyncio.Runner() as runner:
        for name, make in makers.items():
            bare, guarded, end = make(verifier(), runner)
            yield from _compare(name, bare, guarded, [_token(key) for _ in range(ROUNDS + 1)])
            end()


def _compare(name: str, bare: Ask, guarded: Ask, tokens: list[str]) -> Iterator[Figure]:
    again = tokens.pop()
    for _ in range(20):
        bare(again)
        guarded(again)
    times: tuple[list[float], ...] = ([], [], [])
    for token in tokens:
        for kept, ask, sent in zip(times, (bare, guarded, guarded), (again, again, token), strict=True):
            kept.append(ask(sent))
    alone, repeated, first = (middle(each) * 1e6 for each in times)
    yield Figure(NAME, f"{name}: the route unprotected", alone, "µs")
    yield Figure(NAME, f"{name}: the guard adds, repeated", repeated - alone, "µs")
    yield Figure(NAME, f"{name}: the guard adds, first", first - alone, "µs")


Pair = tuple[Ask, Ask, Callable[[], object]]


def _asgi(runner: asyncio.Runner, bare: Any, guarded: Any) -> Pair:
    def asking(app: Any) -> Ask:
        async def ask(token: str) -> float:
            begun = time.thread_time()
            await time_call(app, (b"authorization", f"Bearer {token}".encode()))
            return time.thread_time() - begun

        return lambda token: runner.run(ask(token))

    return asking(bare), asking(guarded), _nothing


def _nothing() -> None:
    return None


def _starlette(verifier: Verifier, runner: asyncio.Runner) -> Pair:
    async def report(_request: Request) -> PlainTextResponse:
        return PlainTextResponse("all is well")

    app = Starlette(routes=[Route("/reports", report)])
    return _asgi(runner, app, Guard(app, verifier))


def _fastapi(verifier: Verifier, runner: asyncio.Runner) -> Pair:
    app = FastAPI(openapi_url=None)

    @app.get("/reports")
    async def report() -> str:
        return "all is well"

    return _asgi(runner, app, Guard(app, verifier))


def _litestar(verifier: Verifier, runner: asyncio.Runner) -> Pair:
    async def report() -> str:
        return "all is well"

    app = Litestar([HTTPRouteHandler("/reports", http_method="GET")(report)], openapi_config=None)
    return _asgi(runner, app, Guard(app, verifier))  # type: ignore[arg-type]


def _quart(verifier: Verifier, runner: asyncio.Runner) -> Pair:
    app = Quart(__name__)

    @app.get("/reports")
    async def report() -> str:
        return "all is well"

    return _asgi(runner, _staying(app), _staying(Guard(app, verifier)))  # type: ignore[arg-type]


def _staying(app: Any) -> Callable[..., Awaitable[None]]:
    """Quart and Django read on until the client goes, so they need one that stays."""

    async def call(scope: Any, receive: Any, send: Any) -> None:
        incoming = [await receive()]

        async def stay() -> Any:
            if not incoming:
                await asyncio.Event().wait()
            return incoming.pop()

        await app(scope, stay, send)

    return call


def _wsgi(bare: Any, guarded: Any) -> Pair:
    def asking(app: Any) -> Ask:
        def ask(token: str) -> float:
            environ = {
                "REQUEST_METHOD": "GET",
                "SCRIPT_NAME": "",
                "PATH_INFO": "/reports",
                "QUERY_STRING": "",
                "SERVER_NAME": "127.0.0.1",
                "SERVER_PORT": "8000",
                "SERVER_PROTOCOL": "HTTP/1.1",
                "HTTP_HOST": "127.0.0.1",
                "HTTP_ACCEPT": "application/json",
                "HTTP_AUTHORIZATION": f"Bearer {token}",
                "wsgi.version": (1, 0),
                "wsgi.url_scheme": "https",
                "wsgi.input": io.BytesIO(),
                "wsgi.errors": io.StringIO(),
                "wsgi.multithread": True,
                "wsgi.multiprocess": True,
                "wsgi.run_once": False,
            }
            begun = time.thread_time()
            chunks = app(environ, _start_response)
            b"".join(chunks)
            if hasattr(chunks, "close"):
                chunks.close()
            return time.thread_time() - begun

        return ask

    return asking(bare), asking(guarded), _nothing


def _start_response(status: str, _headers: Any, _exc_info: Any = None) -> None:
    if not status.startswith("200"):
        raise AssertionError(status)


def _plain_wsgi(verifier: Verifier, _runner: asyncio.Runner) -> Pair:
    def report(_environ: Any, start_response: Any) -> list[bytes]:
        start_response("200 OK", [("Content-Type", "text/plain")])
        return [b"all is well"]

    return _wsgi(report, WsgiGuard(report, verifier))


def _flask(verifier: Verifier, _runner: asyncio.Runner) -> Pair:
    apps = []
    for name in ("bare", "guarded"):
        app = Flask(name)
        app.add_url_rule("/reports", "report", lambda: "all is well")
        apps.append(app)
    protect(apps[1], verifier)
    return _wsgi(*apps)


def _django(verifier: Verifier, handler: str, view: Any) -> tuple[Any, Any]:
    import django
    from django.core.handlers import asgi, wsgi
    from django.test import override_settings
    from django.urls import path

    if not django_settings.configured:
        rest = {
            "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
            "UNAUTHENTICATED_USER": None,
        }
        django_settings.configure(
            ROOT_URLCONF=__name__, ALLOWED_HOSTS=["*"], SECRET_KEY="benchmark", MIDDLEWARE=[], REST_FRAMEWORK=rest
        )
        django.setup()
    django_settings.DOORWARD = {"verifier": verifier}
    urlpatterns[:] = [path("reports", report) for report in (_report, _report_async)][view : view + 1]
    make = {"wsgi": wsgi.WSGIHandler, "asgi": asgi.ASGIHandler}[handler]
    with override_settings(MIDDLEWARE=["doorward.verify.django.GuardMiddleware"]):
        guarded = make()
    return make(), guarded


urlpatterns: list[Any] = []


def _report(_request: Any) -> Any:
    from django.http import HttpResponse

    return HttpResponse("all is well")


async def _report_async(_request: Any) -> Any:
    return _report(_request)


def _django_sync(verifier: Verifier, _runner: asyncio.Runner) -> Pair:
    return _wsgi(*_django(verifier, "wsgi", 0))


def _django_async(verifier: Verifier, runner: asyncio.Runner) -> Pair:
    bare, guarded = _django(verifier, "asgi", 1)
    return _asgi(runner, _staying(bare), _staying(guarded))


def _drf(verifier: Verifier, _runner: asyncio.Runner) -> Pair:
    """The middleware, the authentication class and a permission, as its example has them."""
    bare, guarded = _django(verifier, "wsgi", 0)
    from django.urls import path
    from rest_framework.response import Response
    from rest_framework.views import APIView

    from doorward.verify.drf import BearerAuthentication, requires

    def report(_view: Any, _request: Any) -> Any:
        return Response("all is well")

    for name, authentication, permissions in (("bare", [], []), ("guarded", [BearerAuthentication], [requires()])):
        members = {"get": report, "authentication_classes": authentication, "permission_classes": permissions}
        urlpatterns.append(path(name, type(name, (APIView,), members).as_view()))

    def at(name: str, app: Any) -> Any:
        return lambda environ, start_response: app({**environ, "PATH_INFO": f"/{name}"}, start_response)

    return _wsgi(at("bare", bare), at("guarded", guarded))


def _aiohttp(verifier: Verifier, runner: asyncio.Runner) -> Pair:
    async def report(_request: web.Request) -> web.Response:
        return web.Response(text="all is well")

    apps = []
    for _ in range(2):
        app = web.Application()
        app.router.add_get("/reports", report)
        apps.append(app)
    AiohttpGuard(verifier).install(apps[1])

    def asking(app: web.Application) -> Ask:
        app.freeze()

        async def ask(token: str) -> float:
            request = make_mocked_request("GET", "/reports", {"Authorization": f"Bearer {token}"}, app=app)
            begun = time.thread_time()
            response = await app._handle(request)  # noqa: SLF001 - what aiohttp's server calls
            if response.status != 200:
                raise AssertionError(response.status)
            return time.thread_time() - begun

        return lambda token: runner.run(ask(token))

    return asking(apps[0]), asking(apps[1]), _nothing


def _grpc(verifier: Verifier, _runner: asyncio.Runner) -> Pair:
    def report(_request: bytes, _context: Any) -> bytes:
        return b"all is well"

    handler = grpc.method_handlers_generic_handler("r.Reports", {"Get": grpc.unary_unary_rpc_method_handler(report)})
    asks, ends = [], []
    for interceptors in ([], [GuardInterceptor(verifier)]):
        server = grpc.server(ThreadPoolExecutor(1), interceptors=interceptors)
        server.add_generic_rpc_handlers((handler,))
        channel = grpc.insecure_channel(f"127.0.0.1:{server.add_insecure_port('127.0.0.1:0')}")
        server.start()
        asks.append(_calling(channel.unary_unary("/r.Reports/Get")))
        ends += [channel.close, partial(server.stop, 0)]
    return asks[0], asks[1], lambda: [end() for end in ends]


def _grpc_aio(verifier: Verifier, runner: asyncio.Runner) -> Pair:
    async def report(_request: bytes, _context: Any) -> bytes:
        return b"all is well"

    handler = grpc.method_handlers_generic_handler("r.Reports", {"Get": grpc.unary_unary_rpc_method_handler(report)})
    asks: list[Ask] = []
    ends: list[Callable[[], Any]] = []

    async def start(interceptors: list[Any]) -> None:
        server = grpc.aio.server(interceptors=interceptors)
        server.add_generic_rpc_handlers((handler,))
        channel = grpc.aio.insecure_channel(f"127.0.0.1:{server.add_insecure_port('127.0.0.1:0')}")
        await server.start()
        call = channel.unary_unary("/r.Reports/Get")

        async def ask(token: str) -> float:
            begun = time.process_time()
            await call(b"", metadata=(("authorization", f"Bearer {token}"),))
            return time.process_time() - begun

        asks.append(lambda token: runner.run(ask(token)))
        ends.extend([channel.close, partial(server.stop, None)])

    async def end() -> None:
        for one in ends:
            await one()

    for interceptors in ([], [GuardInterceptorAio(verifier)]):
        runner.run(start(interceptors))
    return asks[0], asks[1], lambda: runner.run(end())


def _calling(call: Any) -> Ask:
    def ask(token: str) -> float:
        begun = time.process_time()
        call(b"", metadata=[("authorization", f"Bearer {token}")])
        return time.process_time() - begun

    return ask
