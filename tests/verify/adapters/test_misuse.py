"""A missing guard, or a requirement on a path that is public, is a defect that is said, and never a guest."""

import asyncio
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import make_mocked_request
from websockets.exceptions import InvalidHandshake
from websockets.sync.client import connect

from doorward.errors import Misconfigured
from doorward.verify import RevocationSet
from doorward.verify import aiohttp as for_aiohttp
from doorward.verify import quart as for_quart
from doorward.verify.model import digest
from tests.verify.adapters.fronts import FRONTS
from tests.verify.adapters.reached import reached
from tests.verify.adapters.test_open_sockets import by_aiohttp
from tests.verify.parties import NOW, Issuer

PARTY = Issuer()
TOKEN = [(b"authorization", f"Bearer {PARTY.token()}".encode())]


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", [name for name in FRONTS if name not in ("starlette", "fastapi", "flask")])
def test_a_requirement_on_a_public_path_lets_nobody_in(name: str) -> None:
    """It is a 500 or an exception of the application, with what mends it in the log."""
    reached.clear()
    with FRONTS[name](PARTY.verifier()) as client:
        try:
            status = client("GET", "/public-by-slip", TOKEN).status
        except Misconfigured:
            status = 500

    assert status == 500
    assert reached == []


def test_aiohttp_without_a_guard_knows_nobody() -> None:
    """It raises."""
    with pytest.raises(Misconfigured, match="No Guard"):
        for_aiohttp.principal_of(make_mocked_request("GET", "/"))


def test_quart_outside_of_a_request_knows_nobody() -> None:
    """It raises."""
    with pytest.raises(Misconfigured, match="no request"):
        for_quart.current_principal()


def test_methods_of_an_aiohttp_view_are_required_too() -> None:
    """Each by itself."""
    from tests.verify.adapters.clients import socket_client

    class Reports(web.View):
        @for_aiohttp.require(role="admin")
        async def get(self) -> web.Response:
            return web.Response(text="reports")

    app = web.Application()
    app.router.add_view("/reports", Reports)
    for_aiohttp.Guard(PARTY.verifier()).install(app)
    admin = [(b"authorization", f"Bearer {PARTY.token(roles=['admin'])}".encode())]
    with by_aiohttp(app) as port:
        client = socket_client(port)
        statuses = [client("GET", "/reports", headers).status for headers in ([], TOKEN, admin)]

    assert statuses == [401, 403, 200]


def test_quart_may_be_wrapped_as_it_is() -> None:
    """Its ``root_path`` is where its files are, and no mount point that a guard would have to know."""
    from quart import Quart

    from doorward.verify import Guard
    from tests.verify.adapters.clients import asgi_client

    assert asgi_client(Guard(Quart(__name__), PARTY.verifier()))("GET", "/x", []).status == 401  # type: ignore[arg-type]


def test_a_blueprint_of_quart_can_be_required_as_a_whole() -> None:
    """By ``before_request``, as in Flask."""
    from quart import Blueprint, Quart

    from doorward.verify import Guard
    from tests.verify.adapters.clients import asgi_client

    admin = Blueprint("admin", __name__)
    admin.before_request(for_quart.require(role="admin"))
    admin.add_url_rule("/admin", "admin", lambda: "admin")
    app = Quart(__name__)
    app.register_blueprint(admin)
    app.asgi_app = Guard(app.asgi_app, PARTY.verifier())  # type: ignore[method-assign,arg-type]
    client = asgi_client(app)
    roles = [(b"authorization", f"Bearer {PARTY.token(roles=['admin'])}".encode())]

    assert [client("GET", "/admin", headers).status for headers in (TOKEN, roles)] == [403, 200]


def test_a_session_that_ends_in_the_middle_of_a_handshake_opens_no_socket() -> None:
    """There is nothing to close politely yet, so aiohttp's line is cut."""
    revocations = RevocationSet()

    async def socket(request: web.Request) -> web.WebSocketResponse:
        opened = web.WebSocketResponse()
        await opened.prepare(request)
        await opened.receive()
        return opened

    async def slow(request: web.Request, response: web.StreamResponse) -> None:
        revocations.add(digest("session", "ses_one"), NOW + 600)
        for _ in range(10):
            await asyncio.sleep(0)

    app = web.Application()
    app.router.add_get("/socket", socket)
    for_aiohttp.Guard(PARTY.verifier(revocations=revocations)).install(app)
    app.on_response_prepare.append(slow)
    headers: Any = {"Authorization": f"Bearer {PARTY.token()}"}
    with by_aiohttp(app) as port, pytest.raises((InvalidHandshake, EOFError)):
        connect(f"ws://127.0.0.1:{port}/socket", additional_headers=headers, proxy=None)
