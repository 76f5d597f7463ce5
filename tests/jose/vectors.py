"""Reading the vector files, which are byte for byte those of Wycheproof and of the JOSE cookbook."""

import json
from functools import cache
from pathlib import Path
from typing import Any

from doorward.errors import InvalidToken
from doorward.jose import jws
from doorward.jose.keys import VerifyingKey

VECTORS = Path(__file__).parent.parent / "vectors"


@cache
def read(name: str) -> dict[str, Any]:
    """One file."""
    return json.loads((VECTORS / name).read_bytes())


def cases(name: str) -> list[tuple[dict[str, Any], dict[str, Any]]]:
    """Every case of a Wycheproof file with the group it stands in."""
    return [(group, case) for group in read(f"wycheproof/{name}")["testGroups"] for case in group["tests"]]


def load(jwk: dict[str, Any]) -> VerifyingKey | None:
    """Load a key as ours would be, whatever its id is; ``None`` where it is refused."""
    try:
        return VerifyingKey.from_jwk({**jwk, "kid": "vector"})
    except ValueError:
        return None


def believes(key: VerifyingKey, token: str) -> bool:
    """Do all that :func:`doorward.jose.jws.verify` does, but for its rules on ``kid``, ``typ`` and other members.

    The vectors have headers of many forms, so they run against this layer: the length, the alphabet, the dots, the
    base64url, the JSON of the header, the algorithm against the key, the signature.
    """
    try:
        compact = jws.split(token)
        jws.check_algorithm(jws.read_header(compact.header).get("alg"), key)
        key.verify(compact.signing_input, compact.signature)
    except InvalidToken:
        return False
    return True
