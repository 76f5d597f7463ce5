"""JSON serialisation where the compact one is meant (row 39; python-jwt CVE-2022-39227)."""

import json

import pytest

from tests.jose.forge import refused, token


def test_a_flattened_token_is_refused() -> None:
    """RFC 7515 §7.2.2."""
    head, payload, signature = token().split(".")

    assert refused(json.dumps({"protected": head, "payload": payload, "signature": signature})) == "alphabet"


def test_a_general_token_is_refused() -> None:
    """RFC 7515 §7.2.1."""
    head, payload, signature = token().split(".")
    forged = {"payload": payload, "signatures": [{"protected": head, "signature": signature}]}

    assert refused(json.dumps(forged)) == "alphabet"


@pytest.mark.parametrize("separator", ["", " ", "\n", ","])
def test_a_token_that_is_both_is_refused(separator: str) -> None:
    """The polyglot of the attack: JSON for one reader, three dotted parts for the other."""
    head, payload, signature = token().split(".")
    polyglot = f'{{"{head}.":{separator}"{payload}","protected":"{head}","payload":"e30","signature":"{signature}"}}'

    assert refused(polyglot) == "alphabet"
    assert refused(f"{head}.{{{separator}}}.{signature}") == "alphabet"
