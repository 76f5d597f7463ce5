"""What signing and verifying cost here, and in PyJWT with the same key and the same claims, for each algorithm.

Times are the best of five rounds. ``bare`` is the call into ``cryptography`` alone, so ``verify`` less ``bare`` is what
parsing and checking add.
"""

import timeit
from collections.abc import Callable, Iterator
from typing import Any, Final

import jwt as pyjwt
from cryptography.hazmat.primitives.serialization import load_der_private_key
from jwt.types import Options

from benchmarks.figures import Figure
from doorward.jose import jws, jwt
from doorward.jose.algorithms import Algorithm
from doorward.jose.keys import KeySet, SigningKey

NAME: Final = "jose"
ISSUER = "https://auth.example"
AUDIENCE = "https://api.example"
NOW = 1_800_000_000
CLAIMS: dict[str, object] = {
    "iss": ISSUER,
    "aud": AUDIENCE,
    "sub": "acc_4x6ztwv3cnb7pplmeq5ia2dj7u",
    "client_id": "first-party",
    "iat": NOW,
    "exp": NOW + 600,
    "jti": "AAAAAAAAAAAAAAAAAAAAAA",
    "sid": "ses_4x6ztwv3cnb7pplmeq5ia2dj7u",
    "auth_time": NOW,
    "amr": ["pwd"],
    "scope": "openid profile",
    "roles": ["member"],
}
ALGORITHMS: tuple[Algorithm, ...] = ("ES256", "EdDSA", "RS256")
OPTIONS: Final[Options] = {"verify_exp": False, "verify_iat": False}


def micros(act: Callable[[], object], rounds: int) -> float:
    """Time one act."""
    return min(timeit.repeat(act, number=rounds, repeat=5)) / rounds * 1e6


def measure() -> Iterator[Figure]:
    """Measure one algorithm after the other."""
    for algorithm in ALGORITHMS:
        yield from _measure(algorithm)


def _measure(algorithm: Algorithm) -> Iterator[Figure]:
    key = SigningKey.generate(algorithm)
    keys = KeySet([key.public])
    private: Any = load_der_private_key(key.to_pkcs8(), password=None)
    public = pyjwt.PyJWK.from_dict(key.public.to_jwk())
    headers = {"kid": key.kid, "typ": "at+jwt"}
    token = jwt.encode(CLAIMS, key, typ="at+jwt")
    parts = jws.split(token)

    def check() -> None:
        claims = jwt.decode(token, keys, typ="at+jwt").claims
        jwt.check_issuer(claims, ISSUER)
        jwt.check_audience(claims, AUDIENCE)
        jwt.check_times(claims, now=NOW, leeway=30, max_lifetime=3600)

    def pyjwt_check() -> None:
        pyjwt.decode(token, public, algorithms=[algorithm], audience=AUDIENCE, issuer=ISSUER, options=OPTIONS)

    rounds = 200 if algorithm == "RS256" else 2000
    signs = micros(lambda: jwt.encode(CLAIMS, key, typ="at+jwt"), rounds)
    pyjwt_signs = micros(lambda: pyjwt.encode(CLAIMS, private, algorithm=algorithm, headers=headers), rounds)
    bare = micros(lambda: key.public.verify(parts.signing_input, parts.signature), 2000)
    checks, pyjwt_checks = micros(check, 2000), micros(pyjwt_check, 2000)
    yield Figure(NAME, f"{algorithm}: sign", signs, "µs")
    yield Figure(NAME, f"{algorithm}: sign, as a multiple of PyJWT", signs / pyjwt_signs, "x")
    yield Figure(NAME, f"{algorithm}: the bare check of a signature", bare, "µs")
    yield Figure(NAME, f"{algorithm}: verify and check the claims", checks, "µs")
    yield Figure(NAME, f"{algorithm}: verify, as a multiple of PyJWT", checks / pyjwt_checks, "x")
