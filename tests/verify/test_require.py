"""``require(…)`` in real FastAPI and Starlette applications."""

# ruff: noqa: B008 - a dependency in a default is how FastAPI is written

import json
import subprocess
import sys
from typing import Any

import pytest
from fastapi import Depends, FastAPI, WebSocket
from starlette.applications import Starlette
from starlette.endpoints import HTTPEndpoint
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket as StarletteWebSocket

from doorward.errors import Misconfigured, Overloaded
from doorward.verify import Guard, Principal, principal_of
from doorward.verify.fastapi import require
from tests.verify.parties import NOW, Clock, Issuer, ask, bearing, exchange, scope_of

PARTY = Issuer()
READER = PARTY.token(scope="reports:read", roles=["staff"])
WRITER = PARTY.token(scope="reports:read reports:write", roles=["admin", "staff"], sub="acc_two")


def fastapi_app(**options: Any) -> FastAPI:
    """Make the application of the README, and a bit more."""
    app = FastAPI()
    app.add_middleware(
        Guard, authenticator=PARTY.verifier(), public=["/", "/openapi.json"], optional=["/shop"], **options
    )

    @app.get("/")
    def home() -> str:
        return "home"

    @app.get("/me")
    def me(who: Principal = Depends(require())) -> str:
        return who.subject

    @app.get("/reports")
    async def read(who: Principal = Depends(require(scope="reports:read"))) -> str:
        return who.subject

    @app.post("/reports", dependencies=[Depends(require(scope="reports:write reports:read"))])
    async def write() -> str:
        return "written"

    @app.get("/admin")
    def admin(who: Principal = Depends(require(role="admin"))) -> str:
        return who.subject

    @app.get("/either")
    def either(who: Principal = Depends(require(role=["admin", "auditor"]))) -> str:
        return who.subject

    @app.get("/shop")
    def shop(request: Request) -> str:
        who = principal_of(request)
        return "guest" if who is None else who.subject

    @app.get("/shop/orders")
    def orders(who: Principal = Depends(require())) -> str:
        return who.subject

    @app.websocket("/socket")
    async def socket(websocket: WebSocket, who: Principal = Depends(require(role="admin"))) -> None:
        await websocket.accept()
        await websocket.send_text(who.subject)
        await websocket.close()

    return app


APP = fastapi_app()


@pytest.mark.parametrize(
    ("method", "path", "token", "status"),
    [
        ("GET", "/", None, 200),
        ("GET", "/me", None, 401),
        ("GET", "/me", READER, 200),
        ("GET", "/reports", READER, 200),
        ("POST", "/reports", READER, 403),
        ("POST", "/reports", WRITER, 200),
        ("GET", "/admin", READER, 403),
        ("GET", "/admin", WRITER, 200),
        ("GET", "/either", READER, 403),
        ("GET", "/either", WRITER, 200),
        ("GET", "/shop", None, 200),
        ("GET", "/shop", READER, 200),
        ("GET", "/shop/orders", None, 401),
        ("GET", "/shop/orders", READER, 200),
    ],
)
async def test_a_route_takes_whom_it_requires(method: str, path: str, token: str | None, status: int) -> None:
    """The matrix of routes and callers."""
    answered = await ask(APP, path, method=method, headers=bearing(token) if token else None)

    assert answered.status == status


async def test_the_dependency_returns_the_principal() -> None:
    """The five lines of the README."""
    answered = await ask(APP, "/me", headers=bearing(WRITER))

    assert json.loads(answered.body) == "acc_two"


async def test_a_missing_scope_is_named_in_the_challenge() -> None:
    """RFC 6750 section 3: ``insufficient_scope`` with what is needed."""
    answered = await ask(APP, "/reports", method="POST", headers=bearing(READER))

    assert answered.headers["www-authenticate"] == (
        'Bearer realm="doorward", error="insufficient_scope", scope="reports:read reports:write"'
    )
    assert json.loads(answered.body) == {"detail": "insufficient_scope"}


async def test_a_missing_role_is_not_named() -> None:
    """Roles are the service's own business."""
    answered = await ask(APP, "/admin", headers=bearing(READER))

    assert answered.headers["www-authenticate"] == 'Bearer realm="doorward", error="insufficient_scope"'


async def test_a_guest_is_challenged_without_an_error_code() -> None:
    """On an optional path the guard lets a guest through and the route does not."""
    answered = await ask(APP, "/shop/orders")

    assert answered.headers["www-authenticate"] == 'Bearer realm="doorward"'
    assert json.loads(answered.body) == {"detail": "invalid_token"}


async def test_the_realm_of_the_guard_is_used() -> None:
    """Both refuse in the same name."""
    app = fastapi_app(realm="Reports API")

    answered = await ask(app, "/shop/orders")

    assert answered.headers["www-authenticate"] == 'Bearer realm="Reports API"'


@pytest.mark.parametrize(
    ("fresh", "age", "admitted"),
    [(True, 600, True), (True, 601, False), (60, 60, True), (60, 61, False), (False, 10_000, True)],
)
async def test_a_fresh_log_in_can_be_required(fresh: bool | int, age: int, admitted: bool) -> None:
    """RFC 9470: the challenge says how fresh; ``True`` is ten minutes."""
    app = FastAPI()

    @app.get("/")
    def act(who: Principal = Depends(require(fresh=fresh, using=PARTY.verifier(), clock=Clock()))) -> str:
        return who.subject

    answered = await ask(app, "/", headers=bearing(PARTY.token(auth_time=NOW - age)))

    assert answered.status == (200 if admitted else 401)
    if not admitted:
        seconds = 600 if fresh is True else fresh
        assert answered.headers["www-authenticate"] == (
            f'Bearer realm="doorward", error="insufficient_user_authentication", max_age="{seconds}"'
        )


async def test_the_dependency_runs_on_the_event_loop(monkeypatch: pytest.MonkeyPatch) -> None:
    """FastAPI would run a plain function in a thread, which costs more than everything else here together."""
    from fastapi.dependencies import utils

    async def in_a_thread(*args: Any, **kwargs: Any) -> Any:
        raise AssertionError("a thread was used")

    monkeypatch.setattr(utils, "run_in_threadpool", in_a_thread)

    assert (await ask(APP, "/reports", headers=bearing(READER))).status == 200


async def test_the_openapi_document_names_the_scheme() -> None:
    """So that the page of FastAPI has its "Authorize" button."""
    document = json.loads((await ask(APP, "/openapi.json")).body)

    assert document["components"]["securitySchemes"]["doorward"]["scheme"] == "bearer"
    assert document["paths"]["/me"]["get"]["security"] == [{"doorward": []}]
    assert "security" not in document["paths"]["/"]["get"]
    assert "parameters" not in document["paths"]["/me"]["get"]


@pytest.mark.parametrize(("token", "types"), [(WRITER, ["accept", "send", "close"]), (READER, ["close"])])
async def test_a_websocket_takes_whom_it_requires(token: str, types: list[str]) -> None:
    """A refused handshake is closed before it is accepted."""
    sent = await exchange(APP, scope_of(b"/socket", kind="websocket", headers=bearing(token)))

    assert [message["type"].removeprefix("websocket.") for message in sent] == types
    if types == ["close"]:
        assert (sent[0]["code"], sent[0]["reason"]) == (1008, "insufficient_scope")


async def test_without_a_guard_nobody_comes_in() -> None:
    """It raises loudly instead of taking a missing guard for a guest."""
    app = FastAPI()

    @app.get("/me")
    def me(who: Principal = Depends(require())) -> str:
        return who.subject

    with pytest.raises(Misconfigured, match="No Guard"):
        await ask(app, "/me", headers=bearing(READER))


async def test_a_route_on_a_public_path_is_a_contradiction() -> None:
    """The guard looks at no credential there, so nobody could ever come in; that is said instead of a 401 for ever."""
    app = FastAPI()
    app.add_middleware(Guard, authenticator=PARTY.verifier(), public=["/me"])

    @app.get("/me")
    def me(who: Principal = Depends(require())) -> str:
        return who.subject

    with pytest.raises(Misconfigured, match="public"):
        await ask(app, "/me", headers=bearing(READER))


class Answering:
    """An authenticator that answers what it is told to."""

    def __init__(self, answer: Any) -> None:
        self.answer = answer

    async def authenticate(self, scope: Any) -> Any:
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


def using(authenticator: Any) -> FastAPI:
    """Make an application without a guard."""
    app = FastAPI()

    @app.get("/me")
    def me(who: Principal = Depends(require(using=authenticator))) -> str:
        return who.subject

    return app


@pytest.mark.parametrize(
    ("headers", "status", "challenge"),
    [
        ([], 401, 'Bearer realm="doorward"'),
        ([(b"authorization", b"Bearer a.b.c")], 401, 'Bearer realm="doorward", error="invalid_token"'),
        ([(b"authorization", b"Bearer")], 400, 'Bearer realm="doorward", error="invalid_request"'),
        ([(b"authorization", f"Bearer {READER}".encode())], 200, None),
    ],
)
async def test_a_verifier_can_stand_in_for_a_guard(
    headers: list[tuple[bytes, bytes]], status: int, challenge: str | None
) -> None:
    """``require(using=verifier)``, with the same refusals."""
    answered = await ask(using(PARTY.verifier()), "/me", headers=headers)

    assert answered.status == status
    assert answered.headers.get("www-authenticate") == challenge


async def test_a_problem_of_the_authenticator_keeps_its_status_and_headers() -> None:
    """A busy server is no bad token."""
    answered = await ask(using(Answering(Overloaded(retry_after=3))), "/me")

    assert (answered.status, answered.headers["retry-after"]) == (503, "3")


async def test_an_answer_that_is_no_principal_is_a_defect() -> None:
    """Auth.js CVE-2026-73421: an error object is no user."""
    with pytest.raises(TypeError):
        await ask(using(Answering({"subject": "acc_one"})), "/me")


@require(role="admin")
async def decorated(request: Request) -> PlainTextResponse:
    """Be an asynchronous endpoint."""
    who = principal_of(request)
    assert who is not None
    return PlainTextResponse(who.subject)


@require(role="admin")
def decorated_sync(request: Request) -> PlainTextResponse:
    """Be a synchronous endpoint."""
    return PlainTextResponse("sync")


class Endpoint(HTTPEndpoint):
    """Be an endpoint class."""

    @require(role="admin")
    async def get(self, request: Request) -> PlainTextResponse:
        return PlainTextResponse("method")

    @require(role="admin")
    def post(self, request: Request) -> PlainTextResponse:
        return PlainTextResponse("sync method")


@require(role="admin")
async def decorated_socket(websocket: StarletteWebSocket) -> None:
    """Be a WebSocket endpoint."""
    await websocket.accept()
    await websocket.close()


STARLETTE = Starlette(
    routes=[
        Route("/async", decorated),
        Route("/sync", decorated_sync),
        Route("/class", Endpoint),
        WebSocketRoute("/socket", decorated_socket),
    ],
    middleware=[Middleware(Guard, authenticator=PARTY.verifier())],
)


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", "/async", b"acc_two"),
        ("GET", "/sync", b"sync"),
        ("GET", "/class", b"method"),
        ("POST", "/class", b"sync method"),
    ],
)
async def test_endpoints_can_be_decorated(method: str, path: str, body: bytes) -> None:
    """Functions and methods, asynchronous or not; who may not is refused before the endpoint runs."""
    admitted = await ask(STARLETTE, path, method=method, headers=bearing(WRITER))
    refused = await ask(STARLETTE, path, method=method, headers=bearing(READER))

    assert (admitted.status, admitted.body) == (200, body)
    assert (refused.status, refused.body) == (403, b"insufficient_scope")


async def test_a_decorated_websocket_is_refused_before_it_is_accepted() -> None:
    """As with a dependency."""
    refused = await exchange(STARLETTE, scope_of(b"/socket", kind="websocket", headers=bearing(READER)))
    admitted = await exchange(STARLETTE, scope_of(b"/socket", kind="websocket", headers=bearing(WRITER)))

    assert [message["type"] for message in refused] == ["websocket.close"]
    assert [message["type"] for message in admitted] == ["websocket.accept", "websocket.close"]


def test_a_decorated_endpoint_keeps_its_name() -> None:
    """Frameworks and people look at it."""
    assert decorated.__name__ == "decorated"
    assert decorated.__doc__ == "Be an asynchronous endpoint."


async def test_a_decorated_endpoint_without_its_request_is_a_defect() -> None:
    """Nobody can be admitted without knowing who asks."""

    @require()
    async def endpoint(number: int) -> int:
        return number

    with pytest.raises(Misconfigured, match="does not take the request"):
        await endpoint(number=7)


@pytest.mark.parametrize(
    "options",
    [
        {"scope": ""},
        {"scope": " "},
        {"scope": []},
        {"scope": [""]},
        {"role": ""},
        {"role": []},
        {"role": ["admin", ""]},
        {"fresh": 0},
        {"fresh": -1},
    ],
)
def test_an_empty_requirement_is_a_slip(options: dict[str, Any]) -> None:
    """A variable that happens to be empty must not mean "everybody"."""
    with pytest.raises(Misconfigured):
        require(**options)


def test_starlette_alone_is_enough() -> None:
    """Where FastAPI is not installed, the decorator works all the same."""
    code = """
import sys
sys.modules["fastapi"] = None
from starlette.requests import Request
from doorward.verify.fastapi import require

@require(role="admin")
async def endpoint(request: Request) -> None: ...

print(endpoint.__name__, "fastapi.security" in sys.modules)
"""

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.split() == ["endpoint", "False"]
