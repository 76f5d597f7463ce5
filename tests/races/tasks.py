"""What the processes of a crew do. Each task opens its own instance, meets the others, and goes."""

import asyncio
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import httpx2

from doorward.app import Doorward
from doorward.audit.flows import entry
from doorward.core.source import Source
from doorward.errors import Problem
from doorward.hooks import ProfileChanged
from doorward.status_lists.store import lease
from tests.races.crew import Place, Worker
from tests.support.house import PASSWORD, bearer
from tests.support.mailbox import Mailbox
from tests.support.waiting import until
from tests.webhooks.receiver import Receiver, telling

OTHER_PASSWORD = "another correct horse battery staple"


async def refresh(worker: Worker, place: Place, *, token: str, times: int) -> list[tuple[int, dict[str, Any]]]:
    """Spend one refresh token many times at once."""
    async with place.open() as (_, client):
        worker.meet()
        answers = await asyncio.gather(
            *(client.post("/v1/token/refresh", json={"refresh_token": token}) for _ in range(times))
        )
        return [(answer.status_code, answer.json()) for answer in answers]


async def register(worker: Worker, place: Place, *, emails: list[str], username: str | None) -> list[tuple[int, str]]:
    """Register many times at once, each process with its own spellings of one address."""
    async with place.open() as (_, client):
        worker.meet()
        members = {"password": PASSWORD, **({} if username is None else {"username": username})}
        answers = await asyncio.gather(
            *(client.post("/v1/accounts", json={"email": email, **members}) for email in emails[worker.number :: 4])
        )
        return [(answer.status_code, answer.json().get("code", "")) for answer in answers]


async def guess(worker: Worker, place: Place, *, login: str, times: int) -> tuple[Counter[str], int]:
    """Try wrong passwords at once; return the codes and how many hashes were computed."""
    async with place.open() as (auth, client):
        worker.meet()
        answers = await asyncio.gather(
            *(client.post("/v1/login", json={"login": login, "password": f"wrong {i}"}) for i in range(times))
        )
        return Counter(answer.json()["code"] for answer in answers), auth.pool.performed


async def log_in(worker: Worker, place: Place, *, login: str, times: int) -> list[int]:
    """Log in to one account many times at once."""
    async with place.open() as (_, client):
        worker.meet()
        body = {"login": login, "password": PASSWORD}
        answers = await asyncio.gather(*(client.post("/v1/login", json=body) for _ in range(times)))
        return [answer.status_code for answer in answers]


async def rotate_or_leave(worker: Worker, place: Place, *, pairs: list[dict[str, Any]]) -> list[list[int]]:
    """One process logs out of every session, the others refresh it at that moment and then use what they got."""
    async with place.open() as (auth, client):
        worker.meet()
        if worker.number == 0:
            left = await asyncio.gather(*(_leave(client, pair) for pair in pairs))
            worker.meet()
            return [[status] for status in left]
        answers = await asyncio.gather(
            *(client.post("/v1/token/refresh", json={"refresh_token": pair["refresh_token"]}) for pair in pairs)
        )
        worker.meet()  # every log-out has been answered now
        pairs_got = [answer.json() for answer in answers if answer.status_code == 200]
        await auth.revocations.follow()  # what a notice does a moment later
        return [await _use(client, pair) for pair in pairs_got]


async def _leave(client: httpx2.AsyncClient, pair: dict[str, Any]) -> int:
    answer = await client.post("/v1/logout", json={}, headers=bearer(pair["access_token"]))
    return answer.status_code


async def _use(client: httpx2.AsyncClient, pair: dict[str, Any]) -> list[int]:
    me = await client.get("/v1/me", headers=bearer(pair["access_token"]))
    again = await client.post("/v1/token/refresh", json={"refresh_token": pair["refresh_token"]})
    return [me.status_code, again.status_code]


async def enter_or_disable(worker: Worker, place: Place, *, account_id: str, login: str) -> list[list[int]]:
    """One process disables the account, the others log in at that moment and then use what they got."""
    async with place.open() as (auth, client):
        worker.meet()
        if worker.number == 0:
            await auth.accounts.disable(account_id)
            worker.meet()
            return []
        return await _enter_and_use(worker, auth, client, login)


async def enter_or_change(worker: Worker, place: Place, *, login: str, access_token: str) -> list[list[int]]:
    """One process changes the password, the others log in with the old one and then use what they got."""
    async with place.open() as (auth, client):
        worker.meet()
        if worker.number == 0:
            changed = await client.post(
                "/v1/me/password",
                json={"current_password": PASSWORD, "new_password": OTHER_PASSWORD},
                headers=bearer(access_token),
            )
            worker.meet()
            return [[changed.status_code]]
        return await _enter_and_use(worker, auth, client, login)


async def _enter_and_use(worker: Worker, auth: Doorward, client: httpx2.AsyncClient, login: str) -> list[list[int]]:
    body = {"login": login, "password": PASSWORD}
    answers = await asyncio.gather(*(client.post("/v1/login", json=body) for _ in range(4)))
    worker.meet()
    await auth.revocations.follow()
    return [await _use(client, answer.json()) for answer in answers if answer.status_code == 200]


async def start(worker: Worker, place: Place) -> str:
    """Start on the database at once with the others; return which key signs."""
    worker.meet()
    async with place.open() as (auth, _):
        return auth.keys.active.kid


async def rotate_keys(worker: Worker, place: Place, *, revoke: bool) -> str:
    """Rotate the signing keys at once."""
    async with place.open() as (auth, _):
        worker.meet()
        try:
            return await auth.keys.rotate(revoke=revoke)
        except Problem as problem:
            return problem.code


async def watch(worker: Worker, place: Place, *, token: str, path: str, how: str) -> float:
    """One process ends something; the others ask with the token until it is refused. Returns their seconds."""
    async with place.open() as (auth, client):

        async def is_refused() -> bool:
            return (await client.get("/v1/me", headers=bearer(token))).status_code == 401

        assert not await is_refused()
        worker.meet()
        if worker.number == 0:
            if how == "log-out":
                assert (await client.post(path, json={}, headers=bearer(token))).status_code == 204
            else:
                await auth.keys.rotate(revoke=True)
            worker.meet()
            return 0.0
        return await _seconds_until(is_refused, worker)


async def _seconds_until(is_refused: Callable[[], Awaitable[bool]], worker: Worker) -> float:
    await asyncio.to_thread(worker.meet)
    began = time.perf_counter()
    await until(is_refused)
    return time.perf_counter() - began


async def change_halves(worker: Worker, place: Place, *, token: str) -> list[int]:
    """Set the username and the profile by two requests at once."""
    async with place.open() as (_, client):
        worker.meet()
        halves: list[dict[str, Any]] = [{"username": "countess"}, {"profile": {"by": "the others"}}]
        answers = await asyncio.gather(*(client.patch("/v1/me", json=half, headers=bearer(token)) for half in halves))
        return [answer.status_code for answer in answers]


async def write_and_seal(worker: Worker, place: Place, *, times: int) -> None:
    """Write events and seal whatever there is, in turn and at once with the others."""
    async with place.open() as (auth, _):
        worker.meet()
        for number in range(times):
            event = ProfileChanged(account_id=f"acc_{worker.number}_{number}")
            writing = auth.audit._database.write(entry(event, now=int(time.time()), source=Source()))
            await asyncio.gather(writing, auth.audit.seal())


async def tell(worker: Worker, place: Place, *, authority: str, events: int, total: int) -> None:
    """Write events, then seal, fan out and send beside the others until everything is delivered."""
    settings = telling(place.settings(), Receiver(Path(authority)))
    auth = Doorward(settings)
    async with auth.lifespan():
        worker.meet()
        for number in range(events):
            event = ProfileChanged(account_id=f"acc_{worker.number}_{number}")
            await auth.audit._database.write(entry(event, now=int(time.time()), source=Source()))

        async def is_done() -> bool:
            await auth.audit.seal()
            await auth.webhooks.work()
            (row,) = await auth.audit._database.fetch_all(
                "SELECT COUNT(*) AS n FROM webhook_delivery WHERE state = 'delivered'"
            )
            return bool(row["n"] == total)

        await until(is_done)


async def redeem(worker: Worker, place: Place, *, path: str, bodies: list[dict[str, str]]) -> list[tuple[int, str]]:
    """Bring secrets from mails back, all at once; each process takes its share."""
    async with place.open() as (_, client):
        worker.meet()
        answers = await asyncio.gather(*(client.post(path, json=body) for body in bodies[worker.number :: 4]))
        return [
            (answer.status_code, "" if answer.status_code == 204 else answer.json().get("code", ""))
            for answer in answers
        ]


async def deliver(worker: Worker, place: Place) -> list[str]:
    """Send what waits, and return the ids of what this process has sent."""
    async with place.open() as (auth, _):
        worker.meet()
        await auth.life.delivery.deliver()
        mailer = auth.mail.mailer
        assert isinstance(mailer, Mailbox)
        return [message.message_id for message in mailer.messages]


async def watch_cookie(worker: Worker, place: Place, *, cookie: str, path: str, body: dict[str, Any]) -> float:
    """One process ends or renews a cookie session that is hot in all; the others ask until the old one is refused."""
    async with place.open() as (_, client):
        held = _held(cookie)

        async def is_refused() -> bool:
            return (await client.get("/v1/me", headers=held)).status_code == 401

        assert not await is_refused()
        assert not await is_refused()
        worker.meet()
        if worker.number == 0:
            assert (await client.post(path, json=body, headers=held)).status_code in (200, 204)
            assert await is_refused()
            worker.meet()
            return 0.0
        return await _seconds_until(is_refused, worker)


async def resume_or_leave(worker: Worker, place: Place, *, cookies: list[str]) -> list[list[int]]:
    """One process logs out of every session, the others resume them all the while, and once more when it was told."""
    async with place.open() as (auth, client):
        worker.meet()
        if worker.number == 0:
            left = await asyncio.gather(*(client.post("/v1/logout", json={}, headers=_held(each)) for each in cookies))
            worker.meet()
            return [[answer.status_code] for answer in left]
        for _ in range(5):
            await asyncio.gather(*(client.get("/v1/me", headers=_held(each)) for each in cookies))
        worker.meet()  # every log-out has been answered now
        await auth.revocations.follow()  # what a notice does a moment later
        await auth.sessions.follow()
        last = await asyncio.gather(*(client.get("/v1/me", headers=_held(each)) for each in cookies))
        return [[answer.status_code for answer in last]]


def _held(cookie: str) -> dict[str, str]:
    return {"Cookie": f"__Host-doorward={cookie}", "Sec-Fetch-Site": "same-origin"}


async def take_serials(worker: Worker, place: Place, *, times: int) -> list[tuple[int, bytes]]:
    """Take serials for status lists many times at once; return where each lease ends, and the key that spreads them."""
    async with place.open() as (auth, _):
        worker.meet()
        database, spread = auth._database, bytes([worker.number]) * 32
        results = await asyncio.gather(*(database.write(*lease(10, spread=spread)) for _ in range(times)))
        return [(rows[1][0]["next"], bytes(rows[1][0]["spread"])) for rows in results]


async def make_service(worker: Worker, place: Place, *, name: str) -> str:
    """Make a service of one name, as the others do."""
    async with place.open() as (auth, _):
        worker.meet()
        try:
            _, key = await auth.services.create(name)
        except Problem as refused:
            return refused.code
        return key


async def revoke_token(worker: Worker, place: Place, *, token: str, key: str, times: int) -> list[int]:
    """Revoke one token many times at once, and ask what it is worth right after."""
    async with place.open() as (_, client):
        worker.meet()
        body, headers = {"token": token}, bearer(key)
        answers = await asyncio.gather(*(client.post("/v1/revoke", data=body, headers=headers) for _ in range(times)))
        asked = await client.post("/v1/introspect", data=body, headers=headers)
        return [*(answer.status_code for answer in answers), asked.json()["active"]]


async def answer(worker: Worker, place: Place, *, login: str, proof: str, times: int) -> list[str]:
    """Guess many times at once with one answer to a challenge; return the codes."""
    async with place.open() as (_, client):
        worker.meet()
        headers = {"Doorward-Proof": proof}
        body = {"login": login, "password": "wrong"}
        answers = await asyncio.gather(*(client.post("/v1/login", json=body, headers=headers) for _ in range(times)))
        return [answer.json()["code"] for answer in answers]
