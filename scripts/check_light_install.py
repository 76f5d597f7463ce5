"""Prove that ``pip install doorward`` alone verifies tokens: the wheel and ``cryptography`` in an empty environment.

Without arguments it makes the environment, with the pinned and hashed versions of ``requirements/runtime.txt``, and
runs itself in there; with ``inside`` it looks at what is installed, verifies a token and times the import. Standard
library only, until the wheel is installed. Part of ``make check-install``.
"""

import re
import subprocess
import sys
import time
from importlib import metadata
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "build" / "light"
NEEDED = ("cryptography", "cffi", "pycparser")
"""``cryptography`` and what it brings itself."""

AIM = 0.1
"""Seconds of CPU for ``import doorward.verify`` in a fresh interpreter; the best of a few is looked at."""


def requirements(text: str) -> str:
    """Take the blocks of the needed packages, hashes included, out of a requirements file."""
    blocks = re.findall(r"^([a-z0-9-]+)(==(?:.*\\\n)*.*\n)", text, flags=re.MULTILINE)
    return "".join(name + rest for name, rest in blocks if name in NEEDED)


def make() -> None:
    """Install the wheel without its extra, and look at it from inside."""
    wheels = sorted((ROOT / "dist").glob("*.whl"))
    if len(wheels) != 1:
        raise SystemExit("there is not exactly one wheel in dist/; run 'make build'")
    FOLDER.mkdir(parents=True, exist_ok=True)
    pinned = FOLDER / "requirements.txt"
    pinned.write_text(requirements((ROOT / "requirements" / "runtime.txt").read_text(encoding="utf-8")), "utf-8")
    venv = FOLDER / "venv"
    subprocess.run([sys.executable, "-m", "venv", "--clear", "--without-pip", str(venv)], check=True)
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet", "--python", str(venv), "install"]
    subprocess.run([*pip, "--require-hashes", "--requirement", str(pinned)], check=True)
    subprocess.run([*pip, "--no-index", "--find-links", str(ROOT / "dist"), str(wheels[0])], check=True)
    python = venv / "bin" / "python"
    subprocess.run([str(python), "-I", __file__, "inside"], cwd=FOLDER, check=True)
    seconds = min(_import(python) for _ in range(5))
    print(f"import doorward.verify takes {seconds:.3f} s of CPU there; the aim is {AIM} s")


def _import(python: Path) -> float:
    program = "import time; t = time.process_time(); import doorward.verify; print(time.process_time() - t)"
    return float(subprocess.run([str(python), "-I", "-c", program], capture_output=True, check=True).stdout)


def inside() -> None:
    """See that nothing else is there, and that a token is verified and a revoked one refused."""
    installed = {str(each.metadata["Name"]).lower() for each in metadata.distributions()}
    if installed - {"doorward", *NEEDED}:
        raise SystemExit(f"more than the verifier is installed: {sorted(installed)}")

    from doorward.jose import jwt
    from doorward.jose.keys import KeySet, SigningKey
    from doorward.verify import InvalidToken, RevocationSet, Verifier
    from doorward.verify.model import digest

    key, now, issuer = SigningKey.generate("ES256"), int(time.time()), "https://auth.example"
    claims = {
        "iss": issuer, "aud": issuer, "sub": "acc_one", "sid": "ses_one", "client_id": "one", "jti": "one",
        "iat": now, "exp": now + 60, "auth_time": now, "amr": ["pwd"],
    }  # fmt: skip
    revocations = RevocationSet()
    verifier = Verifier(issuer=issuer, keys=KeySet([key.public]).to_jwks(), revocations=revocations)
    token = jwt.encode(claims, key, typ="at+jwt")
    if verifier.check(token).subject != "acc_one":
        raise SystemExit("the token was not verified")
    revocations.add(digest("session", "ses_one"), now + 660)
    try:
        verifier.check(token)
    except InvalidToken:
        print(f"The wheel alone verifies and refuses; installed are {', '.join(sorted(installed))}.")
    else:
        raise SystemExit("a revoked token was believed")


if __name__ == "__main__":
    inside() if sys.argv[1:] == ["inside"] else make()
