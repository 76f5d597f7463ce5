"""(i) What keeping account costs: the figures of a request, sealing and verifying the trail, importing accounts.

Each in process, on both engines where there is a database, with the durability of production. The figures of a request
take their turn with the same call of a bare dictionary; an import with and without hashes to check.
"""

import asyncio
import json
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from secrets import token_urlsafe
from typing import Any, Final

from benchmarks.cluster import postgresql, program
from benchmarks.figures import Figure, at_least, at_most, middle

NAME: Final = "trail"
PEOPLE: Final = 20_000
ROUNDS: Final = 7
CALLS: Final = 100_000
HASH: Final = "$2b$12$R9h/cIPz0gi.URNNX3kh2OPST9/PgBkqquzi.Ss7KIUgO2t0jWMUW"
"""A hash as others export it; nobody knows its password, and nobody needs to."""


def measure() -> Iterator[Figure]:
    """Measure the figures of a request first, then each engine."""
    yield from _requests()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="doorward-bench-")))
        urls = {"sqlite": f"sqlite:///{folder / 'doorward.db'}"}
        if program("initdb"):
            urls["postgresql"] = stack.enter_context(postgresql())()
        file = folder / "people.jsonl"
        file.write_text("".join(json.dumps(_person(number)) + "\n" for number in range(PEOPLE)))
        for engine, url in urls.items():
            yield from asyncio.run(_engine(engine, url, folder, file))


def _requests() -> Iterator[Figure]:
    from doorward.observability.instruments import Instruments

    instruments = Instruments()
    bare: dict[Any, float] = {}

    def ours() -> None:
        for _ in range(CALLS):
            instruments.request("/v1/me", "GET", 200, 0.003, "")

    def dictionary() -> None:
        for _ in range(CALLS):
            bare["/v1/me", "GET", "200"] = bare.get(("/v1/me", "GET", "200"), 0.0) + 1

    rounds: dict[str, list[float]] = {"the figures of a request": [], "one addition in a dictionary": []}
    for _ in range(ROUNDS):
        for name, call in zip(rounds, (ours, dictionary), strict=True):
            began = time.perf_counter()
            call()
            rounds[name].append((time.perf_counter() - began) / CALLS * 1e6)
    yield Figure(NAME, "the figures of a request", middle(rounds["the figures of a request"]), "µs", at_most(5))
    yield Figure(NAME, "one addition in a dictionary", middle(rounds["one addition in a dictionary"]), "µs")


def _person(number: int) -> dict[str, Any]:
    return {
        "id": str(number),
        "email": f"person{number}@example.test",
        "username": f"person{number}",
        "password_hash": HASH,
        "profile": {"name": f"Person {number}"},
        "created_at": "2020-01-02T03:04:05Z",
    }


async def _engine(engine: str, url: str, folder: Path, file: Path) -> list[Figure]:
    from doorward.app import Doorward
    from doorward.core.secret import Secret
    from doorward.db.migrate import discover, up
    from doorward.features import MIGRATION_PACKAGES
    from doorward.importing.flows import Options
    from doorward.importing.reading import digest, read
    from doorward.importing.systems import SYSTEMS
    from doorward.settings import Accounts, Database, Settings

    settings = Settings(
        data_dir=folder,
        secret=(Secret(token_urlsafe(32)),),
        database=Database(url=url),
        accounts=Accounts(email_verification="off"),
    )
    auth = Doorward(settings)
    database = auth._database  # noqa: SLF001 - opened without a lifespan, as the command line does
    await database.open()
    try:
        await up(database, discover(MIGRATION_PACKAGES))
        began, cpu = time.perf_counter(), time.process_time()
        await auth.imports.run(
            read(file), SYSTEMS["jsonl"], digest=digest(file), form="jsonl", options=Options(), tell=lambda _: None
        )
        took, used = time.perf_counter() - began, time.process_time() - cpu
        sealing = time.perf_counter()
        await auth.audit.seal_all()
        sealed = time.perf_counter()
        verdict = await auth.audit.verify()
        verified = time.perf_counter()
    finally:
        auth.pool.close()
        await database.close()
    if verdict.faults or verdict.lines != PEOPLE:
        raise RuntimeError(f"the trail is not whole: {verdict}")
    return [
        Figure(NAME, f"{engine}: accounts imported a minute", PEOPLE / took * 60, "1/min", at_least(100_000)),
        Figure(NAME, f"{engine}: CPU of an imported account", used / PEOPLE * 1e6, "µs"),
        Figure(NAME, f"{engine}: lines sealed a second", PEOPLE / (sealed - sealing), "1/s"),
        Figure(NAME, f"{engine}: lines verified a second", PEOPLE / (verified - sealed), "1/s"),
    ]
