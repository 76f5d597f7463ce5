"""The examples of the other frameworks: started as their READMEs say, with a real doorward and real tokens."""

import re
import shlex
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import grpc
import httpx2
import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect

from tests.serving.client import ROOT, free_port
from tests.support.served import Served, serving
from tests.support.waiting import until
from tests.verify.adapters.test_open_sockets import _answers
from tests.verify.parties import run

EXAMPLES = ROOT / "examples"
HTTP = ["litestar_app", "quart_app", "flask_app", "django_app", "drf_app", "wsgi_app", "aiohttp_app"]
PASSWORD = "seven otters paint a bridge"


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """Serve one doorward for all of them."""
    with serving(tmp_path_factory.mktemp("doorward")) as server:
        yield server


@pytest.fixture(scope="module")
def tokens(served: Served) -> dict[str, str]:
    """Log in a member and an administrator."""
    found = {}
    with served.client() as client:
        for name in ("member", "admin"):
            email = f"{name}@example.org"
            client.post("/v1/accounts", json={"email": email, "password": PASSWORD}).raise_for_status()
            if name == "admin":
                served.run("account", "set-role", email, "admin")
            answer = client.post("/v1/login", json={"login": email, "password": PASSWORD})
            found[name] = answer.json()["access_token"]
    return found


@contextmanager
def started(example: str, served: Served, command: str = "") -> Iterator[int]:
    """Run the command of a README, with a free port, against this doorward; ended by its id."""
    port = free_port()
    folder = served.folder / example
    if not folder.exists():
        shutil.copytree(EXAMPLES / example, folder, ignore=shutil.ignore_patterns("__pycache__"))
        (folder / "data").symlink_to(served.folder / "data")
        text = (folder / "main.py").read_text(encoding="utf-8")
        (folder / "main.py").write_text(text.replace("https://localhost:8443", served.origin), encoding="utf-8")
    shown = re.search(r"```sh\n(.*)\n```", (folder / "README.md").read_text(encoding="utf-8"))
    assert shown
    words = shlex.split((command or shown[1]).replace("8000", str(port)))
    program = str(Path(sys.executable).parent / words[0])
    with (served.folder / f"{example}.log").open("w+") as log:
        process = subprocess.Popen(
            [program, *words[1:]], cwd=folder, env=served.environment, stdout=log, stderr=subprocess.STDOUT
        )
        try:
            run(until(lambda: _answers(port) or process.poll() is not None))
            assert process.poll() is None, Path(log.name).read_text(encoding="utf-8")
            yield port
        finally:
            process.terminate()
            process.wait(20)


def statuses(port: int, tokens: dict[str, str]) -> list[int]:
    """Ask the three paths as nobody, as a member and as an administrator."""
    with httpx2.Client(base_url=f"http://127.0.0.1:{port}") as client:
        answers = [
            client.get(path, headers={"Authorization": f"Bearer {tokens[who]}"} if who in tokens else {})
            for path in ("/", "/me", "/admin")
            for who in ("nobody", "member", "admin")
        ]
        assert answers[4].json()["subject"].startswith("acc_")
        assert answers[3].headers["www-authenticate"] == 'Bearer realm="doorward"'
        return [answer.status_code for answer in answers]


OPEN_CLOSED_ADMIN = [200, 200, 200, 401, 200, 200, 401, 403, 200]


@pytest.mark.parametrize("example", HTTP)
def test_an_example_lets_in_whom_it_should(example: str, served: Served, tokens: dict[str, str]) -> None:
    """The open path, the one for callers, the one for a role; keys are fetched from the running doorward."""
    with started(example, served) as port:
        assert statuses(port, tokens) == OPEN_CLOSED_ADMIN


def test_django_is_the_same_in_its_asynchronous_stack(served: Served, tokens: dict[str, str]) -> None:
    """The other command of its README."""
    command = "uvicorn main:asgi --port 8000"
    assert f"`{command}`" in (EXAMPLES / "django_app" / "README.md").read_text(encoding="utf-8")

    with started("django_app", served, command) as port:
        assert statuses(port, tokens) == OPEN_CLOSED_ADMIN


def test_the_grpc_example_lets_in_whom_it_should(served: Served, tokens: dict[str, str]) -> None:
    """By metadata, and the stream too."""
    outcomes = []
    with started("grpc_app", served) as port, grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
        for method in ("Home", "Me", "Admin"):
            for who in ("nobody", "member", "admin"):
                metadata = [("authorization", f"Bearer {tokens[who]}")] if who in tokens else []
                try:
                    channel.unary_unary(f"/reports.Reports/{method}")(b"", metadata=metadata, timeout=10)
                except grpc.RpcError as error:
                    outcomes.append({"UNAUTHENTICATED": 401, "PERMISSION_DENIED": 403}[error.code().name])  # type: ignore[attr-defined]
                else:
                    outcomes.append(200)
        mine = [("authorization", f"Bearer {tokens['member']}")]
        echoed = list(channel.stream_stream("/reports.Reports/Echo")(iter([b"a", b"b"]), metadata=mine, timeout=10))

    assert outcomes == OPEN_CLOSED_ADMIN
    assert echoed == [b"a", b"b"]


def test_the_web_socket_example_lets_in_whom_it_should(served: Served, tokens: dict[str, str]) -> None:
    """At the handshake."""
    with started("websocket_app", served) as port:
        url = f"ws://127.0.0.1:{port}/echo"
        with pytest.raises(InvalidStatus):
            connect(url, proxy=None)
        with connect(url, additional_headers={"Authorization": f"Bearer {tokens['member']}"}, proxy=None) as socket:
            socket.send("hello")
            said = str(socket.recv(5))

    assert said.startswith("acc_")
    assert said.endswith(": hello")


# -- a log-out at the server counts here, in other processes, within a moment ------------------------------------------


def entered(served: Served, email: str) -> dict[str, str]:
    """Register and log in somebody whose session may end; return the header."""
    with served.client() as client:
        client.post("/v1/accounts", json={"email": email, "password": PASSWORD}).raise_for_status()
        answer = client.post("/v1/login", json={"login": email, "password": PASSWORD})
    return {"Authorization": f"Bearer {answer.json()['access_token']}"}


def log_out(served: Served, headers: dict[str, str]) -> None:
    """End the session at the server."""
    with served.client() as client:
        assert client.post("/v1/logout", json={}, headers=headers).status_code == 204


@pytest.mark.parametrize("example", HTTP)
def test_a_log_out_counts_in_every_example(example: str, served: Served) -> None:
    """The token that was good a moment ago is refused."""
    headers = entered(served, f"{example}@example.org")
    with started(example, served) as port, httpx2.Client(base_url=f"http://127.0.0.1:{port}") as client:
        before = client.get("/me", headers=headers).status_code

        log_out(served, headers)
        run(until(lambda: client.get("/me", headers=headers).status_code == 401))

    assert before == 200


def test_a_log_out_closes_a_socket_of_another_service(served: Served) -> None:
    """With the code and the reason of the page."""
    headers = entered(served, "socket@example.org")
    with (
        started("websocket_app", served) as port,
        connect(f"ws://127.0.0.1:{port}/echo", additional_headers=headers, proxy=None) as socket,
    ):
        socket.send("hello")
        socket.recv(5)

        log_out(served, headers)
        with pytest.raises(ConnectionClosed) as closed:
            socket.recv(10)

    assert closed.value.rcvd is not None
    assert (closed.value.rcvd.code, closed.value.rcvd.reason) == (1008, "session_ended")


def test_a_log_out_ends_a_stream_of_another_service(served: Served) -> None:
    """Of the gRPC example."""
    headers = entered(served, "stream@example.org")
    go_on = threading.Event()

    def requests() -> Iterator[bytes]:
        yield b"a"
        go_on.wait(10)

    with started("grpc_app", served) as port, grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
        metadata = [("authorization", headers["Authorization"])]
        call = channel.stream_stream("/reports.Reports/Echo")(requests(), metadata=metadata, timeout=10)
        assert next(call) == b"a"

        log_out(served, headers)
        with pytest.raises(grpc.RpcError):
            next(call)
        go_on.set()

    assert call.code() == grpc.StatusCode.CANCELLED
