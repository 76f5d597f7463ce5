"""Log-out that does not log out: the token lives on until it expires, or in the cache of what was verified."""

import pytest
from msgspec.structs import replace

from doorward.app import Doorward
from doorward.errors import InvalidToken
from doorward.revocation.flows import LEEWAY, MEMORY_SLACK
from doorward.verify.verifier import Verifier
from tests.support.house import House, bearer, clients
from tests.support.waiting import until

pytestmark = pytest.mark.usefixtures("quick")


async def test_a_token_that_was_used_a_moment_ago_is_refused_after_the_log_out(house: House) -> None:
    """It is in the cache of verified tokens, and the revocation is asked all the same."""
    pair = await house.enter()
    for _ in range(3):
        assert (await house.me(pair["access_token"])).status_code == 200

    await house.client.post("/v1/logout", json={}, headers=bearer(pair["access_token"]))

    assert (await house.me(pair["access_token"])).status_code == 401
    assert (await house.me(pair["access_token"])).status_code == 401


async def test_every_access_token_of_the_session_dies_with_it(house: House) -> None:
    """Also those of earlier generations that have not expired, and those made of a replayed refresh."""
    pair = await house.enter()
    tokens = [pair["access_token"]]
    for _ in range(3):
        pair = (await house.refresh(pair["refresh_token"])).json()
        tokens.append(pair["access_token"])

    await house.client.post("/v1/logout", json={"refresh_token": pair["refresh_token"]})

    assert [(await house.me(token)).status_code for token in tokens] == [401] * 4


async def test_a_new_process_knows_what_was_revoked_before_it_started(house: House) -> None:
    """Starting a worker, or starting again, revives nothing."""
    pair = await house.enter()
    await house.client.post("/v1/logout", json={}, headers=bearer(pair["access_token"]))
    other = Doorward(house.auth.settings, clock=house.clock)

    async with other.lifespan(), clients(other) as (client, _):
        answer = await client.get("/v1/me", headers=bearer(pair["access_token"]))

    assert answer.status_code == 401


@pytest.mark.parametrize("before_the_end", [600, 61, 1])
async def test_a_revocation_is_remembered_as_long_as_the_token_could_be_used(house: House, before_the_end: int) -> None:
    """TOB-PYPI26-1: until the token is over for the most lenient verifier, no clean-up and no restart forgets it."""
    pair = await house.enter()
    await house.client.post("/v1/logout", json={}, headers=bearer(pair["access_token"]))
    house.clock.advance(house.auth.settings.tokens.access_lifetime + 60 - before_the_end)
    await house.auth.keep_house()
    other = Doorward(house.auth.settings, clock=house.clock)

    async with other.lifespan():
        lenient = Verifier(
            issuer=house.auth.settings.issuer,
            keys=other.keys.published,
            revocations=other.revocations.live,
            clock=house.clock,
            leeway=60,
        )
        with pytest.raises(InvalidToken) as refused:
            lenient.check(pair["access_token"])

    assert refused.value.why == "revoked"


async def test_a_lower_life_of_tokens_forgets_no_log_out_of_a_longer_one(house: House) -> None:
    """The token from before the change is refused to its end; the memory is short again when all of them are over."""
    pair = await house.enter()
    before = house.auth.settings
    settings = replace(before, tokens=replace(before.tokens, access_lifetime=60))
    after = Doorward(settings, clock=house.clock)

    async with after.lifespan(), clients(after) as (client, _):
        await client.post("/v1/logout", json={"refresh_token": pair["refresh_token"]})
        house.clock.advance(before.tokens.access_lifetime + 29)
        await after.keep_house()
        restarted = Doorward(settings, clock=house.clock)
        async with restarted.lifespan():
            keys, revocations = restarted.keys.published, restarted.revocations.live
            behind = Verifier(issuer=settings.issuer, keys=keys, revocations=revocations, clock=house.clock, leeway=30)
            with pytest.raises(InvalidToken) as refused:
                behind.check(pair["access_token"])

        house.clock.advance(MEMORY_SLACK + 120)
        await after.keep_house()
        revoked = after.revocations.of(b"sixteen bytes at", now=house.clock())
        _, rows = await after._database.write(after.revocations.clean_up(now=house.clock())[0], revoked)

    assert refused.value.why == "revoked"
    assert [row["forget_at"] - house.clock() for row in rows] == [60 + LEEWAY]


async def test_withdrawn_keys_take_everything_with_them_and_nothing_comes_back(house: House) -> None:
    """``keys rotate --revoke``: tokens signed before are dead at once; sessions go on with new ones."""
    pair = await house.enter()
    other = Doorward(house.auth.settings, clock=house.clock)

    async with other.lifespan(), clients(other) as (client, _):
        assert (await client.get("/v1/me", headers=bearer(pair["access_token"]))).status_code == 200
        await house.auth.keys.rotate(revoke=True)

        async def is_refused() -> bool:
            return (await client.get("/v1/me", headers=bearer(pair["access_token"]))).status_code == 401

        assert (await house.me(pair["access_token"])).status_code == 401
        await until(is_refused)
        renewed = (await client.post("/v1/token/refresh", json={"refresh_token": pair["refresh_token"]})).json()
        assert (await house.me(renewed["access_token"])).status_code == 200


async def test_an_ordinary_rotation_ends_nobodys_session(house: House) -> None:
    """The former key is believed until its last token has expired, and not a second longer than that needs."""
    pair = await house.enter()
    await house.auth.keys.rotate(revoke=False)

    during = await house.me(pair["access_token"])
    house.clock.advance(house.auth.settings.tokens.access_lifetime + 61)
    await house.auth.keep_house()

    assert during.status_code == 200
    states = [record.state.value for record in await house.auth.keys.records()]
    assert sorted(states) == ["active", "retired", "staged"]
