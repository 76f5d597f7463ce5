"""Two sides that do not know each other: ours against PyJWT and joserfc."""

import json
import warnings

import jwt as pyjwt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from joserfc import jwk as joserfc_jwk
from joserfc import jws as joserfc_jws

from doorward.errors import InvalidToken
from doorward.jose import jws, jwt
from doorward.jose.algorithms import Algorithm
from tests.jose.forge import ALGORITHMS, TYPE, claims, header, key_set, signing_key, token

modest = settings(max_examples=100, deadline=None, database=None)
KINDS = {"ES256": "EC", "EdDSA": "OKP", "RS256": "RSA"}


def pyjwt_verifies(text: str, algorithm: Algorithm) -> bytes:
    """The payload, as PyJWT reads it with the published key."""
    key = pyjwt.PyJWK.from_dict(signing_key(algorithm).public.to_jwk())
    return pyjwt.api_jws.decode(text, key, algorithms=[algorithm])


def joserfc_verifies(text: str, algorithm: Algorithm) -> bytes:
    """The payload, as joserfc reads it with the published key."""
    key = joserfc_jwk.import_key(signing_key(algorithm).public.to_jwk())
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it would rather have the name of RFC 9864 for EdDSA
        return joserfc_jws.deserialize_compact(text, key, algorithms=[algorithm]).payload


def pyjwt_signs(payload: bytes, algorithm: Algorithm, head: dict[str, object]) -> str:
    """A token by PyJWT."""
    return pyjwt.api_jws.encode(payload, signing_key(algorithm)._private, algorithm=algorithm, headers=head)


def joserfc_signs(payload: bytes, algorithm: Algorithm, head: dict[str, object]) -> str:
    """A token by joserfc."""
    key = joserfc_jwk.import_key(signing_key(algorithm).to_pkcs8(), KINDS[algorithm])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it would rather have the name of RFC 9864 for EdDSA
        return joserfc_jws.serialize_compact({"alg": algorithm, **head}, payload, key, algorithms=[algorithm])


@pytest.mark.parametrize("algorithm", ALGORITHMS)
@pytest.mark.parametrize("verifies", [pyjwt_verifies, joserfc_verifies])
def test_others_accept_what_we_sign(algorithm: Algorithm, verifies: object) -> None:
    """With our published JWK as the only thing between us."""
    signed = jwt.encode(claims(), signing_key(algorithm), typ=TYPE)

    assert json.loads(verifies(signed, algorithm)) == claims()  # type: ignore[operator]


@pytest.mark.parametrize("algorithm", ALGORITHMS)
@pytest.mark.parametrize("signs", [pyjwt_signs, joserfc_signs])
def test_we_accept_what_others_sign_in_our_form(algorithm: Algorithm, signs: object) -> None:
    """Their spelling of the header, our three members."""
    head = {"kid": signing_key(algorithm).kid, "typ": TYPE}

    signed = signs(json.dumps(claims()).encode(), algorithm, head)  # type: ignore[operator]

    assert jwt.decode(signed, key_set(), typ=TYPE).claims == claims()


@pytest.mark.parametrize("algorithm", ALGORITHMS)
@pytest.mark.parametrize("signs", [pyjwt_signs, joserfc_signs])
def test_we_refuse_what_others_sign_in_another_form(algorithm: Algorithm, signs: object) -> None:
    """Without an id, without our type, or with a member more."""
    kid = signing_key(algorithm).kid
    for head in ({"typ": TYPE}, {"kid": kid}, {"kid": kid, "typ": "JWT"}, {"kid": kid, "typ": TYPE, "cty": "x"}):
        signed = signs(b"{}", algorithm, head)  # type: ignore[operator]

        with pytest.raises(InvalidToken):
            jws.verify(signed, key_set(), typ=TYPE)


@modest
@given(st.binary(max_size=300), st.sampled_from(["ES256", "EdDSA"]))
def test_all_three_agree_on_any_payload(payload: bytes, algorithm: Algorithm) -> None:
    """Each signs, and the others read the same bytes."""
    head: dict[str, object] = {"kid": signing_key(algorithm).kid, "typ": TYPE}
    ours = jws.sign(payload, signing_key(algorithm), typ=TYPE)

    for theirs in (pyjwt_signs(payload, algorithm, head), joserfc_signs(payload, algorithm, head)):
        assert jws.verify(theirs, key_set(), typ=TYPE).payload == payload
    assert pyjwt_verifies(ours, algorithm) == joserfc_verifies(ours, algorithm) == payload


@modest
@given(st.data())
def test_whatever_we_accept_both_accept(data: st.DataObject) -> None:
    """Headers spelled in many ways, signed or changed afterwards: we are never the most lenient of the three."""
    members = list(header().items()) + data.draw(
        st.lists(st.sampled_from([("typ", TYPE), ("crit", ["exp"]), ("cty", "JWT"), ("alg", "none")]), max_size=1)
    )
    order = data.draw(st.permutations(members))
    separators = data.draw(st.sampled_from([(",", ":"), (", ", ": "), (",\n", " :\t")]))
    spelled = separators[0].join(json.dumps(name) + separators[1] + json.dumps(value) for name, value in order)
    signed = token(("{" + spelled + "}").encode())
    position = data.draw(st.integers(0, len(signed)))
    changed = signed[:position] + data.draw(st.sampled_from(["", "", "", "A", "=", ".", " "])) + signed[position:]

    try:
        payload = jws.verify(changed, key_set(), typ=TYPE).payload
    except InvalidToken:
        return

    assert pyjwt_verifies(changed, "ES256") == joserfc_verifies(changed, "ES256") == payload
