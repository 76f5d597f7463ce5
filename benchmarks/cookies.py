"""(i) What ``Guard`` adds to a request by cookie: hot, from memory; cold, by a query; beside a token and no guard.

In process, as in ``guard``: a Starlette route is called as an ASGI application behind a whole instance, on either
engine. All variants take turns within a round, and medians are compared. Before each cold request the session is
dropped from memory, as a log-in in its place or a change of roles would do. PostgreSQL is on the same machine; over a
network a query costs a round trip more.
"""

import asyncio
import secrets
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Final

from benchmarks.cluster import postgresql, program
from benchmarks.figures import Figure, at_most, middle
from benchmarks.in_process import report_route, time_call
from doorward.app import Doorward
from doorward.core.secret import Secret
from doorward.db.migrate import discover, up
from doorward.features import MIGRATION_PACKAGES
from doorward.settings import Accounts, Database, Settings
from doorward.verify import Guard

NAME: Final = "cookies"
ROUNDS: Final = 2000
PASSWORD: Final = "correct horse battery staple"
VARIANTS: Final = ("unprotected", "token seen before", "cookie hot", "cookie cold")


def measure() -> Iterator[Figure]:
    """Measure one engine after the other, the variants of each by turns."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="doorward-bench-")))
        urls = {"sqlite": f"sqlite:///{folder / 'doorward.db'}"}
        if program("initdb"):
            urls["postgresql"] = stack.enter_context(postgresql())()
        for engine, url in urls.items():
            times = asyncio.run(_turns(url, folder))
            bare, token, hot, cold = (middle(times[name]) * 1e6 for name in VARIANTS)
            yield Figure(NAME, f"{engine}: the route unprotected", bare, "µs")
            yield Figure(NAME, f"{engine}: Guard adds, token seen before", token - bare, "µs")
            yield Figure(NAME, f"{engine}: Guard adds, cookie hot", hot - bare, "µs", at_most(25))
            yield Figure(NAME, f"{engine}: Guard adds, cookie cold", cold - bare, "µs")
            yield Figure(NAME, f"{engine}: cold as a multiple of hot", (cold - bare) / (hot - bare), "x")


async def _turns(url: str, folder: Path) -> dict[str, list[float]]:
    settings = Settings(
        data_dir=folder,
        secret=(Secret(secrets.token_urlsafe(32)),),
        database=Database(url=url),
        accounts=Accounts(email_verification="off"),
    )
    auth = Doorward(settings)
    await auth._database.open()  # noqa: SLF001
    await up(auth._database, discover(MIGRATION_PACKAGES))  # noqa: SLF001
    route = report_route()
    guarded = Guard(route, auth, protected=["/reports"])
    async with auth.lifespan():
        await auth.accounts.register(email="ada@example.org", password=PASSWORD)
        by_token = await auth.passwords.log_in(login="ada@example.org", password=PASSWORD)
        by_cookie = await auth.passwords.log_in(login="ada@example.org", password=PASSWORD, transport="cookie")
        assert by_token.tokens is not None
        cookie = (b"cookie", f"__Host-doorward={by_cookie.cookie}".encode())
        token = (b"authorization", f"Bearer {by_token.tokens.access_token}".encode())
        hot = auth.sessions._hot  # noqa: SLF001
        times: dict[str, list[float]] = {name: [] for name in VARIANTS}
        for _ in range(ROUNDS):
            times["unprotected"].append(await time_call(route, cookie))
            times["token seen before"].append(await time_call(guarded, token))
            hot.drop([by_cookie.session.digest])
            times["cookie cold"].append(await time_call(guarded, cookie))
            times["cookie hot"].append(await time_call(guarded, cookie))
    return times
