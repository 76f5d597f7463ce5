"""Keys that a token brings along (rows 6 and 7).

CVE-2026-48522 and -102267 (PyJWKClient fetches), CVE-2026-27962 (Authlib reads ``jwk``).
"""

import socket

import pytest

from doorward.jose.keys import SigningKey
from tests.jose.forge import header, refused, token

ATTACKER = SigningKey.generate("ES256")


@pytest.mark.parametrize("member", ["jku", "x5u"])
@pytest.mark.parametrize(
    "address",
    [
        "https://attacker.example/jwks.json",
        "http://127.0.0.1:1/jwks.json",
        "http://169.254.169.254/latest/meta-data/",
        "file:///etc/passwd",
        "data:application/json,{}",
        "",
    ],
)
def test_an_address_of_keys_is_refused_and_never_opened(
    member: str, address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Row 6: the presence of the member is the refusal; no socket is made."""
    monkeypatch.setattr(socket, "socket", None)
    monkeypatch.setattr(socket, "getaddrinfo", None)

    assert refused(token(header(**{member: address}))) == "header members"


def test_an_embedded_key_is_refused() -> None:
    """Row 7: the attacker signs with a key of theirs and puts it beside the signature."""
    embedded = header(ATTACKER, jwk=ATTACKER.public.to_jwk())

    assert refused(token(embedded, key=ATTACKER)) == "header members"


def test_an_embedded_key_is_refused_without_a_kid_too() -> None:
    """Row 7: there is no way to fall back to the embedded key."""
    embedded = header(ATTACKER, kid=..., jwk=ATTACKER.public.to_jwk())

    assert refused(token(embedded, key=ATTACKER)) == "header members"


@pytest.mark.parametrize("member", ["jwk", "x5c", "x5t", "x5t#S256"])
@pytest.mark.parametrize("value", [None, "", "AAAA", ["AAAA"], {}])
def test_members_about_keys_are_refused_whatever_they_hold(member: str, value: object) -> None:
    """Row 7: also when empty, and although the signature is good."""
    assert refused(token(header(**{member: value}))) == "header members"


def test_a_key_of_nobody_is_refused() -> None:
    """Row 7: a good signature of an unknown key is nothing."""
    assert refused(token(header(ATTACKER), key=ATTACKER)) == "key"
