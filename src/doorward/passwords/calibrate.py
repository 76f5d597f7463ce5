"""Which parameters take how long on this machine: the proposals of ``doorward passwords calibrate``.

First measure, with as many threads hashing at once as the server will have (they share memory bandwidth, and alone a
hash looks cheaper than it is); then decide, purely. OWASP: as much as the server can bear, the memory first, since
memory is what an attacker's hardware lacks; never below m=19456 KiB, t=2. NIST SP 800-63B-4: as high as practical.
"""

import math
import os
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Final, Literal

from doorward.errors import Overloaded
from doorward.passwords.formats import MAX_ARGON2_WORK
from doorward.passwords.hashing import Hasher
from doorward.passwords.pool import MOST_THREADS_BY_DEFAULT
from doorward.settings import Passwords

MEMORIES: Final = (19456, 32768, 47104, 65536, 98304, 131072, 262144)
"""KiB that are tried. 19456 and 47104 are OWASP's, 65536 is RFC 9106's second choice."""

FEWEST_ITERATIONS: Final = 2
MOST_ITERATIONS: Final = 64
FIRST_BCRYPT_COST: Final = 12
LAST_BCRYPT_COST: Final = 16
_MEASURED_BCRYPT_COST: Final = 12
_ROUNDS: Final = 3

Stopwatch = Callable[[Passwords, int], float]
"""Tells the seconds that one hash takes while that many threads hash."""


@dataclass(frozen=True, slots=True)
class Measurement:
    """What was seen: seconds for one pass over ``memory`` KiB, or for bcrypt of cost 12."""

    algorithm: Literal["argon2id", "bcrypt"]
    memory: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Proposal:
    """Parameters, the seconds one log-in will take, log-ins a second and bytes of memory with all threads busy.

    ``recommended`` is on one proposal of an algorithm: the most work, memory first, within the target. If even the
    least that is safe takes longer, that is it.
    """

    algorithm: Literal["argon2id", "bcrypt"]
    argon2_memory: int
    argon2_iterations: int
    bcrypt_cost: int
    seconds: float
    logins_per_second: float
    memory_bytes: int
    recommended: bool = False

    @property
    def settings(self) -> dict[str, str | int]:
        """The settings to write, by their names in the section ``passwords``."""
        if self.algorithm == "bcrypt":
            return {"algorithm": "bcrypt", "bcrypt_cost": self.bcrypt_cost}
        return {
            "algorithm": "argon2id",
            "argon2_memory": self.argon2_memory,
            "argon2_iterations": self.argon2_iterations,
        }


def calibrate(
    target_seconds: float = 0.1, *, threads: int = 0, memory_limit: int = 1 << 30, stopwatch: Stopwatch | None = None
) -> list[Proposal]:
    """Measure this machine and propose parameters: Argon2id by memory, then bcrypt. Takes some seconds.

    ``threads`` is ``passwords.hash_threads``, 0 as there; ``memory_limit`` is in bytes, for all threads together.
    Raises ``ValueError`` for a target that is not positive.
    """
    if not target_seconds > 0:
        raise ValueError("the target is a time, more than 0 seconds")
    threads = threads or min(os.cpu_count() or 1, MOST_THREADS_BY_DEFAULT)
    measured = measure(target_seconds, threads=threads, memory_limit=memory_limit, stopwatch=stopwatch or time_one)
    return decide(measured, target_seconds=target_seconds, threads=threads)


def measure(target_seconds: float, *, threads: int, memory_limit: int, stopwatch: Stopwatch) -> list[Measurement]:
    """Time growing memories until the least number of passes over one takes longer than the target."""
    seen: list[Measurement] = []
    for memory in MEMORIES:
        if seen and memory * 1024 * threads > memory_limit:
            break
        settings = Passwords(argon2_memory=memory, argon2_iterations=FEWEST_ITERATIONS)
        try:
            seconds = stopwatch(settings, threads)
        except Overloaded:
            break
        seen.append(Measurement("argon2id", memory, seconds / FEWEST_ITERATIONS))
        if seconds > target_seconds:
            break
    bcrypt = Passwords(algorithm="bcrypt", bcrypt_cost=_MEASURED_BCRYPT_COST)
    return [*seen, Measurement("bcrypt", 0, stopwatch(bcrypt, threads))]


def decide(measured: Sequence[Measurement], *, target_seconds: float, threads: int) -> list[Proposal]:
    """Turn measurements into proposals, at least the floor and at most the target. Pure."""
    argon2 = [_argon2(seen, target_seconds, threads) for seen in measured if seen.algorithm == "argon2id"]
    bcrypt = [_bcrypt(seen, target_seconds, threads) for seen in measured if seen.algorithm == "bcrypt"]
    return [*_recommend(argon2, target_seconds), *_recommend(bcrypt, target_seconds)]


def time_one(settings: Passwords, threads: int) -> float:
    """Tell the seconds of one hash while ``threads`` threads hash at once: the median of three rounds each.

    Raises :class:`~doorward.errors.Overloaded` when the memory is not there.
    """
    hasher = Hasher(settings)
    times: list[float] = []
    failures: list[Overloaded] = []

    def work() -> None:
        try:
            for _ in range(_ROUNDS):
                began = time.perf_counter()
                hasher.verify(hasher.decoy, "calibration")
                times.append(time.perf_counter() - began)
        except Overloaded as failure:
            failures.append(failure)

    workers = [threading.Thread(target=work) for _ in range(threads)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    if failures:
        raise failures[0]
    return sorted(times)[len(times) // 2]


def _argon2(seen: Measurement, target: float, threads: int) -> Proposal:
    most = min(MOST_ITERATIONS, MAX_ARGON2_WORK // seen.memory)
    iterations = max(FEWEST_ITERATIONS, min(most, math.floor(target / seen.seconds)))
    seconds = iterations * seen.seconds
    return Proposal("argon2id", seen.memory, iterations, 0, seconds, threads / seconds, seen.memory * 1024 * threads)


def _bcrypt(seen: Measurement, target: float, threads: int) -> Proposal:
    steps = math.floor(math.log2(target / seen.seconds))
    cost = max(FIRST_BCRYPT_COST, min(LAST_BCRYPT_COST, _MEASURED_BCRYPT_COST + steps))
    seconds = seen.seconds * 2.0 ** (cost - _MEASURED_BCRYPT_COST)
    return Proposal("bcrypt", 0, 0, cost, seconds, threads / seconds, 4096 * threads)


def _recommend(proposals: list[Proposal], target: float) -> list[Proposal]:
    """Mark the one with the most memory that keeps to the target, or the first, which is the floor."""
    fitting = [index for index, proposal in enumerate(proposals) if proposal.seconds <= target]
    best = fitting[-1] if fitting else 0
    return [replace(proposal, recommended=index == best) for index, proposal in enumerate(proposals)]
