"""The gRPC interceptors, with the real servers and clients on loopback: all four kinds of calls."""

import asyncio
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import grpc
import grpc.aio
import pytest

from doorward.errors import KeysUnavailable, Misconfigured
from doorward.verify.grpc import current_principal, require
from doorward.verify.grpc_aio import GuardInterceptor as AioInterceptor
from doorward.verify.grpc_sync import GuardInterceptor as SyncInterceptor
from doorward.verify.model import RevocationSet, digest
from tests.support.waiting import until
from tests.verify.adapters.clients import loop_in_a_thread
from tests.verify.adapters.test_conformance import PARTY as TABLE
from tests.verify.adapters.test_conformance import REQUIRED, REVOKED, ROWS, Broken, Pairs, Row
from tests.verify.adapters.test_open_sockets import watched
from tests.verify.parties import NOW, Clock, Issuer, run

PARTY = Issuer()
RULES: dict[str, Any] = {
    "public": ["/shop.Shop/Public", "/shop.Shop/Slip"],
    "optional": ["/shop.Shop/Optional", "/shop.Shop/Orders"],
}
METHODS = {
    "/me": "Get", "/public/page": "Public", "/shop/page": "Optional", "/shop/orders": "Orders", "/reports": "Reports",
    "/admin": "Admin", "/fresh": "Fresh", "/nowhere": "Get", "/public/secret": "Get",
}  # fmt: skip
ASKS: dict[str, dict[str, Any]] = {
    "Orders": {},
    "Reports": {"scope": "reports:read"},
    "Admin": {"role": "admin"},
    "Fresh": {"fresh": 60},
    "Slip": {},
}
CODES = {
    400: grpc.StatusCode.UNAUTHENTICATED,
    401: grpc.StatusCode.UNAUTHENTICATED,
    403: grpc.StatusCode.PERMISSION_DENIED,
    500: grpc.StatusCode.INTERNAL,
    503: grpc.StatusCode.UNAVAILABLE,
}
reached: list[str] = []
ended = threading.Event()
TOKEN = [("authorization", f"Bearer {PARTY.token()}")]


def told() -> bytes:
    """Note that a method was reached, and tell who calls."""
    who = current_principal()
    reached.append("x")
    return b"guest" if who is None else who.subject.encode()


class Sync:
    """A servicer of the synchronous server."""

    def unary(self, request: bytes, context: Any) -> bytes:
        return told()

    def collect(self, requests: Iterator[bytes], context: Any) -> bytes:
        try:
            return told() + b" " + b"".join(requests)
        finally:
            ended.set()

    def stream(self, request: bytes, context: Any) -> Iterator[bytes]:
        for _ in range(3):
            yield told()

    def echo(self, requests: Iterator[bytes], context: Any) -> Iterator[bytes]:
        try:
            for request in requests:
                yield told() + b" " + request
        finally:
            ended.set()


class Aio:
    """The same for asyncio."""

    async def unary(self, request: bytes, context: Any) -> bytes:
        return told()

    async def collect(self, requests: Any, context: Any) -> bytes:
        try:
            return told() + b" " + b"".join([request async for request in requests])
        finally:
            ended.set()

    async def stream(self, request: bytes, context: Any) -> Any:
        for _ in range(3):
            yield told()

    async def echo(self, requests: Any, context: Any) -> Any:
        try:
            async for request in requests:
                yield told() + b" " + request
        finally:
            ended.set()

    async def written(self, request: bytes, context: Any) -> None:
        await context.send_initial_metadata((("made", "by-hand"),))
        for _ in range(3):
            await context.write(told())


def handlers_of(servicer: Any) -> Any:
    """Register the methods without a schema: bytes in, bytes out."""
    unary, clock = servicer.unary, Clock()
    methods = {name: grpc.unary_unary_rpc_method_handler(unary) for name in ("Get", "Public", "Optional")}
    methods |= {
        name: grpc.unary_unary_rpc_method_handler(require(**asks, clock=clock)(unary)) for name, asks in ASKS.items()
    }
    methods["Collect"] = grpc.stream_unary_rpc_method_handler(servicer.collect)
    methods["Stream"] = grpc.unary_stream_rpc_method_handler(servicer.stream)
    methods["Echo"] = grpc.stream_stream_rpc_method_handler(servicer.echo)
    methods["AdminStream"] = grpc.unary_stream_rpc_method_handler(require(role="admin")(servicer.stream))
    if isinstance(servicer, Aio):
        methods["Written"] = grpc.unary_stream_rpc_method_handler(servicer.written)
    return grpc.method_handlers_generic_handler("shop.Shop", methods)


@dataclass
class Front:
    """A running server, and a client of it."""

    channel: grpc.Channel
    revocations: RevocationSet
    verifier: Any

    def ask(self, method: str, metadata: Any = (), request: bytes = b"") -> bytes:
        """Make a unary call."""
        answer: bytes = self.channel.unary_unary(f"/shop.Shop/{method}")(request, metadata=metadata, timeout=10)
        return answer


@contextmanager
def sync_server(verifier: Any, **options: Any) -> Iterator[int]:
    """Serve in threads."""
    interceptor = SyncInterceptor(verifier, **(RULES | options))
    server = grpc.server(ThreadPoolExecutor(6), interceptors=[interceptor])
    server.add_generic_rpc_handlers((handlers_of(Sync()),))
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    try:
        yield port
    finally:
        server.stop(0).wait()


@contextmanager
def aio_server(verifier: Any, **options: Any) -> Iterator[int]:
    """Serve in a loop."""

    async def start() -> tuple[Any, int]:
        server = grpc.aio.server(interceptors=[AioInterceptor(verifier, **(RULES | options))])
        server.add_generic_rpc_handlers((handlers_of(Aio()),))
        port = server.add_insecure_port("127.0.0.1:0")
        await server.start()
        return server, port

    with loop_in_a_thread() as loop:
        server, port = asyncio.run_coroutine_threadsafe(start(), loop).result(10)
        try:
            yield port
        finally:
            asyncio.run_coroutine_threadsafe(server.stop(0), loop).result(10)


SERVERS = {"sync": sync_server, "aio": aio_server}


@contextmanager
def fronting(name: str, verifier: Any, revocations: RevocationSet | None = None, **options: Any) -> Iterator[Front]:
    """Run a server with an interceptor, and lend a client."""
    with SERVERS[name](verifier, **options) as port, grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
        yield Front(channel, RevocationSet() if revocations is None else revocations, verifier)


@pytest.fixture(scope="module", params=SERVERS)
def front(request: pytest.FixtureRequest) -> Iterator[Front]:
    """Lend a server of each kind."""
    revocations = RevocationSet()
    with fronting(request.param, PARTY.verifier(revocations=revocations, leeway=0), revocations) as opened:
        yield opened


@pytest.fixture(autouse=True)
def _nobody_yet() -> None:
    reached.clear()
    ended.clear()


def metadata_of(headers: Pairs) -> list[tuple[str, str]]:
    """Carry what can be carried as metadata."""
    pairs = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in headers]
    return [(name, value) for name, value in pairs if name != "host"]


@pytest.fixture(scope="module", params=SERVERS)
def table_front(request: pytest.FixtureRequest) -> Iterator[Front]:
    """Lend a server that trusts the issuer of the table."""
    with fronting(request.param, TABLE.verifier(revocations=REVOKED)) as opened:
        yield opened


FITTING = [row for row in ROWS + REQUIRED if row.method == "GET" and row.target in METHODS]


@pytest.mark.parametrize("row", FITTING, ids=lambda row: row.name)
def test_the_table_of_all_adapters_holds_for_grpc(table_front: Front, row: Row) -> None:
    """The same requests, in gRPC's words: code, public code as details, challenge in the trailers."""
    method = METHODS[row.target]
    if row.status == 200:
        assert table_front.ask(method, metadata_of(row.headers)).decode() == row.body
        return
    with pytest.raises(grpc.RpcError) as refused:
        table_front.ask(method, metadata_of(row.headers))

    error: Any = refused.value
    assert (error.code(), error.details()) == (CODES[row.status], row.code)
    assert dict(error.trailing_metadata()).get("www-authenticate") == row.challenge
    assert reached == []


def all_kinds(front: Front, metadata: Any) -> list[Any]:
    """Make a call of each kind, and collect what comes of it."""
    outcomes: list[Any] = []
    calls = [
        lambda: front.channel.unary_unary("/shop.Shop/Get")(b"", metadata=metadata, timeout=10),
        lambda: front.channel.stream_unary("/shop.Shop/Collect")(iter([b"a", b"b"]), metadata=metadata, timeout=10),
        lambda: list(front.channel.unary_stream("/shop.Shop/Stream")(b"", metadata=metadata, timeout=10)),
        lambda: list(front.channel.stream_stream("/shop.Shop/Echo")(iter([b"a"]), metadata=metadata, timeout=10)),
    ]
    for call in calls:
        try:
            outcomes.append(call())  # type: ignore[no-untyped-call]
        except grpc.RpcError as error:
            outcomes.append(error.code())
    return outcomes


def test_all_four_kinds_of_calls_know_the_caller(front: Front) -> None:
    """In every step of a stream too."""
    assert all_kinds(front, TOKEN) == [b"acc_one", b"acc_one ab", [b"acc_one"] * 3, [b"acc_one a"]]


async def test_a_stream_that_is_over_leaves_nothing(front: Front) -> None:
    """No watch, and no timer."""
    all_kinds(front, TOKEN)

    await until(lambda: watched(front.verifier) == 0)


def test_all_four_kinds_of_calls_are_refused(front: Front) -> None:
    """Before the method runs."""
    assert all_kinds(front, []) == [grpc.StatusCode.UNAUTHENTICATED] * 4
    assert reached == []


def test_a_method_that_does_not_exist_is_unimplemented(front: Front) -> None:
    """There is nothing behind it to protect."""
    with pytest.raises(grpc.RpcError) as refused:
        front.ask("Nothing")

    assert refused.value.code() == grpc.StatusCode.UNIMPLEMENTED  # type: ignore[attr-defined]


def test_a_stream_can_be_required_too(front: Front) -> None:
    """By role, for one and against another."""
    stream = front.channel.unary_stream("/shop.Shop/AdminStream")
    admin = [("authorization", f"Bearer {PARTY.token(roles=['admin'])}")]

    assert list(stream(b"", metadata=admin, timeout=10)) == [b"acc_one"] * 3
    with pytest.raises(grpc.RpcError) as refused:
        list(stream(b"", metadata=TOKEN, timeout=10))
    assert refused.value.code() == grpc.StatusCode.PERMISSION_DENIED  # type: ignore[attr-defined]


def test_a_stream_may_be_written_by_hand() -> None:
    """A coroutine that sends its own headers and calls ``context.write()``; an end never meets either on its way."""
    with fronting("aio", PARTY.verifier()) as front:
        call = front.channel.unary_stream("/shop.Shop/Written")(b"", metadata=TOKEN, timeout=10)
        written = list(call)

    assert written == [b"acc_one"] * 3
    assert ("made", "by-hand") in [tuple(pair) for pair in call.initial_metadata()]


@pytest.mark.parametrize("name", ["sync", "aio"])
def test_a_required_method_that_is_public_is_a_contradiction(name: str) -> None:
    """It is said in the log, and nobody comes in."""
    with fronting(name, PARTY.verifier()) as front, pytest.raises(grpc.RpcError) as refused:
        front.ask("Slip", TOKEN)

    assert refused.value.code() == grpc.StatusCode.UNKNOWN  # type: ignore[attr-defined]
    assert reached == []


@pytest.mark.parametrize("name", ["sync", "aio"])
@pytest.mark.parametrize(
    ("way", "status"),
    [(ValueError("x"), 500), (True, 500), ({"subject": "acc_root"}, 500), (KeysUnavailable(retry_after=3), 503)],
)
def test_whatever_goes_wrong_closes_the_door(name: str, way: Any, status: int) -> None:
    """As with every adapter."""
    with fronting(name, Broken(way)) as front, pytest.raises(grpc.RpcError) as refused:
        front.ask("Optional", TOKEN)

    error: Any = refused.value
    assert error.code() == CODES[status]
    assert dict(error.trailing_metadata()).get("retry-after") == ("3" if status == 503 else None)
    assert reached == []


def hold(front: Front, kind: str) -> Any:
    """Open a stream that lasts, and wait until the other side has answered."""
    go_on = threading.Event()

    def requests() -> Iterator[bytes]:
        yield b"a"
        go_on.wait(8)

    if kind == "echo":
        call = front.channel.stream_stream("/shop.Shop/Echo")(requests(), metadata=TOKEN, timeout=8)
        assert next(call) == b"acc_one a"
    else:
        call = front.channel.stream_unary("/shop.Shop/Collect").future(requests(), metadata=TOKEN, timeout=8)
    return call, go_on


@pytest.mark.parametrize("kind", ["echo", "collect"])
def test_a_stream_ends_with_its_session(front: Front, kind: str) -> None:
    """The client is told, the method is ended, nothing is left behind."""
    call, go_on = hold(front, kind)
    run(until(lambda: watched(front.verifier) == 4))

    front.revocations.add(digest("session", "ses_one"), NOW + 600)
    with pytest.raises((grpc.RpcError, grpc.FutureCancelledError)):
        next(call) if kind == "echo" else call.result(20)
    go_on.set()

    assert ended.wait(8)
    said = (call.code(), call.details())
    assert said == (grpc.StatusCode.UNAUTHENTICATED, "session_ended") or said[0] == grpc.StatusCode.CANCELLED
    run(until(lambda: watched(front.verifier) == 0))
    front.revocations._known.clear()


class Fraction:
    """A clock that lets a token end in a moment."""

    def __init__(self) -> None:
        self.now: float = NOW

    def __call__(self) -> Any:
        return self.now


@pytest.mark.parametrize("name", ["sync", "aio"])
def test_a_stream_ends_when_its_token_expires(name: str) -> None:
    """By one timer."""
    clock = Fraction()
    verifier = PARTY.verifier(clock=clock, leeway=0)
    clock.now = NOW + 599.9
    with fronting(name, verifier) as front:
        call, go_on = hold(front, "echo")
        clock.now = NOW + 600

        with pytest.raises(grpc.RpcError):
            next(call)
        go_on.set()

    assert call.code() == (grpc.StatusCode.UNAUTHENTICATED if name == "aio" else grpc.StatusCode.CANCELLED)
    if name == "aio":
        assert call.details() == "invalid_token"


@pytest.mark.parametrize("name", ["sync", "aio"])
def test_a_stream_ends_when_everything_is_refused(name: str) -> None:
    """As a verifier does it whose feed has become stale."""
    verifier = PARTY.verifier(revocations=RevocationSet())
    with fronting(name, verifier) as front:
        call, go_on = hold(front, "echo")

        for watches in verifier._watches.values():
            watches.end_all()
        with pytest.raises(grpc.RpcError):
            next(call)
        go_on.set()

    assert call.code() == (grpc.StatusCode.UNAVAILABLE if name == "aio" else grpc.StatusCode.CANCELLED)
    if name == "aio":
        assert call.details() == "revocations_unavailable"


@pytest.mark.parametrize("name", ["sync", "aio"])
def test_a_client_that_hangs_up_is_no_session_that_ends(name: str) -> None:
    """The method is ended as gRPC does it."""
    with fronting(name, PARTY.verifier()) as front:
        call, go_on = hold(front, "echo")
        call.cancel()
        go_on.set()

        assert ended.wait(20)


def test_a_guest_may_stream_on_an_optional_method() -> None:
    """And nothing is watched for nobody."""
    for name in SERVERS:
        with fronting(name, PARTY.verifier(), optional=["/shop.Shop"]) as front:
            assert all_kinds(front, []) == [b"guest", b"guest ab", [b"guest"] * 3, [b"guest a"]]


def test_without_an_interceptor_nobody_is_known() -> None:
    """A missing guard must not look like a guest."""
    with pytest.raises(Misconfigured, match="No interceptor"):
        current_principal()
