"""A proxy on a developer's machine that answers the whole world, in front of what is for this machine alone.

nginx puts the address of the server behind it into ``Host``, and comes from this machine: only its forwarded headers
tell it apart, and ``doorward serve`` has taken those off before the app is asked.
"""

import pytest
from msgspec.structs import replace

from doorward.serving.proxy import ForwardedHeaders
from doorward.settings import Mail, Serving, Settings
from tests.support.house import open_house
from tests.support.raw import call

HERE = ("127.0.0.1", 50000)
HOST = (b"host", b"localhost:8443")
TOLD = [
    (b"x-forwarded-for", b"198.51.100.7"),
    (b"x-forwarded-proto", b"https"),
    (b"forwarded", b"for=198.51.100.7"),
    (b"x-real-ip", b"198.51.100.7"),
]


@pytest.fixture
def engine() -> str:
    """One engine is enough: nothing here asks it anything particular."""
    return "sqlite"


@pytest.mark.parametrize("told", TOLD)
async def test_plain_http_answers_nobody_through_a_proxy(settings: Settings, told: tuple[bytes, bytes]) -> None:
    """Passwords would cross the network in clear."""
    changed = replace(settings, origin="http://localhost:8443", serving=Serving(insecure_loopback=True))
    async with open_house(changed) as house:
        app = ForwardedHeaders(house.auth, trusted=[], required=False, origin=changed.origin)
        direct = await call(app, "GET", "/login", headers=[HOST], client=HERE)
        answer = await call(app, "GET", "/login", headers=[HOST, told], client=HERE)

    assert direct.status == 200
    assert (answer.status, answer.code) == (400, "https_required")


@pytest.mark.parametrize("told", TOLD)
async def test_mails_are_shown_to_nobody_through_a_proxy(settings: Settings, told: tuple[bytes, bytes]) -> None:
    """There are links in them that open accounts."""
    changed = replace(settings, origin="https://localhost:8443", mail=Mail(delivery="file"))
    async with open_house(changed) as house:
        app = ForwardedHeaders(house.auth, trusted=[], required=False, origin=changed.origin)
        direct = await call(app, "GET", "/dev/mail", headers=[HOST], client=HERE)
        answer = await call(app, "GET", "/dev/mail", headers=[HOST, told], client=HERE)

    assert direct.status == 200
    assert answer.status == 404
