"""The pool: bounded, low in priority, sane when callers go away."""

import asyncio
import os
import sys
import threading
from collections.abc import AsyncIterator, Callable

import pytest

from doorward.errors import Overloaded
from doorward.passwords.hashing import Hasher
from doorward.passwords.pool import NICENESS, HashingPool
from doorward.settings import Passwords

QUICK = Passwords(argon2_memory=64, argon2_iterations=1, hash_threads=2, hash_queue=3)


class Gate(Hasher):
    """A hasher that lets nothing through until it is opened, and notes what happens."""

    def __init__(self) -> None:
        super().__init__(QUICK)
        self.open = threading.Event()
        self.seen: list[tuple[str, str]] = []
        self.priorities: list[tuple[int, int]] = []

    def verify(self, stored: str, password: str) -> bool:
        self.seen.append((stored, password))
        if sys.platform == "linux":
            self.priorities.append(
                (os.getpriority(os.PRIO_PROCESS, threading.get_native_id()), os.sched_getscheduler(0))
            )
        assert self.open.wait(20)
        return super().verify(stored, password)


async def until(condition: Callable[[], bool]) -> None:
    """Wait for a condition, giving way to everything else meanwhile."""
    async with asyncio.timeout(20):
        while not condition():  # noqa: ASYNC110 - the condition is set by threads
            await asyncio.sleep(0)


@pytest.fixture
def gate() -> Gate:
    """A closed gate."""
    return Gate()


@pytest.fixture
async def pool(gate: Gate) -> AsyncIterator[HashingPool]:
    """A pool of two threads and three places to wait, behind the gate."""
    made = HashingPool(QUICK, hasher=gate)
    yield made
    gate.open.set()
    made.close()


async def test_hash_and_verify_off_the_loop(pool: HashingPool, gate: Gate) -> None:
    """What is hashed there verifies there, and both are counted."""
    gate.open.set()

    stored = await pool.hash("password")

    assert await pool.verify(stored, "password")
    assert not await pool.verify(stored, "passwort")
    assert not pool.needs_rehash(stored, "password")
    assert (pool.performed, pool.topped_up, pool.waiting) == (3, 0, 0)


async def test_settings_make_the_hasher() -> None:
    """Without another hasher the pool hashes as the settings say."""
    pool = HashingPool(QUICK)

    assert (await pool.hash("password")).startswith("$argon2id$v=19$m=64,t=1,p=1$")
    pool.close()


async def test_error_of_the_work_reaches_the_caller(pool: HashingPool) -> None:
    """What the hasher refuses is refused by the pool, and its threads live on."""
    with pytest.raises(ValueError, match="no verification"):
        await pool.hash("x" * 5000)

    assert (await pool.hash("password")).startswith("$argon2id$")


@pytest.mark.parametrize(("threads", "expected"), [(0, min(os.cpu_count() or 1, 4)), (7, 7)])
def test_threads_and_memory_follow_the_settings(threads: int, expected: int) -> None:
    """One thread a core and at most four, unless it is set; the memory is threads times cost."""
    pool = HashingPool(Passwords(hash_threads=threads))

    assert pool.threads == expected
    assert pool.memory_bytes == expected * 19456 * 1024


async def test_no_thread_runs_before_the_first_job() -> None:
    """A pool may be made before the process forks."""
    before = threading.active_count()

    HashingPool(QUICK)

    assert threading.active_count() == before


class Starts:
    """In place of ``Thread.start``: the system gives no more threads, until it does."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, given: int) -> None:
        self.left = given
        start = threading.Thread.start

        def refusing(thread: threading.Thread) -> None:
            if thread.name.startswith("doorward-hash"):
                if not self.left:
                    raise RuntimeError("can't start new thread")
                self.left -= 1
            start(thread)

        monkeypatch.setattr(threading.Thread, "start", refusing)


async def test_thread_that_cannot_start_is_told_at_once_and_tried_again(
    gate: Gate, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Finding 2 of the review: log-ins hung for ever when the first start had failed, and the end raised."""
    pool = HashingPool(QUICK, hasher=gate)
    starts = Starts(monkeypatch, given=0)
    gate.open.set()

    with pytest.raises(Overloaded):
        await pool.verify(None, "too early")

    assert pool.waiting == 0
    starts.left = 1
    async with asyncio.timeout(20):
        assert not await pool.verify(None, "again")
    pool.close()


async def test_threads_that_run_do_without_one_that_cannot_start(gate: Gate, monkeypatch: pytest.MonkeyPatch) -> None:
    """It takes longer, and nothing else."""
    pool = HashingPool(QUICK, hasher=gate)
    Starts(monkeypatch, given=1)
    running = [asyncio.ensure_future(pool.verify(None, str(n))) for n in range(2)]

    gate.open.set()

    async with asyncio.timeout(20):
        assert await asyncio.gather(*running) == [False, False]
    pool.close()


async def test_panic_of_the_work_reaches_the_caller_and_the_thread_lives_on() -> None:
    """Finding 2 of the review: what Rust panics with is a BaseException, and it ended the thread in silence."""

    class Panic(BaseException):
        pass

    class Panicking(Hasher):
        panics = True

        def hash(self, password: str) -> str:
            if self.panics:
                raise Panic
            return super().hash(password)

    hasher = Panicking(QUICK)
    pool = HashingPool(Passwords(hash_threads=1), hasher=hasher)

    async with asyncio.timeout(20):
        with pytest.raises(RuntimeError, match="hashing has failed") as failed:
            await pool.hash("password")
        hasher.panics = False
        stored = await pool.hash("password")

    assert isinstance(failed.value.__cause__, Panic)
    assert stored.startswith("$argon2id$")
    pool.close()


async def test_full_queue_answers_overloaded_and_recovers(pool: HashingPool, gate: Gate) -> None:
    """Two run, three wait, the sixth is told when to come back; afterwards there is room again."""
    running = [asyncio.ensure_future(pool.verify(None, str(n))) for n in range(5)]
    await until(lambda: len(gate.seen) == 2 and pool.waiting == 3)

    with pytest.raises(Overloaded) as refusal:
        await pool.verify(None, "one too many")

    assert refusal.value.retry_after == 1
    gate.open.set()
    assert await asyncio.gather(*running) == [False] * 5
    assert not await pool.verify(None, "again")


async def test_time_to_come_back_follows_the_queue_and_the_measured_time(pool: HashingPool, gate: Gate) -> None:
    """Five jobs of four seconds on two threads: ten seconds."""
    running = [asyncio.ensure_future(pool.verify(None, str(n))) for n in range(5)]
    await until(lambda: pool.waiting == 3)
    pool.mean_seconds = 4.0

    with pytest.raises(Overloaded) as refusal:
        await pool.verify(None, "one too many")

    assert refusal.value.retry_after == 10
    gate.open.set()
    await asyncio.gather(*running)


async def test_caller_that_goes_away_while_waiting_is_not_hashed(pool: HashingPool, gate: Gate) -> None:
    """Its place is free at once, and nobody works for it."""
    running = [asyncio.ensure_future(pool.verify(None, str(n))) for n in range(5)]
    await until(lambda: len(gate.seen) == 2 and pool.waiting == 3)

    running[4].cancel()
    await until(running[4].done)

    assert pool.waiting == 2
    replacement = asyncio.ensure_future(pool.verify(None, "instead"))
    await until(lambda: pool.waiting == 3)
    gate.open.set()
    await asyncio.gather(*running[:4], replacement)
    assert sorted(password for _, password in gate.seen) == ["0", "1", "2", "3", "instead"]
    assert pool.performed == 5


async def test_caller_that_goes_away_while_hashing_leaves_the_pool_sane(pool: HashingPool, gate: Gate) -> None:
    """The hash is finished for nobody and the thread takes the next."""
    running = asyncio.ensure_future(pool.verify(None, "gone"))
    await until(lambda: len(gate.seen) == 1)

    running.cancel()
    await until(running.done)
    gate.open.set()

    assert not await pool.verify(None, "next")
    await until(lambda: pool.performed == 2)


async def test_close_finishes_what_runs_and_refuses_what_waits(pool: HashingPool, gate: Gate) -> None:
    """After it there are no threads, and whoever comes is told to come back."""
    running = [asyncio.ensure_future(pool.verify(None, str(n))) for n in range(4)]
    await until(lambda: len(gate.seen) == 2 and pool.waiting == 2)

    closing = asyncio.ensure_future(asyncio.to_thread(pool.close))
    await until(lambda: pool.waiting == 0)
    gate.open.set()
    await closing

    answers = await asyncio.gather(*running, return_exceptions=True)
    assert answers[:2] == [False, False]
    assert [type(answer) for answer in answers[2:]] == [Overloaded, Overloaded]
    with pytest.raises(Overloaded):
        await pool.verify(None, "late")
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("doorward-hash")]


async def test_closed_pool_can_be_opened_again(pool: HashingPool, gate: Gate) -> None:
    """An application may be started, stopped and started again in one process."""
    gate.open.set()
    await pool.verify(None, "before")
    pool.close()

    pool.open()

    assert not await pool.verify(None, "after")


def test_loop_that_ended_is_not_an_error(gate: Gate) -> None:
    """A test or a server may stop its loop while a hash is being computed."""
    pool = HashingPool(QUICK, hasher=gate)

    async def start() -> None:
        asyncio.ensure_future(pool.verify(None, "abandoned"))  # noqa: RUF006 - abandoned on purpose
        await until(lambda: len(gate.seen) == 1)

    asyncio.run(start())
    gate.open.set()
    pool.close()

    assert pool.performed == 1


def test_several_loops_share_a_pool(gate: Gate) -> None:
    """The pool belongs to the process, not to a loop."""
    pool = HashingPool(QUICK, hasher=gate)
    gate.open.set()

    first, second = asyncio.run(pool.hash("one")), asyncio.run(pool.hash("two"))

    assert asyncio.run(pool.verify(first, "one"))
    assert asyncio.run(pool.verify(second, "two"))
    pool.close()


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux gives a priority to a thread")
async def test_threads_give_way_to_everything_else(pool: HashingPool, gate: Gate) -> None:
    """Niced and scheduled as batch work; the thread of the event loop keeps its priority."""
    before = os.getpriority(os.PRIO_PROCESS, threading.get_native_id())
    gate.open.set()

    await pool.verify(None, "password")

    assert set(gate.priorities) == {(NICENESS, os.SCHED_BATCH)}
    assert os.getpriority(os.PRIO_PROCESS, threading.get_native_id()) == before


def test_threads_do_not_starve_beside_other_programs() -> None:
    """Finding 7 of the review: at nice 19 a thread has a seventieth of an ordinary one's share, at 10 a ninth."""
    share = 1.25**-NICENESS  # sched(7): each step is a factor of 1.25

    assert 0.1 <= share <= 0.2


async def test_sandbox_that_refuses_priorities_still_hashes(
    pool: HashingPool, gate: Gate, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A seccomp filter may forbid the call; slower is better than not at all."""

    def refuse(*_: int) -> None:
        raise PermissionError

    monkeypatch.setattr(os, "setpriority", refuse)
    gate.open.set()

    assert not await pool.verify(None, "password")
