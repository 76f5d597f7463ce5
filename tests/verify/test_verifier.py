"""The verifier: one issuer, its keys, a cache, and the questions that are asked on every call."""

import threading
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from doorward.errors import InvalidToken, Misconfigured, UnknownKey
from doorward.jose.keys import KeySet, SigningKey
from doorward.verify import Verifier
from doorward.verify.cache import VerifiedTokens
from doorward.verify.model import digest
from tests.verify.parties import ISSUER, NOW, Clock, Issuer, RevocationSet, bearing, scope_of

PARTY = Issuer()


def counting(verifier: Verifier, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Note every token whose signature is really checked."""
    from doorward.verify import verifier as module

    examined: list[str] = []
    real = module.examine

    def examine(token: str, **options: Any) -> Any:
        examined.append(token)
        return real(token, **options)

    monkeypatch.setattr(module, "examine", examine)
    return examined


def test_keys_can_be_given_as_a_jwk_set() -> None:
    """Then no network is needed."""
    verifier = Verifier(issuer=ISSUER, keys=PARTY.keys.to_jwks(), clock=Clock())

    assert verifier.check(PARTY.token()).subject == "acc_one"


def test_the_audience_is_the_issuer_unless_said() -> None:
    """A service with its own name says so."""
    other = PARTY.token(aud="https://api.example")

    assert PARTY.verifier(audience="https://api.example").check(other).subject == "acc_one"
    with pytest.raises(InvalidToken):
        PARTY.verifier().check(other)
    with pytest.raises(InvalidToken):
        PARTY.verifier(audience="").check(other)


def test_the_real_clock_is_the_default() -> None:
    """Tokens of the past are over."""
    with pytest.raises(InvalidToken):
        Verifier(issuer=ISSUER, keys=PARTY.keys, leeway=0).check(PARTY.token(iat=1_000, exp=2_000, auth_time=1_000))


def test_a_repeated_token_is_not_verified_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """That is what the cache is for."""
    verifier = PARTY.verifier()
    examined = counting(verifier, monkeypatch)
    token = PARTY.token()

    answers = {verifier.check(token) for _ in range(5)}

    assert len(answers) == 1
    assert examined == [token]


@pytest.mark.parametrize("cache_size", [0, 1])
def test_a_cache_can_be_done_without(cache_size: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Then every call verifies."""
    verifier = PARTY.verifier(cache_size=cache_size)
    examined = counting(verifier, monkeypatch)

    verifier.check(PARTY.token())
    verifier.check(PARTY.token())

    assert len(examined) == 2


def test_a_refused_token_is_not_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody without good tokens pushes others out."""
    verifier = PARTY.verifier()
    bad = PARTY.token(aud="somebody")

    for _ in range(3):
        with pytest.raises(InvalidToken):
            verifier.check(bad)

    assert len(verifier._trust.verified) == 0


def test_a_cached_token_expires_at_the_same_second() -> None:
    """The time is asked on every call: leeway 30, expiry after 600 seconds."""
    clock = Clock()
    verifier = PARTY.verifier(clock=clock)
    token = PARTY.token()
    verifier.check(token)

    clock.now = NOW + 629
    verifier.check(token)
    clock.now = NOW + 630

    with pytest.raises(InvalidToken):
        verifier.check(token)


@given(
    iat=st.integers(-40, 40),
    lifetime=st.integers(1, 100),
    nbf=st.none() | st.integers(-40, 40),
    leeway=st.integers(0, 60),
    later=st.integers(-120, 240),
)
@settings(max_examples=60, deadline=None)
def test_the_cache_changes_no_answer(iat: int, lifetime: int, nbf: int | None, leeway: int, later: int) -> None:
    """Property: at every time, also after the clock was set back, cached and uncached answers are the same."""
    claims: dict[str, object] = {"iat": NOW + iat, "exp": NOW + iat + lifetime, "auth_time": NOW + iat}
    token = PARTY.token(**claims, **({} if nbf is None else {"nbf": NOW + nbf}))
    warm_clock, cold_clock = Clock(), Clock(NOW + later)
    warm, cold = PARTY.verifier(clock=warm_clock, leeway=leeway), PARTY.verifier(clock=cold_clock, leeway=leeway)
    for moment in range(NOW - 110, NOW + 110, 20):
        warm_clock.now = moment
        _answer(warm, token)

    warm_clock.now = NOW + later

    assert _answer(warm, token) == _answer(cold, token)


def _answer(verifier: Verifier, token: str) -> object:
    try:
        return verifier.check(token)
    except InvalidToken:
        return "refused"


@pytest.mark.parametrize(
    ("kind", "name"),
    [("session", "ses_one"), ("token", "token-one"), ("key", PARTY.key.kid)],
    ids=["session", "token", "key"],
)
@pytest.mark.parametrize("is_cached", [True, False])
def test_a_revoked_token_is_refused_at_once(kind: Any, name: str, is_cached: bool) -> None:
    """The revocations are asked on every call, cached or not."""
    revoked = RevocationSet()
    verifier = PARTY.verifier(revocations=revoked)
    token = PARTY.token()
    if is_cached:
        verifier.check(token)

    revoked.add(digest(kind, name), NOW + 600)

    for _ in range(2):
        with pytest.raises(InvalidToken):
            verifier.check(token)


def test_the_revocations_are_bounded_by_use() -> None:
    """Verifying new tokens makes the set forget, a few at a time, what needs no memory any more."""
    revoked = RevocationSet()
    for number in range(2_000):
        revoked.add(digest("token", str(number)), NOW - 1_000)
    verifier = PARTY.verifier(revocations=revoked)

    for number in range(8):
        verifier.check(PARTY.token(jti=f"new-{number}"))

    assert len(revoked) == 0


def test_replaced_keys_replace_the_trust() -> None:
    """What the old key had verified is forgotten; the new key is believed at once."""
    verifier = PARTY.verifier()
    old, successor = PARTY.token(), Issuer()
    verifier.check(old)

    verifier.replace_keys(successor.keys)

    with pytest.raises(UnknownKey):
        verifier.check(old)
    assert verifier.check(successor.token()).subject == "acc_one"


def test_a_late_thread_cannot_revive_an_old_key(monkeypatch: pytest.MonkeyPatch) -> None:
    """A verification that was under way while the keys were replaced is remembered by nobody."""
    from doorward.verify import verifier as module

    verifier = PARTY.verifier()
    real = module.examine

    def slow(token: str, **options: Any) -> Any:
        believed = real(token, **options)
        verifier.replace_keys(Issuer().keys)
        return believed

    monkeypatch.setattr(module, "examine", slow)
    verifier.check(PARTY.token())
    monkeypatch.undo()

    with pytest.raises(InvalidToken):
        verifier.check(PARTY.token())


async def test_a_request_is_authenticated_by_its_header() -> None:
    """``None`` without a bearer credential, the principal with a good one."""
    verifier = PARTY.verifier()

    assert await verifier.authenticate(scope_of(b"/")) is None
    assert await verifier.authenticate(scope_of(b"/", headers={"authorization": "Basic eDp5"})) is None
    found = await verifier.authenticate(scope_of(b"/", headers=bearing(PARTY.token())))
    assert found is not None
    assert found.subject == "acc_one"
    with pytest.raises(InvalidToken):
        await verifier.authenticate(scope_of(b"/", headers=bearing("a.b.c")))


async def test_an_unknown_key_is_final_without_a_place_to_fetch_from() -> None:
    """Given keys are all there is."""
    with pytest.raises(UnknownKey):
        await PARTY.verifier().check_async(Issuer().token())


@pytest.mark.parametrize("algorithm", ["ES256", "EdDSA", "RS256"])
def test_every_algorithm_of_the_server_is_verified(algorithm: Any) -> None:
    """Key and verifier agree for each."""
    party = Issuer(key=SigningKey.generate(algorithm))

    assert party.verifier().check(party.token()).subject == "acc_one"


@pytest.mark.parametrize(
    "options",
    [
        {"issuer": ""},
        {"leeway": -1},
        {"leeway": 61},
        {"max_lifetime": 0},
        {"keys": {"keys": [{"kty": "oct", "k": "AAAA", "kid": "a", "alg": "HS256"}]}},
        {"keys": {}},
        {"keys": {"keys": [SigningKey.generate("ES256").public.to_jwk() | {"d": "AAAA"}]}},
    ],
)
def test_a_verifier_that_cannot_be_trusted_is_refused(options: dict[str, Any]) -> None:
    """Misconfigured at the start, with the reason."""
    with pytest.raises(Misconfigured):
        Verifier(**({"issuer": ISSUER, "keys": PARTY.keys} | options))


def test_no_keys_believe_nobody() -> None:
    """An empty set is not "any key"."""
    with pytest.raises(InvalidToken):
        Verifier(issuer=ISSUER, keys=KeySet([]), clock=Clock()).check(PARTY.token())


def test_the_cache_is_bounded_and_keeps_what_is_used() -> None:
    """Two generations: what is asked for moves on, the rest is dropped."""
    cache = VerifiedTokens(10)
    believed: Any = object()
    cache.put("used", believed)

    for number in range(100):
        cache.put(str(number), believed)
        assert cache.get("used") is believed
        assert len(cache) <= 10

    assert cache.get("0") is None
    assert cache.get("99") is believed


def test_threads_share_a_verifier() -> None:
    """Each gets the caller of its own token, whatever the others do."""
    verifier = PARTY.verifier(cache_size=8)
    tokens = {f"acc_{number}": PARTY.token(sub=f"acc_{number}", jti=str(number)) for number in range(12)}
    wrong: list[str] = []

    def work() -> None:
        for _ in range(20):
            for subject, token in tokens.items():
                if verifier.check(token).subject != subject:
                    wrong.append(subject)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert wrong == []
