"""The management listener: the figures of every worker, and nothing else, where nobody else listens."""

import asyncio
import os
import re
import signal
from pathlib import Path

import httpx2
import pytest

from doorward.observability.metrics import Metrics
from doorward.serving.listening import Address
from doorward.serving.management import ManagementListener, Reporting
from doorward.serving.run import Program
from doorward.settings import Serving, Settings
from tests.observability.test_metrics import read
from tests.serving.client import free_port
from tests.support.served import Served, serving
from tests.support.waiting import until


class _App:
    """An app with figures, which only has a lifespan."""

    def __init__(self, metrics: Metrics | None) -> None:
        self.metrics, self.scopes = metrics, []  # type: ignore[var-annotated]

    async def __call__(self, scope, receive, send) -> None:  # type: ignore[no-untyped-def]
        self.scopes.append(scope["type"])
        if scope["type"] == "lifespan":
            if self.metrics is not None:
                scope["state"]["doorward.metrics"] = self.metrics
            await send({"type": "lifespan.startup.complete"})
            await receive()
            await send({"type": "lifespan.shutdown.complete"})


async def _lend(app: Reporting, ended: asyncio.Event) -> "asyncio.Task[None]":
    started = asyncio.Event()

    async def receive() -> None:
        await ended.wait()

    async def send(_: object) -> None:
        started.set()

    task = asyncio.create_task(app({"type": "lifespan", "state": {}}, receive, send))
    await started.wait()
    return task


async def _get(listener: ManagementListener, *, method: str = "GET", path: str = "/metrics") -> httpx2.Response:
    address = Address("127.0.0.1", 0)
    await listener.start(address.listener())
    try:
        async with httpx2.AsyncClient() as client:
            return await client.request(method, f"http://127.0.0.1:{address.port}{path}")
    finally:
        await listener.stop()
        address.close()


async def test_two_workers_tell_their_figures_as_one_page(tmp_path: Path) -> None:
    """What is the same in both is told by the first; a worker that is stuck or dead is left out."""
    ended = asyncio.Event()
    tasks = []
    for place in (0, 1):
        metrics = Metrics()
        metrics.counter("a_total", "Counts.").inc(by=place + 1)
        metrics.gauge("shared", "Is the same.", lambda: 7, shared=True)
        (tmp_path / f"{place}.sock").touch()  # of a worker that has died here
        tasks.append(await _lend(Reporting(_App(metrics), tmp_path, place=place), ended))
    (tmp_path / "2.sock").touch()

    answer = await _get(ManagementListener(tmp_path))
    ended.set()
    await asyncio.gather(*tasks)

    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    assert read(answer.text) == {"a_total{worker=0}": 1, "a_total{worker=1}": 2, "shared{worker=0}": 7}
    assert os.listdir(tmp_path) == ["2.sock"]  # noqa: PTH208 - a list of names is what is asked


async def test_an_application_without_figures_is_served_all_the_same(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """A host's own app shows them itself; the log says how, and requests pass through."""
    app, ended = _App(None), asyncio.Event()
    reporting = Reporting(app, tmp_path, place=0)
    task = await _lend(reporting, ended)
    await reporting({"type": "http"}, None, None)
    ended.set()
    await task

    assert app.scopes == ["lifespan", "http"]
    assert "auth.metrics.text()" in caplog.text
    assert (await _get(ManagementListener(tmp_path))).text == "\n"


async def test_an_app_that_does_not_start_tells_no_figures(tmp_path: Path) -> None:
    """Its own words come through."""
    said = []

    async def failing(scope, receive, send) -> None:  # type: ignore[no-untyped-def]
        await send({"type": "lifespan.startup.failed", "message": "no"})

    async def send(message: dict[str, str]) -> None:
        said.append(message["type"])

    await Reporting(failing, tmp_path, place=0)({"type": "lifespan", "state": {}}, None, send)

    assert said == ["lifespan.startup.failed"]
    assert os.listdir(tmp_path) == []  # noqa: PTH208 - a list of names is what is asked


async def test_figures_longer_than_a_piece_are_whole(tmp_path: Path) -> None:
    """A socket gives what it has, not what there is."""
    metrics, ended = Metrics(), asyncio.Event()
    counter = metrics.counter("a_total", "Counts. " * 50_000, "what")
    for number in range(900):
        counter.inc(str(number) * 100)
    task = await _lend(Reporting(_App(metrics), tmp_path, place=0), ended)

    answer = await _get(ManagementListener(tmp_path))
    ended.set()
    await task

    assert len(read(answer.text)) == 900


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("GET", "/", 404), ("GET", "/v1/me", 404), ("POST", "/metrics", 405), ("HEAD", "/metrics", 200)],
)
async def test_nothing_else_is_here(tmp_path: Path, method: str, path: str, status: int) -> None:
    """One path, two methods; no body for HEAD."""
    answer = await _get(ManagementListener(tmp_path), method=method, path=path)

    assert answer.status_code == status
    assert answer.headers["x-content-type-options"] == "nosniff"


def _figures(port: int) -> dict[str, float]:
    answer = httpx2.get(f"http://127.0.0.1:{port}/metrics")
    assert answer.status_code == 200
    return read(answer.text)


def _log_in(served: Served, client: httpx2.Client, number: int) -> None:
    body = {"login": f"nobody{number}@example.test", "password": "wrong password"}
    assert client.post("/v1/login", json=body).status_code == 401


def _children(served: Served) -> list[int]:
    path = Path(f"/proc/{served.process.pid}/task/{served.process.pid}/children")
    return [int(word) for word in path.read_text().split()]


def _refused(figures: dict[str, float]) -> float:
    name = re.compile(r"doorward_log_ins_total\{outcome=unknown_login,worker=\d\}")
    return sum(value for sample, value in figures.items() if name.fullmatch(sample))


async def test_the_figures_of_all_workers_of_the_real_program_are_whole(tmp_path: Path) -> None:
    """Every log-in is counted once, whichever worker had it, also after one of them was killed."""
    port = free_port()
    variables = {"DOORWARD_SERVING__WORKERS": "2", "DOORWARD_SERVING__MANAGEMENT_PORT": str(port)}
    with serving(tmp_path, **variables) as served:
        for number in range(12):
            with served.client() as client:
                _log_in(served, client, number)
        before = _figures(port)
        with served.client() as client:
            public = client.get("/metrics")
        os.kill(_children(served)[0], signal.SIGKILL)

        def both_answer() -> bool:
            workers = {sample for sample in _figures(port) if sample.startswith("doorward_process_cpu")}
            return len(workers) == 2 and _refused(_figures(port)) < 12

        await until(both_answer)

    assert _refused(before) == 12
    assert public.status_code == 404


def test_one_worker_tells_its_figures_in_the_same_way(tmp_path: Path) -> None:
    """Nothing is configured differently; the log is JSON if somebody says so."""
    port = free_port()
    variables = {"DOORWARD_SERVING__MANAGEMENT_PORT": str(port), "DOORWARD_LOGS__FORMAT": "json"}
    with serving(tmp_path, **variables) as served, served.client() as client:
        _log_in(served, client, 1)
        figures = _figures(port)

    assert figures["doorward_request_seconds_count{method=POST,route=/v1/login,status=401,worker=0}"] == 1


def test_the_sockets_are_where_a_service_may_write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In the data folder; where that has too long a path for a socket, in the system's folder for such things."""
    program = Program(Settings(data_dir=tmp_path / "data", serving=Serving(management_port=1)))
    monkeypatch.setattr("doorward.serving.run.LONGEST_FOLDER", 500)
    near = program._reports()
    monkeypatch.setattr("doorward.serving.run.LONGEST_FOLDER", 5)
    far = program._reports()

    assert near is not None
    assert far is not None
    assert near.parent == tmp_path / "data"
    assert far.parent != tmp_path / "data"
    assert near.stat().st_mode & 0o777 == far.stat().st_mode & 0o777 == 0o700
    far.rmdir()
