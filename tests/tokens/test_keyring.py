"""Signing keys in the database, and what happens when they or the secrets change."""

import base64
import json
import secrets

import pytest
from msgspec.structs import replace

from doorward.app import Doorward
from doorward.core.clock import system_entropy
from doorward.core.secret import Secret, SecretRing
from doorward.errors import Misconfigured, StorageUnavailable, TooManyAttempts
from doorward.settings import DAY, Settings
from doorward.tokens import keyring, store
from doorward.tokens.model import KeyState
from doorward.tokens.sealing import is_sealed_with_newest, seal_key, unseal_key
from tests.support.house import PASSWORD, FakeClock, House, open_house

OLD, NEW = Secret(secrets.token_urlsafe(32)), Secret(secrets.token_urlsafe(32))


async def states(house: House) -> list[KeyState]:
    """List the states of the keys, the oldest first."""
    return [record.state for record in await house.auth.keys.records()]


def test_a_sealed_key_opens_with_its_secret_and_id_only() -> None:
    """Another row's id, a flipped bit, a short text and a secret that is gone open nothing."""
    ring = SecretRing((OLD,))
    sealed = seal_key(ring, "kid", b"private", entropy=system_entropy)

    assert unseal_key(ring, "kid", sealed) == b"private"
    assert unseal_key(ring, "other", sealed) is None
    assert unseal_key(ring, "kid", sealed[:-1] + bytes([sealed[-1] ^ 1])) is None
    assert unseal_key(ring, "kid", sealed[:10]) is None
    assert unseal_key(SecretRing((NEW,)), "kid", sealed) is None
    assert is_sealed_with_newest(ring, sealed)


async def test_the_first_start_publishes_the_next_key_too(house: House) -> None:
    """Verifiers know a key before it signs."""
    answer = await house.client.get("/.well-known/jwks.json")

    assert [key["alg"] for key in answer.json()["keys"]] == ["ES256", "ES256"]
    assert sorted(await states(house)) == ["active", "staged"]
    assert answer.headers["cache-control"] == "public, max-age=300"


async def test_the_key_set_is_not_sent_twice(house: House) -> None:
    """An entity tag that still holds is answered with 304."""
    first = await house.client.get("/.well-known/jwks.json")
    again = await house.client.get("/.well-known/jwks.json", headers={"If-None-Match": first.headers["etag"]})

    assert again.status_code == 304
    assert again.content == b""


async def test_after_a_rotation_older_tokens_are_believed_until_they_expire(house: House) -> None:
    """The former key verifies until its last token has expired, then it retires and its private half is erased."""
    before = await house.enter()

    kid = await house.auth.keys.rotate(revoke=False)
    published = [key["kid"] for key in (await house.client.get("/.well-known/jwks.json")).json()["keys"]]

    assert kid in published
    assert len(published) == 3
    assert (await house.me(before["access_token"])).status_code == 200
    house.clock.advance(600 + 61)
    await house.auth.keep_house()
    assert sorted(await states(house)) == ["active", "retired", "staged"]
    assert [record.sealed for record in await house.auth.keys.records() if record.state is KeyState.RETIRED] == [b""]


async def test_a_revoking_rotation_ends_everything_signed_before_at_once(house: House) -> None:
    """Access tokens die; refresh tokens, which no signing key made, give new ones."""
    before = await house.enter()

    await house.auth.keys.rotate(revoke=True)

    assert (await house.me(before["access_token"])).status_code == 401
    after = (await house.refresh(before["refresh_token"])).json()
    assert (await house.me(after["access_token"])).status_code == 200


async def test_keys_rotate_by_age_without_anybody_doing_anything(house: House) -> None:
    """Housekeeping promotes the staged key when its time has come."""
    first = house.auth.keys.active.kid

    house.clock.advance(90 * DAY)
    await house.auth.keep_house()

    assert house.auth.keys.active.kid != first


async def test_a_key_moves_under_a_newer_secret_and_survives_the_end_of_the_older(settings: Settings) -> None:
    """First the new secret is added, later the old one is dropped: nobody is logged out of a bearer token."""
    async with open_house(replace(settings, secret=(OLD,))) as house:
        token = (await house.enter())["access_token"]
    async with open_house(replace(settings, secret=(OLD, NEW))) as house:
        assert (await house.me(token)).status_code == 200
    async with open_house(replace(settings, secret=(NEW,))) as house:
        assert (await house.me(token)).status_code == 200


async def test_a_secret_that_is_replaced_ends_everything(engine: str, settings: Settings) -> None:
    """Log-out of everybody by changing the secret: access tokens, refresh tokens and cookies.

    On PostgreSQL, where another node may be using the keys, the operator has to say that the old secret is gone.
    """
    async with open_house(replace(settings, secret=(OLD,))) as house:
        pair = await house.enter()
    changed = replace(settings, secret=(NEW,))
    if engine == "postgresql":
        with pytest.raises(Misconfigured, match="keys rotate --revoke"):
            await Doorward(changed).lifespan().__aenter__()
        await _revoke(changed)
    async with open_house(changed) as house:
        assert (await house.me(pair["access_token"])).status_code == 401
        assert (await house.refresh(pair["refresh_token"])).status_code == 401
        assert sorted(set(await states(house))) == ["active", "retired", "staged"]
        assert (await house.me((await house.log_in())["access_token"])).status_code == 200


async def _revoke(settings: Settings) -> None:
    """Do what the command does: rotate without a start."""
    auth = Doorward(settings)
    await auth._database.open()
    await auth.keys.rotate(revoke=True)
    await auth._database.close()


@pytest.mark.parametrize("algorithm", ["ES256", "EdDSA", "RS256"])
async def test_every_algorithm_signs(settings: Settings, algorithm: str) -> None:
    """The setting decides, and the published key says so."""
    tokens = replace(settings.tokens, algorithm=algorithm)
    async with open_house(replace(settings, tokens=tokens)) as house:
        pair = await house.enter()

        header = json.loads(_decode(pair["access_token"].split(".")[0]))
        assert header == {"alg": algorithm, "kid": house.auth.keys.active.kid, "typ": "at+jwt"}
        assert (await house.me(pair["access_token"])).status_code == 200


async def test_the_loser_of_a_race_reads_what_the_winner_wrote(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """A plan that another process has carried out already is made again."""
    clock: FakeClock = house.clock
    clock.advance(90 * DAY)
    real, tries = store.demote_key, []

    def late(kid: str, *, verify_until: int) -> object:
        tries.append(kid)
        return real("nobody" if len(tries) == 1 else kid, verify_until=verify_until)

    monkeypatch.setattr(store, "demote_key", late)

    await house.auth.keys.load()

    assert len(tries) == 2
    assert sorted(await states(house)) == ["active", "staged", "verify-only"]


async def test_keys_that_never_come_to_rest_refuse_the_start(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """Rather than signing with something that another process has withdrawn."""
    house.clock.advance(90 * DAY)
    monkeypatch.setattr(store, "demote_key", lambda kid, *, verify_until: store.retire_key("nobody"))

    with pytest.raises(StorageUnavailable):
        await house.auth.keys.load()


async def test_giving_up_a_key_twice_is_no_error(house: House) -> None:
    """Two processes that start with the new secret see the unreadable key at the same moment."""
    kid = (await house.auth.keys.records())[0].kid

    await house.auth.keys._give_up([kid])
    await house.auth.keys._give_up([kid])

    assert (await states(house)).count(KeyState.RETIRED) == 1


async def test_before_the_keys_are_read_nothing_is_signed(settings: Settings) -> None:
    """A request that comes too early is told to come back."""
    with pytest.raises(StorageUnavailable):
        _ = Doorward(settings).keys.active


def _decode(segment: str) -> bytes:
    return base64.urlsafe_b64decode(segment + "=" * (-len(segment) % 4))


async def test_a_running_node_keeps_a_key_that_another_has_sealed_with_a_newer_secret(settings: Settings) -> None:
    """A secret is exchanged node by node; whoever is late neither retires keys nor stops signing."""
    async with open_house(replace(settings, secret=(OLD,))) as late:
        token = (await late.enter())["access_token"]
        async with open_house(replace(settings, secret=(OLD, NEW))):
            await late.auth.keep_house()
            await late.auth.keys.follow()

            assert (await late.me(token)).status_code == 200
            assert (await late.me((await late.log_in())["access_token"])).status_code == 200
            assert sorted(await states(late)) == ["active", "staged"]


async def test_a_running_node_that_cannot_open_a_new_key_believes_the_old_ones_no_longer_than_others(
    settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    """It retires nothing, signs nothing, drops what was revoked, and says what is wrong where one looks."""
    async with (
        open_house(replace(settings, secret=(OLD,))) as late,
        open_house(replace(settings, secret=(OLD, NEW))) as ahead,
    ):
        token = (await late.enter())["access_token"]
        kid = await ahead.auth.keys.rotate(revoke=True)

        await late.auth.keys.follow()
        await late.auth.keys.follow()
        with pytest.raises(StorageUnavailable):
            await late.auth.keep_house()

        assert ahead.auth.keys.active.kid == kid
        assert len(late.auth.keys.published) == 0
        assert (await late.me(token)).status_code == 401
        login = await late.client.post("/v1/login", json={"login": "ada@example.test", "password": PASSWORD})
        assert login.json()["code"] == "storage_unavailable"
        assert (await late.client.get("/health/ready")).json() == {"status": "failing", "failing": ["keys"]}
        assert "not set here; it is not believed" in caplog.text


async def test_keys_do_not_pile_up(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """A set that verifiers would refuse is not made; revoking is always possible."""
    monkeypatch.setattr(keyring, "MOST_KEYS", 3)
    await house.auth.keys.rotate(revoke=False)

    with pytest.raises(TooManyAttempts):
        await house.auth.keys.rotate(revoke=False)

    await house.auth.keys.rotate(revoke=True)
