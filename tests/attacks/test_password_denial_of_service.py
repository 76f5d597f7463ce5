"""Passwords as load: very long ones (Django, 2013), many at once (19 MiB each), and text that is costly to look at."""

import asyncio
import threading
import time
from types import SimpleNamespace

import pytest

from doorward.errors import Overloaded
from doorward.passwords.blocklist import Blocklist
from doorward.passwords.hashing import Hasher
from doorward.passwords.policy import assess, normalise
from doorward.passwords.pool import HashingPool
from doorward.settings import Passwords

LIST = Blocklist()
LOOKALIKES = "4@8({[<69!|17$5+7"
COSTLY = {
    "look-alikes": (LOOKALIKES * 20)[:256],
    "one key": "a" * 256,
    "two keys": "ab" * 128,
    "dates": "19840229" * 32,
    "digits": "3141592653589793" * 16,
    "words": ("correct horse battery staple " * 9)[:256],
    "rows": ("qwertyuiop" * 26)[:256],
    "brackets": "([{<" * 64,
    "symbols": "".join(chr(33 + n * 37 % 94) for n in range(256)),
    "combining marks": "a" + "\u0301\u0323" * 127,
    "other scripts": "漢字かな交じり文" * 32,
}


@pytest.mark.parametrize("size", [4097, 65_536, 1_000_000])
def test_long_password_is_never_hashed(size: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Refused by the policy unread, and by verification without any work (Django's long-password DoS)."""
    hasher = Hasher(Passwords())
    monkeypatch.setattr("doorward.passwords.formats.hash_secret_raw", None)

    found = assess("x" * size, settings=Passwords(), email=None, username=None, service_name="doorward", blocklist=LIST)

    assert [error.code for error in found.errors] == ["password_too_long"]
    assert hasher.verify(hasher.decoy, "x" * size) is False


def test_long_run_of_accents_is_not_composed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Bringing 30,000 combining marks into order takes seconds; over 4096 bytes nothing is brought into order."""

    def explode(*_: object) -> str:
        raise AssertionError("normalised")

    monkeypatch.setattr("doorward.passwords.policy.unicodedata", SimpleNamespace(normalize=explode))
    text = "a" + "\u0301" * 15_000 + "\u0323" * 15_000

    assert normalise(text) == text


@pytest.mark.parametrize("password", COSTLY.values(), ids=COSTLY.keys())
def test_no_password_is_costly_to_judge(password: str) -> None:
    """The estimator alone would take half a second for a hundred look-alikes; the policy stays far below a hash."""
    judge = {"settings": Passwords(), "email": "a@b.example", "username": "ab", "service_name": "c", "blocklist": LIST}
    assess("warm up", **judge)  # type: ignore[arg-type]

    times = []
    for _ in range(5):
        began = time.perf_counter()
        assess(password, **judge)  # type: ignore[arg-type]
        times.append(time.perf_counter() - began)

    assert min(times) < 0.03


class Counting(Hasher):
    """A hasher that knows how many hash at the same time, and waits until it may."""

    def __init__(self, settings: Passwords) -> None:
        super().__init__(settings)
        self.go = threading.Event()
        self.both = threading.Event()
        self.now = self.most = 0

    def verify(self, stored: str, password: str) -> bool:
        self.now += 1
        self.most = max(self.most, self.now)
        if self.now == 2:
            self.both.set()
        assert self.go.wait(20)
        self.now -= 1
        return super().verify(stored, password)


async def test_storm_of_log_ins_stays_within_the_memory_it_names() -> None:
    """Five hundred at once: never more hash at a time than there are threads, the rest waits or is refused."""
    settings = Passwords(argon2_memory=1024, argon2_iterations=1, hash_threads=2, hash_queue=16)
    hasher = Counting(settings)
    pool = HashingPool(settings, hasher=hasher)

    storm = [asyncio.ensure_future(pool.verify(None, str(n))) for n in range(500)]
    done, running = await asyncio.wait(storm, timeout=0)
    while len(done) < 482:
        done, running = await asyncio.wait(storm, return_when=asyncio.FIRST_COMPLETED)
    await asyncio.to_thread(hasher.both.wait, 20)
    hasher.go.set()
    admitted = await asyncio.gather(*running)

    refusals = [task.exception() for task in done]
    assert len(refusals) == 482
    assert all(isinstance(refusal, Overloaded) and (refusal.retry_after or 0) >= 1 for refusal in refusals)
    assert admitted == [False] * 18
    assert (pool.performed, hasher.most, pool.memory_bytes) == (18, 2, 2 * 1024 * 1024)
    pool.close()
