"""What signing and verifying cost here, and in PyJWT with the same key and the same claims.

Run it with `python benchmarks/jose_against_pyjwt.py`. Times are the best of five rounds, in microseconds; `ratio` is
ours divided by PyJWT's, which is what can be compared between machines. `bare` is the call into
`cryptography` alone, so `verify` − `bare` is what parsing and checking add.
"""

import timeit
from collections.abc import Callable

import jwt as pyjwt
from cryptography.hazmat.primitives.serialization import load_der_private_key

from doorward.jose import jws, jwt
from doorward.jose.algorithms import Algorithm
from doorward.jose.keys import KeySet, SigningKey

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
OPTIONS = {"verify_exp": False, "verify_iat": False}


def micros(act: Callable[[], object], rounds: int) -> float:
    """Time one act."""
    return min(timeit.repeat(act, number=rounds, repeat=5)) / rounds * 1e6


def measure(algorithm: Algorithm) -> str:
    """Measure one algorithm and return its line."""
    key = SigningKey.generate(algorithm)
    keys = KeySet([key.public])
    private = load_der_private_key(key.to_pkcs8(), password=None)
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
    return (
        f"{algorithm:6} {signs:8.1f} {pyjwt_signs:8.1f} {signs / pyjwt_signs:6.2f} {bare:8.1f}"
        f" {checks:8.1f} {pyjwt_checks:8.1f} {checks / pyjwt_checks:6.2f}"
    )


def main() -> None:
    """Print one line an algorithm."""
    print(f"{'':6} {'sign':>8} {'PyJWT':>8} {'ratio':>6} {'bare':>8} {'verify':>8} {'PyJWT':>8} {'ratio':>6}")
    for algorithm in ALGORITHMS:
        print(measure(algorithm))


if __name__ == "__main__":
    main()
