"""An answer to a challenge is carried from one form to another, to another login or network, or sent twice."""

import re
from collections.abc import AsyncIterator

import httpx2
import pytest
from msgspec.structs import replace

from doorward.challenges.model import solve
from doorward.settings import Challenges, Limits, Settings
from tests.support.house import ORIGIN, PASSWORD, House, open_house
from tests.support.quick import QuickHasher
from tests.support.visitor import ADA, Visitor

GRACE = "grace@example.test"


@pytest.fixture
async def house(settings: Settings) -> AsyncIterator[House]:
    """An instance under attack: what is free is used up for two logins and for registering."""
    tight = replace(settings, limits=Limits(per_account=1, registrations=1), challenges=Challenges(difficulty=4))
    async with open_house(tight) as opened:
        opened.auth.pool.hasher = QuickHasher(settings.passwords)
        for email in (ADA, GRACE):
            await opened.auth.accounts.register(email=email, password=PASSWORD)
            await opened.client.post("/v1/login", json={"login": email, "password": "wrong"})
        await opened.client.post("/v1/accounts", json={"email": "first@example.test", "password": PASSWORD})
        yield opened


async def earned(visitor: Visitor) -> str:
    """Be asked at the log-in as Ada, and do the work; the page is left as it is."""
    answer = await visitor.fill("/login", {"login": ADA, "password": "wrong"})
    found = re.search(r'data-challenge-token="([^"]+)" data-challenge-bits="(\d+)"', answer.text)
    assert found, answer.text
    return solve(found[1], bits=int(found[2]))


async def test_it_is_spent_once(house: House) -> None:
    """The second time the form asks for another, even where the first try was a wrong password."""
    eve = Visitor(house)
    proof = await earned(eve)

    codes = [(await eve.fill("/login", {"login": ADA, "password": "wrong", "proof": proof})).status_code for _ in "12"]

    assert codes == [422, 429]


async def test_it_is_worth_nothing_for_another_login(house: House) -> None:
    """And is not spent by being refused."""
    eve = Visitor(house)
    proof = await earned(eve)

    other = await eve.fill("/login", {"login": GRACE, "password": PASSWORD, "proof": proof})
    own = await eve.fill("/login", {"login": ADA, "password": PASSWORD, "proof": proof})

    assert (other.status_code, own.status_code) == (429, 303)


async def test_it_is_worth_nothing_for_another_purpose(house: House) -> None:
    """What was earned at the log-in registers nobody."""
    eve = Visitor(house)
    proof = await earned(eve)

    answer = await eve.fill("/register", {"email": "eve@example.test", "password": PASSWORD, "proof": proof})

    assert answer.status_code == 429


async def test_it_is_worth_nothing_from_another_network(house: House) -> None:
    """Who lets others do the work must send the try from there, too."""
    proof = await earned(Visitor(house))
    transport = httpx2.ASGITransport(app=house.auth, client=("198.51.100.1", 50000))
    headers = {"Origin": ORIGIN, "Sec-Fetch-Site": "same-origin"}
    async with httpx2.AsyncClient(transport=transport, base_url=ORIGIN, headers=headers) as elsewhere:
        eve = Visitor(replace_browser(house, elsewhere))
        answer = await eve.fill("/login", {"login": ADA, "password": PASSWORD, "proof": proof})

    assert answer.status_code == 429


@pytest.mark.parametrize("proof", ["", "dwc_x", "dwc_x~1.2.3", "~", "x" * 9000])
async def test_what_is_no_answer_opens_nothing(house: House, proof: str) -> None:
    """The form asks again."""
    answer = await Visitor(house).fill("/login", {"login": ADA, "password": PASSWORD, "proof": proof})

    assert answer.status_code == 429


def replace_browser(house: House, browser: httpx2.AsyncClient) -> House:
    """The same house, seen by another browser."""
    return House(house.auth, house.clock, house.client, browser)
