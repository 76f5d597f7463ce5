"""Somebody guesses passwords: in parallel, by the core, by many addresses, with forged headers, on and on."""

import asyncio
from collections import Counter

import pytest
from msgspec.structs import replace

from doorward.challenges.model import solve
from doorward.core.source import Source
from doorward.errors import InvalidCredentials, TooManyAttempts
from doorward.hooks import PasswordSuspended, SignInRefused
from doorward.settings import Challenges, Limits, Settings
from tests.support.house import ORIGIN, PASSWORD, House, bearer, open_house
from tests.support.quick import QuickHasher
from tests.support.raw import JSON, call

LOGIN = "ada@example.test"
EASY = Challenges(difficulty=4)


async def guess(house: House, *, address: str = "198.51.100.9", proof: str = "", password: str = "wrong") -> str:
    """Guess once, in process; return the code."""
    source = Source.of(address, "", "", proof=proof)
    try:
        await house.auth.passwords.log_in(login=LOGIN, password=password, source=source)
    except (InvalidCredentials, TooManyAttempts) as refused:
        return refused.code
    return "in"


async def answered(house: House, *, address: str, password: str = "wrong") -> str:
    """Guess once more, and do the work that is asked for."""
    try:
        await house.auth.passwords.log_in(login=LOGIN, password=password, source=Source.of(address, "", ""))
    except TooManyAttempts as refused:
        challenge = refused.members["challenge"]
        assert isinstance(challenge, dict)
        proof = solve(challenge["token"], bits=challenge["bits"])
        return await guess(house, address=address, proof=proof, password=password)
    except InvalidCredentials as refused:
        return refused.code
    return "in"


@pytest.mark.parametrize("per_pair", [5, 10])
async def test_cve_2024_4629_parallel_guesses_reach_no_more_hashes_than_one_by_one(
    settings: Settings, per_pair: int
) -> None:
    """Keycloak counted after the check, so 200 at once were 200 guesses."""
    async with open_house(replace(settings, limits=Limits(per_pair=per_pair))) as house:
        await house.register()
        before = house.auth.pool.performed
        codes = Counter(await asyncio.gather(*(guess(house) for _ in range(200))))

        assert house.auth.pool.performed - before == per_pair
        assert codes == {"invalid_credentials": per_pair, "too_many_attempts": 200 - per_pair}


async def test_cve_2025_64102_the_core_limits_whichever_way_a_guess_comes(settings: Settings) -> None:
    """Zitadel limited its pages and not its API: here HTTP, a page and a call in process share one count."""
    async with open_house(replace(settings, limits=Limits(per_account=3))) as house:
        await house.register()
        body = {"login": LOGIN, "password": "wrong"}
        codes = [
            (await house.client.post("/v1/login", json=body)).json()["code"],
            (await house.browser.post("/v1/login", json=body | {"transport": "cookie"})).json()["code"],
            await guess(house),
            await guess(house, address=""),
            (await house.client.post("/v1/login", json=body)).json()["code"],
        ]

    assert codes == ["invalid_credentials"] * 3 + ["too_many_attempts"] * 2


@pytest.mark.parametrize(
    "junk", [b"x", b"", b"999.1.2.3", b"\xff\xfe", b"203.0.113.1, ,,", b"[::1", b"'; DROP TABLE", b"1.2.3.4:x" * 99]
)
async def test_cve_2024_47070_junk_in_forwarded_headers_skips_no_count(settings: Settings, junk: bytes) -> None:
    """authentik's policy raised on it and the password stage was skipped: here it changes nothing at all."""
    async with open_house(replace(settings, limits=Limits(per_account=2))) as house:
        await house.register()
        body = b'{"login": "ada@example.test", "password": "wrong"}'
        headers = [JSON, (b"x-forwarded-for", junk), (b"forwarded", b"for=" + junk), (b"x-real-ip", junk)]
        codes = [(await call(house.auth, "POST", "/v1/login", headers=headers, body=body)).code for _ in range(3)]

    assert codes == ["invalid_credentials", "invalid_credentials", "too_many_attempts"]


@pytest.mark.parametrize("peer", ["", "nonsense", "unix:", "203.0.113.7.9", "::ffff:999.1.1.1", "\x00"])
async def test_a_peer_without_an_address_is_counted_like_any_network(settings: Settings, peer: str) -> None:
    """What cannot be read is one network, and never no network."""
    async with open_house(replace(settings, limits=Limits(per_network=2))) as house:
        codes = [await guess(house, address=peer) for _ in range(3)]

    assert codes == ["invalid_credentials", "invalid_credentials", "too_many_attempts"]


@pytest.mark.parametrize(
    ("limits", "step"),
    [(Limits(per_network=3), 0), (Limits(per_wide_network=3), 1)],
    ids=["within a /64", "through the /64s of a /48"],
)
async def test_rotating_through_ones_own_ipv6_addresses_buys_no_guess(
    settings: Settings, limits: Limits, step: int
) -> None:
    """A subscriber has at least 2^64 addresses, and often 65,536 such networks."""
    async with open_house(replace(settings, limits=limits)) as house:
        addresses = [f"2001:db8:1:{step * number:x}::{number + 1:x}" for number in range(6)]
        codes = [await guess(house, address=address) for address in addresses]

    assert codes == ["invalid_credentials"] * 3 + ["too_many_attempts"] * 3


async def test_guesses_of_many_networks_at_one_login_cost_work(settings: Settings) -> None:
    """After what is free each needs an answer of its own, and that of one network is worth nothing elsewhere."""
    async with open_house(replace(settings, limits=Limits(per_account=2), challenges=EASY)) as house:
        await house.register()
        free = [await guess(house, address=f"198.51.100.{number}") for number in range(4)]
        paid = [await answered(house, address=f"198.51.100.{number}") for number in range(4)]

        with pytest.raises(TooManyAttempts) as refused:
            await house.auth.passwords.log_in(login=LOGIN, password="x", source=Source.of("198.51.100.1", "", ""))
        challenge = refused.value.members["challenge"]
        assert isinstance(challenge, dict)
        proof = solve(challenge["token"], bits=challenge["bits"])
        stolen = await guess(house, address="198.51.100.2", proof=proof)
        first = await guess(house, address="198.51.100.1", proof=proof)
        again = await guess(house, address="198.51.100.1", proof=proof)

    assert free == ["invalid_credentials"] * 2 + ["too_many_attempts"] * 2
    assert paid == ["invalid_credentials"] * 4
    assert challenge["bits"] == 8  # two are free and six have been tried: harder by four
    assert (stolen, first, again) == ("too_many_attempts", "invalid_credentials", "too_many_attempts")


async def test_a_proof_that_was_spent_does_no_harm_where_none_is_needed(settings: Settings) -> None:
    """A form that is sent twice is not refused for it."""
    async with open_house(replace(settings, limits=Limits(per_account=1), challenges=EASY)) as house:
        await house.register()
        await guess(house)
        with pytest.raises(TooManyAttempts) as refused:
            await house.auth.passwords.log_in(login=LOGIN, password="x", source=Source.of("198.51.100.9", "", ""))
        challenge = refused.value.members["challenge"]
        assert isinstance(challenge, dict)
        proof = solve(challenge["token"], bits=challenge["bits"])

        assert await guess(house, proof=proof, password=PASSWORD) == "in"
        assert await guess(house, proof=proof, password=PASSWORD) == "in"


async def test_a_registration_too_many_costs_work(settings: Settings) -> None:
    """By HTTP, with the answer in a header."""
    limits = Limits(registrations=1)
    async with open_house(replace(settings, limits=limits, challenges=EASY)) as house:
        await house.register("one@example.test")
        body = {"email": "two@example.test", "password": PASSWORD}
        refused = await house.client.post("/v1/accounts", json=body)
        challenge = refused.json()["challenge"]
        proof = solve(challenge["token"], bits=challenge["bits"])
        taken = await house.client.post("/v1/accounts", json=body, headers={"Doorward-Proof": proof})

    assert (refused.status_code, refused.json()["code"]) == (429, "too_many_attempts")
    assert int(refused.headers["retry-after"]) == 900
    assert taken.status_code == 201


async def test_nobody_guesses_more_than_the_bound_allows_however_much_they_work(settings: Settings) -> None:
    """NIST SP 800-63B-4 §3.2.2; then the right password is as good as a wrong one, from strange devices.

    A reset by mail begins anew; so does a success from a device that the account knows.
    """
    limits = Limits(per_account=1, failures_in_a_row=10)
    async with open_house(replace(settings, limits=limits, challenges=EASY)) as house:
        house.auth.pool.hasher = QuickHasher(house.auth.settings.passwords)
        told: list[PasswordSuspended] = []
        why: Counter[str] = Counter()
        house.auth.events.subscribe(PasswordSuspended, told.append)
        house.auth.events.subscribe(SignInRefused, lambda event: why.update([event.why]))
        account = await house.register()
        device = (await house.client.post("/v1/login", json={"login": LOGIN, "password": PASSWORD})).headers[
            "doorward-device"
        ]

        codes = [await answered(house, address=f"198.51.{number}.9") for number in range(9)]
        right = await answered(house, address="198.51.77.9", password=PASSWORD)
        owner = await house.client.post(
            "/v1/login", json={"login": LOGIN, "password": PASSWORD}, headers={"Doorward-Device": device}
        )
        after = await answered(house, address="198.51.78.9", password=PASSWORD)

    assert set(codes) == {"invalid_credentials"}
    assert why == {"wrong password": 5, "too many wrong passwords in a row": 5}
    assert told == [PasswordSuspended(account_id=account["id"], for_strangers=True)]
    assert right == "invalid_credentials"
    assert owner.status_code == 200
    assert after == "in"


async def test_the_owner_too_has_a_bound(settings: Settings) -> None:
    """A thief of a device, or of a session, guesses no more often either; the event says that it is for everybody."""
    limits = Limits(per_pair=1000, failures_in_a_row=4)
    async with open_house(replace(settings, limits=limits)) as house:
        told: list[PasswordSuspended] = []
        house.auth.events.subscribe(PasswordSuspended, told.append)
        pair = await house.enter()
        headers = bearer(pair["access_token"])

        codes = [
            (await house.client.post("/v1/reauthenticate", json={"password": password}, headers=headers)).status_code
            for password in ("a", "b", "c", "d", PASSWORD)
        ]

    assert codes == [401] * 5
    assert [event.for_strangers for event in told] == [False]


async def test_the_right_password_of_a_disabled_account_is_no_failure(settings: Settings) -> None:
    """Its owner may ask as often as they like, and is told each time."""
    limits = Limits(per_pair=2, failures_in_a_row=4)
    async with open_house(replace(settings, limits=limits)) as house:
        account = await house.register()
        await house.auth.accounts.disable(account["id"])
        answers = [
            (await house.client.post("/v1/login", json={"login": LOGIN, "password": PASSWORD})).json()["code"]
            for _ in range(6)
        ]

    assert answers == ["account_disabled"] * 6


async def test_a_busy_server_counts_no_failure(settings: Settings) -> None:
    """Nothing was hashed, so nothing was guessed: the try is given back."""
    passwords = replace(settings.passwords, hash_threads=1, hash_queue=1)
    limits = Limits(per_pair=3, failures_in_a_row=6)
    async with open_house(replace(settings, passwords=passwords, limits=limits)) as house:
        await house.register()
        body = {"login": LOGIN, "password": PASSWORD}
        answers = await asyncio.gather(*(house.client.post("/v1/login", json=body) for _ in range(3)))
        more = [await house.client.post("/v1/login", json=body) for _ in range(3)]
        failures = await house.auth.passwords.failures((await house.auth.accounts.find_by_email(LOGIN)).id)

    assert {answer.status_code for answer in answers} <= {200, 503}
    assert [answer.status_code for answer in more] == [200] * 3
    assert failures == 0


async def test_the_device_cookie_is_one_that_only_this_host_can_set(house: House) -> None:
    """Its attributes, and that it is another device for each account."""
    await house.register()
    answer = await house.browser.post("/v1/login", json={"login": LOGIN, "password": PASSWORD, "transport": "cookie"})

    cookie = answer.headers.get_list("set-cookie")[1]
    assert cookie.startswith("__Host-doorward-device=dwd_")
    assert cookie.endswith("; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age=15552000")
    assert "doorward-device" not in answer.headers
    assert answer.url == f"{ORIGIN}/v1/login"
