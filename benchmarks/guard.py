"""(a) What ``Guard`` adds to a request, beside the same route unprotected and beside PyJWT with the same key.

In process: a Starlette route is called as an ASGI application, without a network and without a server. All variants
take turns within a round, so that whatever else the machine does falls on all of them alike, and medians are compared.
A *first* request brings a token that was never seen; a *repeated* one brings the same token again.
"""

import asyncio
import secrets
import time
from collections.abc import Iterator
from typing import Any, Final

import jwt as pyjwt

from benchmarks.figures import Figure, at_most, middle
from benchmarks.in_process import report_route, time_call
from doorward.core.clock import system_clock
from doorward.jose import jwt
from doorward.jose.keys import KeySet, SigningKey
from doorward.verify import Guard, Verifier
from doorward.verify.model import RevocationSet, digest

NAME: Final = "guard"
ISSUER: Final = "https://auth.example"
ROUNDS: Final = 3000
REVOKED: Final = 1000


def measure() -> Iterator[Figure]:
    """Call each variant in turn."""
    key = SigningKey.generate("ES256")
    revocations = RevocationSet()
    for number in range(REVOKED):
        revocations.add(digest("session", f"ses_{number}"), system_clock() + 3600)
    verifier = Verifier(issuer=ISSUER, keys=KeySet([key.public]), revocations=revocations, cache_size=2 * ROUNDS)
    route = report_route()
    guarded = Guard(route, verifier, protected=["/reports"])
    public = pyjwt.PyJWK.from_dict(key.public.to_jwk())
    times = asyncio.run(_turns(route, guarded, [_token(key) for _ in range(ROUNDS + 1)], public))
    bare, repeated, first, decoded, judged = (middle(each) * 1e6 for each in times)
    yield Figure(NAME, "the route unprotected", bare, "µs")
    yield Figure(NAME, "the same behind Guard, token seen before", repeated, "µs")
    yield Figure(NAME, "the same behind Guard, token seen for the first time", first, "µs")
    yield Figure(NAME, "Guard adds, repeated", repeated - bare, "µs", at_most(15))
    yield Figure(NAME, "Guard adds, first", first - bare, "µs", at_most(200))
    yield Figure(NAME, "PyJWT decode alone, same key and token", decoded, "µs")
    yield Figure(NAME, "ours alone, first, same token", judged, "µs")
    yield Figure(NAME, "Guard first, as a multiple of PyJWT", (first - bare) / decoded, "x")
    yield Figure(NAME, "Guard repeated, as a multiple of PyJWT", (repeated - bare) / decoded, "x")


async def _turns(route: Any, guarded: Any, tokens: list[str], public: Any) -> tuple[list[float], ...]:
    bare: list[float] = []
    repeated: list[float] = []
    first: list[float] = []
    decoded: list[float] = []
    judged: list[float] = []
    again = tokens.pop()
    alone = Verifier(issuer=ISSUER, keys=guarded._authenticator._trust.keys, cache_size=0)  # noqa: SLF001
    await time_call(guarded, _bearer(again))
    for token in tokens:
        bare.append(await time_call(route, _bearer(token)))
        repeated.append(await time_call(guarded, _bearer(again)))
        first.append(await time_call(guarded, _bearer(token)))
        begun = time.perf_counter()
        pyjwt.decode(token, public, algorithms=["ES256"], audience=ISSUER, issuer=ISSUER)
        decoded.append(time.perf_counter() - begun)
        begun = time.perf_counter()
        alone.check(token)
        judged.append(time.perf_counter() - begun)
    return bare, repeated, first, decoded, judged


def _bearer(token: str) -> tuple[bytes, bytes]:
    return (b"authorization", b"Bearer " + token.encode())


def _token(key: SigningKey) -> str:
    now = system_clock()
    claims: dict[str, object] = {
        "iss": ISSUER,
        "aud": ISSUER,
        "sub": "acc_4x6ztwv3cnb7pplmeq5ia2dj7u",
        "client_id": "doorward",
        "iat": now,
        "exp": now + 600,
        "jti": secrets.token_hex(16),
        "sid": "ses_4x6ztwv3cnb7pplmeq5ia2dj7u",
        "auth_time": now,
        "amr": ["pwd"],
        "roles": ["member"],
    }
    return jwt.encode(claims, key, typ="at+jwt")
