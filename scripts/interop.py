"""Do other languages believe what we sign, and nothing else? ``make interop``.

For each algorithm a real ``doorward serve`` is started, and a small program for each language of ``interop/`` fetches
its metadata and its keys and is asked about the same tokens: those that the server gave out, and those that somebody
has tampered with. Versions are pinned in ``interop/``; what is built goes to ``build/interop``. A language whose tools
are not on the machine is named with what brings them; with ``CI=true`` that is a failure.
"""

import asyncio
import hashlib
import hmac
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_der_private_key

from doorward.cli.instance import opened
from doorward.jose import jwt
from doorward.jose.keys import SigningKey
from doorward.jose.spelling import base64url_decode, base64url_encode, write_json
from doorward.settings import Settings
from tests.support.served import Served, serving

ROOT = Path(__file__).resolve().parent.parent
BUILD = ROOT / "build" / "interop"
ALGORITHMS = ("ES256", "EdDSA", "RS256")
PASSWORD = "correct horse battery staple"
P256_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
ED25519_ORDER = 2**252 + 27742317777372353535851937790883648493
EXTERNAL_LIMIT = 600
"""Seconds for installing or building, which may fetch packages."""
ANSWER_LIMIT = 60
"""Seconds for all answers of one program."""


@dataclass(frozen=True)
class Language:
    """One consumer of our tokens."""

    name: str
    tools: tuple[str, ...]
    packages: str
    prepare: Callable[[], None]
    command: tuple[str, ...]

    @property
    def missing(self) -> list[str]:
        """Which of its tools are not on the machine."""
        return [tool for tool in self.tools if shutil.which(tool) is None]


@dataclass(frozen=True)
class Case:
    """A token, and whether it is to be believed."""

    name: str
    token: str
    is_good: bool = False


# --- the languages --------------------------------------------------------------------------------------------------


def build(folder: str, *command: str) -> None:
    """Run a build in a copy of a folder, so that nothing is left beside the sources."""
    target = BUILD / folder
    shutil.copytree(ROOT / "interop" / folder, target, dirs_exist_ok=True)
    done = subprocess.run(command, cwd=target, capture_output=True, text=True, timeout=EXTERNAL_LIMIT, check=False)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)} failed:\n{done.stdout[-2000:]}{done.stderr[-2000:]}")


LANGUAGES = (
    Language(
        "JavaScript, jose",
        ("node", "npm"),
        "nodejs npm",
        lambda: build("node", "npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"),
        ("node", str(BUILD / "node" / "verify.mjs")),
    ),
    Language(
        "Go, golang-jwt with keyfunc",
        ("go",),
        "golang-go",
        lambda: build("go", "sh", "build.sh"),
        (str(BUILD / "go" / "verify"),),
    ),
    Language(
        "Java, Nimbus JOSE+JWT",
        ("java", "javac", "mvn"),
        "default-jdk-headless maven",
        lambda: build(
            "java", "mvn", "--quiet", "--batch-mode", "compile", "dependency:copy-dependencies",
            "-DoutputDirectory=target/lib",
        ),
        ("java", "-cp", f"{BUILD / 'java' / 'target' / 'classes'}:{BUILD / 'java' / 'target' / 'lib'}/*", "Verify"),
    ),
)  # fmt: skip


# --- the tokens -----------------------------------------------------------------------------------------------------


def cases_of(served: Served) -> list[Case]:
    """Make every token that is asked about."""
    served.run("account", "create", "ada@example.test", typed=PASSWORD)
    with served.client() as client:
        login = {"login": "ada@example.test", "password": PASSWORD}
        given = client.post("/v1/login", json=login).raise_for_status().json()
        refreshed = client.post("/v1/token/refresh", json={"refresh_token": given["refresh_token"]}).json()
        status_list = client.get("/v1/status-lists/0").raise_for_status().text
    key = asyncio.run(signing_key(served))
    token = given["access_token"]
    return [
        Case("the access token of a log-in", token, is_good=True),
        Case("the access token of a refresh", refreshed["access_token"], is_good=True),
        *tampered(token),
        *confused(token, key),
        *twisted(token, key.algorithm),
        *signed_otherwise(token, key),
        Case("a status list as access token", status_list),
        Case("a refresh token as access token", given["refresh_token"]),
        Case("nothing", ""),
    ]


async def signing_key(served: Served) -> SigningKey:
    """Take the very key that the server signs with, for tokens that it would never sign."""
    folder = served.folder
    settings = Settings.load(environ=served.environment, env_file=folder / ".env", data_dir=folder / "data")
    async with opened(settings) as auth:
        await auth.keys.load()
        return auth.keys.active


def tampered(token: str) -> Iterator[Case]:
    """Change a token without a key."""
    header, payload, signature = token.split(".")
    said, claims = json.loads(base64url_decode(header)), json.loads(base64url_decode(payload))
    for spelling in ("none", "None", "NONE"):
        unsigned = base64url_encode(write_json({**said, "alg": spelling}))
        yield Case(f"alg {spelling}, no signature", f"{unsigned}.{payload}.")
        yield Case(f"alg {spelling}, the old signature", f"{unsigned}.{payload}.{signature}")
    promoted = base64url_encode(write_json({**claims, "roles": ["admin"]}))
    yield Case("a changed payload", f"{header}.{promoted}.{signature}")
    yield Case("a changed header", f"{base64url_encode(write_json({**said, 'x': 1}))}.{payload}.{signature}")
    yield Case("no signature", f"{header}.{payload}.")
    yield Case("a zero signature", f"{header}.{payload}.{base64url_encode(bytes(len(base64url_decode(signature))))}")
    yield Case("a cut signature", f"{header}.{payload}.{signature[:-4]}")


def confused(token: str, key: SigningKey) -> Iterator[Case]:
    """Sign with HS256, and with what everybody knows as the secret."""
    header, payload, _ = token.split(".")
    said = base64url_encode(write_json({**json.loads(base64url_decode(header)), "alg": "HS256"}))
    public = load_der_private_key(key.to_pkcs8(), password=None).public_key()
    known = {
        "nothing": b"",
        "the key id": key.kid.encode(),
        "the JWK": write_json(key.public.to_jwk()),
        "the PEM": public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo),
        "the DER": public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo),
    }
    for name, secret in known.items():
        mac = hmac.digest(secret, f"{said}.{payload}".encode(), hashlib.sha256)
        yield Case(f"HS256 with {name} as secret", f"{said}.{payload}.{base64url_encode(mac)}")


def twisted(token: str, algorithm: str) -> Iterator[Case]:
    """Write the signature in a second way that is mathematically the same.

    ECDSA has one such twin, which every library believes: that is why a revocation of ours goes by ``jti`` and ``sid``
    and never by the text of a token. Ed25519 has none that a reader may believe (RFC 8032 section 5.1.7).
    """
    head, _, signature = token.rpartition(".")
    raw = base64url_decode(signature)
    if algorithm == "ES256":
        twin = raw[:32] + (P256_ORDER - int.from_bytes(raw[32:], "big")).to_bytes(32, "big")
        yield Case("the twin of the signature (r, n-s)", f"{head}.{base64url_encode(twin)}", is_good=True)
    if algorithm == "EdDSA":
        larger = (int.from_bytes(raw[32:], "little") + ED25519_ORDER).to_bytes(32, "little")
        yield Case("the signature with S + L", f"{head}.{base64url_encode(raw[:32] + larger)}")


def signed_otherwise(token: str, key: SigningKey) -> Iterator[Case]:
    """Sign with the server's own key what the server would not, and with other keys what it would."""
    claims = json.loads(base64url_decode(token.split(".")[1]))
    now = int(time.time())

    def signed(name: str, typ: str = "at+jwt", by: SigningKey = key, **changes: object) -> Case:
        body = {member: value for member, value in {**claims, **changes}.items() if value is not None}
        return Case(name, jwt.encode(body, by, typ=typ))

    yield Case("the same claims, signed again", jwt.encode(claims, key, typ="at+jwt"), is_good=True)
    yield signed("expired", iat=now - 7200, exp=now - 3600)
    yield signed("without an end", exp=None)
    yield signed("not valid yet", nbf=now + 3600)
    yield signed("for another audience", aud="https://other.example")
    yield signed("for no audience", aud=None)
    yield signed("for an audience that begins like ours", aud=f"{claims['aud']}.evil.example")
    yield signed("of another issuer", iss="https://other.example")
    yield signed("of an issuer with a slash too many", iss=f"{claims['iss']}/")
    yield signed("a status list with our claims", typ="statuslist+jwt")
    yield signed("a revocation feed with our claims", typ="revocations+jwt")
    yield signed("an ID token with our claims", typ="jwt")
    yield signed("signed by a stranger", by=SigningKey.generate(key.algorithm))
    stranger = SigningKey.generate(key.algorithm)
    forged = jwt.encode(claims, stranger, typ="at+jwt").split(".")
    said = base64url_encode(write_json({"alg": key.algorithm, "kid": key.kid, "typ": "at+jwt"}))
    resigned = base64url_encode(stranger.sign(f"{said}.{forged[1]}".encode()))
    yield Case("signed by a stranger under our key id", f"{said}.{forged[1]}.{resigned}")


# --- asking ---------------------------------------------------------------------------------------------------------


def ask(language: Language, served: Served, cases: list[Case]) -> dict[str, str]:
    """Ask a program about every token; return its words by case."""
    asked = {
        "issuer": served.origin,
        "audience": served.origin,
        "authority": str(served.authority),
        "cases": [{"name": case.name, "token": case.token} for case in cases],
    }
    environment = {**os.environ, "NODE_EXTRA_CA_CERTS": str(served.authority)}
    done = subprocess.run(
        language.command,
        input=json.dumps(asked),
        env=environment,
        capture_output=True,
        text=True,
        timeout=ANSWER_LIMIT,
        check=False,
    )
    if done.returncode:
        print(done.stdout[-1000:], done.stderr[-2000:])
    lines = (line.partition(" ") for line in done.stdout.splitlines())
    return {name: word for word, _, name in lines}


def run(languages: list[Language]) -> tuple[int, int]:
    """Ask every language about every algorithm; return how many answers were right, and how many were not."""
    passed = failed = 0
    for algorithm in ALGORITHMS:
        with (
            tempfile.TemporaryDirectory() as folder,
            serving(
                Path(folder), DOORWARD_TOKENS__ALGORITHM=algorithm, DOORWARD_STATUS_LISTS__ENABLED="true"
            ) as served,
        ):
            cases = cases_of(served)
            for language in languages:
                words = ask(language, served, cases)
                wrong = [case for case in cases if words.get(case.name) != ("accepted" if case.is_good else "refused")]
                for case in wrong:
                    print(f"FAILED {language.name}, {algorithm}: {case.name}: {words.get(case.name, 'no answer')}")
                good = sum(case.is_good for case in cases)
                print(
                    f"{'FAILED' if wrong else 'ok    '} {algorithm:5}  {language.name}: "
                    f"{good} tokens of ours, {len(cases) - good} others",
                    flush=True,
                )
                passed, failed = passed + len(cases) - len(wrong), failed + len(wrong)
    return passed, failed


def main() -> int:
    """Prepare what can be prepared, ask, and print the closing line."""
    failed, ready = 0, []
    for language in LANGUAGES:
        if language.missing:
            print(f"{language.name}: no {', '.join(language.missing)} here: sudo apt-get install {language.packages}")
            failed += os.environ.get("CI", "").lower() in {"1", "true"}
            continue
        try:
            language.prepare()
        except (RuntimeError, subprocess.TimeoutExpired) as error:
            print(f"FAILED {language.name}: {error}")
            failed += 1
        else:
            ready.append(language)
    passed, wrong = run(ready) if ready else (0, 0)
    print(f"interop: {passed} passed, {failed + wrong} failed")
    return 1 if failed + wrong else 0


if __name__ == "__main__":
    sys.exit(main())
