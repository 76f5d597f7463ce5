"""What ``Verifier.check`` costs with nothing, ten thousand and a million live revocations; memory, and forgetting.

In process. The same repeated token is checked by turns by verifiers that differ in their set of revocations only, so
that whatever else the machine does falls on all of them alike.
"""

import secrets
import time
import tracemalloc
from collections.abc import Iterator
from typing import Final

from benchmarks.figures import Figure, at_most, middle, percentile
from doorward.core.clock import system_clock
from doorward.jose import jwt
from doorward.jose.keys import KeySet, SigningKey
from doorward.verify import RevocationSet, Verifier

NAME: Final = "revoked"
ISSUER: Final = "https://auth.example"
SIZES: Final = (0, 10_000, 1_000_000)
TURNS: Final = 300
CALLS: Final = 200
TOKENS: Final = 500


def measure() -> Iterator[Figure]:
    """Check by turns."""
    key = SigningKey.generate("ES256")
    tokens = [_token(key, number) for number in range(TOKENS)]
    sets = []
    for size in SIZES:
        known, bytes_each = _filled(size)
        sets.append(known)
        if size:
            yield Figure(NAME, f"memory for each of {size:,} revocations", bytes_each, "bytes")
    verifiers = [Verifier(issuer=ISSUER, keys=KeySet([key.public]), revocations=known) for known in sets]
    for verifier in verifiers:
        for token in tokens:
            verifier.check(token)
    times: list[list[float]] = [[] for _ in SIZES]
    for _ in range(TURNS):
        for verifier, each in zip(verifiers, times, strict=True):
            begun = time.perf_counter()
            for number in range(CALLS):
                verifier.check(tokens[number])
            each.append((time.perf_counter() - begun) / CALLS * 1e6)
    for size, each in zip(SIZES, times, strict=True):
        yield Figure(NAME, f"check of a repeated token, {size:,} live revocations", middle(each), "µs")
    yield Figure(NAME, "a million more than none", middle(times[-1]) - middle(times[0]), "µs", at_most(1))
    yield from _forgetting(sets[-1])


def _filled(size: int) -> tuple[RevocationSet, float]:
    """Fill a set as ten minutes of log-outs do, and tell what an entry weighs."""
    now = system_clock()
    tracemalloc.start()
    known = RevocationSet()
    for number in range(size):
        known.add(secrets.token_bytes(16), now + 660 + number * 600 // size)
    weight = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    return known, weight / max(1, size)


def _forgetting(known: RevocationSet) -> Iterator[Figure]:
    """A request forgets a little when there is something to forget, and never much."""
    later = system_clock() + 10_000
    steps = []
    while len(known):
        begun = time.thread_time()
        known.forget(later)
        steps.append((time.thread_time() - begun) * 1e6)
    yield Figure(NAME, "CPU for what one request forgets of a million, p50", middle(steps), "µs")
    yield Figure(NAME, "CPU for what one request forgets of a million, p99", percentile(steps, 0.99), "µs")


def _token(key: SigningKey, number: int) -> str:
    now = system_clock()
    claims = {
        "iss": ISSUER, "aud": ISSUER, "sub": "acc_one", "sid": f"ses_{number}", "client_id": "bench", "iat": now,
        "jti": str(number), "exp": now + 3600, "auth_time": now, "amr": ["pwd"],
    }  # fmt: skip
    return jwt.encode(claims, key, typ="at+jwt")
