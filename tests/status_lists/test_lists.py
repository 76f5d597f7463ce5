"""Sessions get places, and the lists say what has become of them."""

import asyncio
import json
from typing import Any

import pytest

from doorward.db import statement
from doorward.errors import InvalidToken, NotFound, StorageUnavailable
from doorward.jose.spelling import base64url_decode
from doorward.settings import Settings
from doorward.status_lists import flows
from doorward.status_lists.model import LEASE, LIST_SIZE
from doorward.verify.status_list import StatusList, read_list
from tests.support.asking import asking
from tests.support.house import ORIGIN, PASSWORD, FakeClock, House, open_house
from tests.support.quick import QuickHasher
from tests.support.raw import OURS, call, cookie, post
from tests.support.waiting import until


def claims_of(token: str) -> dict[str, Any]:
    """Read claims without asking whether they are true."""
    return dict(json.loads(base64url_decode(token.split(".")[1])))


def place(token: str) -> tuple[int, str]:
    """Where a token's status stands."""
    reference = claims_of(token)["status"]["status_list"]
    return reference["idx"], reference["uri"]


async def listed(house: House, uri: str) -> StatusList:
    """Fetch a list and verify it."""
    answer = await house.client.get(uri.removeprefix(ORIGIN))
    assert answer.status_code == 200
    return read_list(answer.text, keys=house.auth.keys.published, uri=uri, now=house.clock.now, leeway=0)


async def is_valid(house: House, token: str) -> bool:
    """Ask the list that a token names."""
    house.clock.advance(1)  # a list is written once a second
    index, uri = place(token)
    try:
        (await listed(house, uri)).check(index)
    except InvalidToken:
        return False
    return True


async def test_by_default_tokens_name_no_list_and_there_is_none(house: House) -> None:
    """Off: no claim, no table row, no list."""
    house.auth.pool.hasher = QuickHasher(house.auth.settings.passwords)
    pair = await house.enter()

    assert "status" not in claims_of(pair["access_token"])
    assert (await house.client.get("/v1/status-lists/0")).status_code == 404
    assert await house.auth._database.fetch_all("SELECT * FROM status_entry") == []
    assert house.auth.status_lists.moving(pair["session_id"], now=0) == []


async def test_a_session_has_one_place_for_all_its_tokens(listing: House) -> None:
    """A refresh keeps it, another session has another."""
    pair = await listing.enter()
    following = (await listing.refresh(pair["refresh_token"])).json()
    other = await listing.log_in()

    assert place(pair["access_token"]) == place(following["access_token"])
    assert place(pair["access_token"]) != place(other["access_token"])
    assert place(pair["access_token"])[1] == f"{ORIGIN}/v1/status-lists/0"


async def test_a_cookie_session_has_a_place_too(listing: House) -> None:
    """Its exchanged tokens name it."""
    await listing.register()
    entered = await post(
        listing.auth, "/v1/login", {"login": "ada@example.test", "password": PASSWORD, "transport": "cookie"}
    )
    held = cookie(entered.values(b"set-cookie")[0].partition(b";")[0])
    exchanged = await call(listing.auth, "POST", "/v1/token/exchange", headers=[held, OURS])
    token = exchanged.json["access_token"]
    assert await is_valid(listing, token)

    await call(listing.auth, "POST", "/v1/logout", headers=[held, OURS])

    assert not await is_valid(listing, token)


async def test_a_list_is_a_signed_token_of_its_own_type(listing: House) -> None:
    """draft-ietf-oauth-status-list section 5.1, and headers for caches."""
    pair = await listing.enter()
    _, uri = place(pair["access_token"])

    answer = await listing.client.get(uri.removeprefix(ORIGIN))

    assert answer.headers["content-type"] == "application/statuslist+jwt"
    assert answer.headers["cache-control"] == "public, max-age=15"
    header = json.loads(base64url_decode(answer.text.split(".")[0]))
    assert header["typ"] == "statuslist+jwt"
    claims = claims_of(answer.text)
    assert claims["sub"] == uri
    assert claims["iat"] == listing.clock.now
    assert claims["exp"] == listing.clock.now + 300
    assert claims["ttl"] == 60
    assert claims["status_list"]["bits"] == 1


async def test_a_list_never_passes_as_an_access_token_nor_the_other_way_round(listing: House) -> None:
    """Cross-JWT confusion."""
    pair = await listing.enter()
    index, uri = place(pair["access_token"])
    answer = await listing.client.get(uri.removeprefix(ORIGIN))

    assert (await listing.me(answer.text)).status_code == 401
    with pytest.raises(InvalidToken):
        read_list(pair["access_token"], keys=listing.auth.keys.published, uri=uri, now=listing.clock.now, leeway=0)
    assert index < LIST_SIZE


async def test_ending_a_session_changes_its_place_and_no_other(listing: House) -> None:
    """However it ended."""
    pair, other = await listing.enter(), await listing.log_in()
    assert await is_valid(listing, pair["access_token"])

    await listing.client.post("/v1/logout", json={"refresh_token": pair["refresh_token"]})

    assert not await is_valid(listing, pair["access_token"])
    assert await is_valid(listing, other["access_token"])


async def test_a_disabled_account_has_no_valid_place(listing: House) -> None:
    """At once."""
    pair = await listing.enter()

    await listing.auth.accounts.disable(pair["account"]["id"])

    assert not await is_valid(listing, pair["access_token"])


async def test_the_place_of_a_deleted_account_stays_invalid(listing: House) -> None:
    """The rows of its sessions are gone; nothing that is gone reads as valid."""
    pair = await listing.enter()

    await listing.auth._database.write(statement("DELETE FROM account"))

    assert not await is_valid(listing, pair["access_token"])


async def test_revoking_one_access_token_moves_its_session_to_another_place(listing: House) -> None:
    """Lists know sessions only, so the old place is given up; the session goes on with the next refresh."""
    service = await asking(listing)
    pair = await listing.enter()

    await service.revoke(pair["access_token"])

    following = (await listing.refresh(pair["refresh_token"])).json()
    assert not await is_valid(listing, pair["access_token"])
    assert await is_valid(listing, following["access_token"])


async def test_a_cookie_session_that_was_moved_exchanges_for_its_new_place(listing: House) -> None:
    """Its process remembers the session; were the old place remembered with it, the next token would be born dead."""
    service = await asking(listing)
    await listing.register()
    entered = await post(
        listing.auth, "/v1/login", {"login": "ada@example.test", "password": PASSWORD, "transport": "cookie"}
    )
    held = cookie(entered.values(b"set-cookie")[0].partition(b";")[0])
    revoked = (await call(listing.auth, "POST", "/v1/token/exchange", headers=[held, OURS])).json["access_token"]

    await service.revoke(revoked)

    following = (await call(listing.auth, "POST", "/v1/token/exchange", headers=[held, OURS])).json["access_token"]
    assert not await is_valid(listing, revoked)
    assert await is_valid(listing, following)


async def test_many_revocations_at_once_are_all_done(listing: House) -> None:
    """Whoever comes second finds it done, and one place is the session's in the end."""
    service = await asking(listing)
    pair = await listing.enter()

    answers = await asyncio.gather(*(service.revoke(pair["access_token"]) for _ in range(20)))

    assert {answer.status_code for answer in answers} == {200}
    following = (await listing.refresh(pair["refresh_token"])).json()
    assert not await is_valid(listing, pair["access_token"])
    assert await is_valid(listing, following["access_token"])


async def test_a_list_is_signed_once_a_second(listing: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever asks and however often; and few of them are kept."""
    monkeypatch.setattr(flows, "_MOST_KEPT", 1)
    lists = listing.auth.status_lists
    await listing.enter()
    first = await lists.token(0)

    assert await asyncio.gather(*(lists.token(0) for _ in range(5))) == [first] * 5
    listing.clock.advance(1)
    assert await lists.token(0) != first


@pytest.mark.parametrize("number", ["1", "99", "00", "-1", "x", "٣", "9" * 30, "0x0", " 0"])
async def test_there_are_no_other_lists(listing: House, number: str) -> None:
    """404, and nothing is computed for a guess."""
    assert (await listing.client.get(f"/v1/status-lists/{number}")).status_code == 404


async def test_when_a_list_is_full_the_next_one_begins(listing: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """Places are never given twice."""
    lists = listing.auth.status_lists
    first = await listing.enter()
    await listing.auth._database.write(statement("UPDATE status_serial SET next = :next", next=LIST_SIZE))
    await lists._take()
    while lists._left > LEASE:
        lists.serial()

    later = await listing.log_in()

    assert place(later["access_token"])[1] == f"{ORIGIN}/v1/status-lists/1"
    assert await is_valid(listing, later["access_token"])
    assert await is_valid(listing, first["access_token"])


async def test_more_serials_are_taken_before_they_run_out(listing: House) -> None:
    """In the background."""
    lists = listing.auth.status_lists
    given = {lists.serial() for _ in range(LEASE // 2 + 1)}

    await until(lambda: lists._left > LEASE // 2 + 10)

    given |= {lists.serial() for _ in range(LEASE)}
    assert len(given) == LEASE // 2 + 1 + LEASE


async def test_without_a_serial_nobody_logs_in(listing: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """A token without its status must not get out; and a failing storage is tried again with the next log-in."""
    lists = listing.auth.status_lists

    async def gone() -> None:
        raise StorageUnavailable("gone")

    monkeypatch.setattr(lists, "_take", gone)
    await listing.register()
    while lists._left:
        lists.serial()
    answer = await listing.client.post("/v1/login", json={"login": "ada@example.test", "password": PASSWORD})
    assert answer.status_code == 503

    monkeypatch.undo()
    await until(lambda: lists._lease is None or lists._lease.done())
    await lists._top_up()
    assert (await listing.log_in())["access_token"]


async def test_two_processes_never_give_the_same_serial(listing_settings: Settings) -> None:
    """Each takes its own, and both spread them in the same way."""
    async with open_house(listing_settings) as one, open_house(listing_settings) as other:
        lists = one.auth.status_lists, other.auth.status_lists

        given = [each.serial() for each in lists for _ in range(100)]

        assert len(set(given)) == 200
        assert lists[0].claim(5) == lists[1].claim(5)


async def test_places_are_forgotten_when_no_token_can_name_them(listing: House) -> None:
    """And not before: that of a session that was extended waits for it."""
    pair = await listing.enter()
    gone, extended = pair["session_id"], (await listing.log_in())["session_id"]
    database, settings = listing.auth._database, listing.auth.settings.tokens

    async def places() -> int:
        return len(await database.fetch_all("SELECT serial FROM status_entry"))

    listing.clock.advance(settings.refresh_lifetime + 1)
    await database.write(statement("DELETE FROM session WHERE id = :id", id=gone))
    await database.write(statement("UPDATE session SET expires_at = expires_at * 2 WHERE id = :id", id=extended))
    await listing.auth.keep_house()
    assert await places() == 2
    assert not await is_valid(listing, pair["access_token"])

    listing.clock.advance(settings.access_lifetime + 61)
    await listing.auth.keep_house()

    assert await places() == 1
    assert (await database.fetch_all("SELECT session_id FROM status_entry"))[0]["session_id"] == extended


async def test_sessions_from_before_get_a_place_with_their_next_token(
    settings: Settings, listing_settings: Settings
) -> None:
    """By refresh and by cookie: switching the lists on logs nobody out; and racers get the same place."""
    async with open_house(settings) as before:
        before.auth.pool.hasher = QuickHasher(settings.passwords)
        pair = await before.enter()
        entered = await post(
            before.auth, "/v1/login", {"login": "ada@example.test", "password": PASSWORD, "transport": "cookie"}
        )
        held = cookie(entered.values(b"set-cookie")[0].partition(b";")[0])

    async with open_house(listing_settings) as house:
        answers = await asyncio.gather(*(house.refresh(pair["refresh_token"]) for _ in range(5)))
        exchanged = [await call(house.auth, "POST", "/v1/token/exchange", headers=[held, OURS]) for _ in range(2)]

        refreshed = {place(answer.json()["access_token"]) for answer in answers}
        assert len(refreshed) == 1
        assert len({place(answer.json["access_token"]) for answer in exchanged}) == 1
        assert await is_valid(house, answers[0].json()["access_token"])


async def test_a_list_that_was_never_begun_is_not_there(listing_settings: Settings) -> None:
    """In an instance whose lifespan has not started."""
    from doorward.app import Doorward

    auth = Doorward(listing_settings, clock=FakeClock())
    with pytest.raises(NotFound):
        await auth.status_lists.token(0)
    auth.pool.close()
