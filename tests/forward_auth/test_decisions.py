"""``GET /v1/forward-auth`` in process: what is believed of whom, on both engines."""

import pytest

from doorward.app import Doorward
from doorward.db import statement
from doorward.forward_auth.model import UNKNOWN_METHOD, Claim, Original, Target, encode, read_original
from doorward.forward_auth.returning import login_address, own_origin, return_to
from doorward.serving.proxy import ForwardedHeaders
from tests.support.house import PASSWORD, House
from tests.support.quick import QuickHasher
from tests.support.raw import OURS, Answer, bearer, call, cookie, post

PROXY = "192.0.2.1"
PATH = "/v1/forward-auth"
PAGE = ((b"sec-fetch-mode", b"navigate"), (b"sec-fetch-dest", b"document"), (b"accept", b"text/html"))
POST = (b"x-forwarded-method", b"POST")
GET = (b"x-forwarded-method", b"GET")
HOST = (b"host", b"auth.example.test")


@pytest.fixture(autouse=True)
def quick(request: pytest.FixtureRequest) -> None:
    """Let logging in take no time in a house."""
    if "house" in request.fixturenames:
        house: House = request.getfixturevalue("house")
        house.auth.pool.hasher = QuickHasher(house.auth.settings.passwords)


async def ask(
    auth: Doorward, *headers: tuple[bytes, bytes], query: bytes = b"", peer: str = PROXY, served: bool = True
) -> Answer:
    """Ask as a proxy does: through the layer of the server, or without it as in an application of a host."""
    app = ForwardedHeaders(auth, trusted=[PROXY], required=False, origin=auth.settings.origin) if served else auth
    return await call(app, "GET", PATH, headers=[HOST, *headers], query=query, client=(peer, 1))


async def cookie_of(house: House) -> tuple[bytes, bytes]:
    """Log in with a cookie."""
    entered = await post(
        house.auth, "/v1/login", {"login": "ada@example.test", "password": PASSWORD, "transport": "cookie"}
    )
    return cookie(entered.values(b"set-cookie")[0].partition(b";")[0])


async def test_a_token_is_answered_with_its_owner(house: House) -> None:
    """Six headers, no body, and nobody may keep the answer."""
    pair = await house.enter()

    answer = await ask(house.auth, bearer(pair["access_token"]))

    assert (answer.status, answer.body) == (200, b"")
    assert answer.values(b"x-auth-subject") == [pair["account"]["id"].encode()]
    assert answer.values(b"x-auth-session") == [pair["session_id"].encode()]
    assert answer.values(b"x-auth-email") == [b"ada@example.test"]
    assert answer.values(b"x-auth-email-verified") == [b"false"]
    assert answer.values(b"x-auth-roles") == [b""]
    assert answer.values(b"x-auth-scope") == [b""]
    assert answer.values(b"cache-control") == [b"no-store"]


async def test_roles_and_verification_are_those_of_now(house: House) -> None:
    """Not those of the token."""
    pair = await house.enter()
    await house.auth.accounts.set_roles(pair["account"]["id"], ("admin", "staff"))
    await house.auth._database.write(statement("UPDATE account SET email_verified_at = 1"))

    answer = await ask(house.auth, bearer(pair["access_token"]), query=b"role=admin+staff")

    assert answer.values(b"x-auth-roles") == [b"admin,staff"]
    assert answer.values(b"x-auth-email-verified") == [b"true"]


@pytest.mark.parametrize("query", [b"role=admin", b"role=user+admin", b"scope=read"])
async def test_what_the_path_needs_is_asked_for(house: House, query: bytes) -> None:
    """403 without it; roles that somebody has do not make up for others."""
    pair = await house.enter()
    await house.auth.accounts.set_roles(pair["account"]["id"], ("user",))

    answer = await ask(house.auth, bearer(pair["access_token"]), query=query)

    assert (answer.status, answer.code) == (403, "insufficient_scope")


@pytest.mark.parametrize("query", [b"rol=admin", b"role=a&role=b", b"role", b"role=%zz", b"=x"])
async def test_a_mistake_in_the_configuration_lets_nobody_pass(house: House, query: bytes) -> None:
    """A misspelt requirement must not be none."""
    pair = await house.enter()

    assert (await ask(house.auth, bearer(pair["access_token"]), query=query)).status == 400


async def test_nobody_gets_a_challenge_or_the_log_in_page(house: House) -> None:
    """A browser that asks for a page is sent there, a program is not."""
    plain = await ask(house.auth, GET)
    page = await ask(house.auth, GET, (b"x-forwarded-uri", b"/reports?a=1&b=2"), *PAGE)

    assert (plain.status, plain.values(b"www-authenticate")) == (401, [b'Bearer realm="doorward"'])
    assert page.status == 302
    back = b"/reports%3Fa%3D1%26b%3D2"
    assert page.values(b"location") == [b"https://auth.example.test/login?return_to=" + back]


async def test_a_proxy_that_takes_no_redirect_gets_the_address_in_a_header(house: House) -> None:
    """For nginx: the 401 stays one."""
    answer = await ask(house.auth, GET, (b"x-forwarded-uri", b"/reports"), *PAGE, query=b"redirect=false")

    assert answer.status == 401
    assert answer.values(b"x-auth-login") == [b"https://auth.example.test/login?return_to=/reports"]
    assert answer.values(b"www-authenticate") == [b'Bearer realm="doorward"']


async def test_a_dead_cookie_is_cleared_on_the_way_to_the_log_in_page(house: House) -> None:
    """And the page is asked for with GET only."""
    dead = cookie("__Host-doorward=dws_x")

    page = await ask(house.auth, dead, GET, *PAGE)
    posted = await ask(house.auth, dead, POST, *PAGE)

    assert page.status == 302
    assert b"Max-Age=0" in page.values(b"set-cookie")[0]
    assert posted.status == 401


async def test_a_disabled_account_passes_no_more(house: House) -> None:
    """The row is asked, whatever has been heard of revocations."""
    pair = await house.enter()
    held = await cookie_of(house)
    await house.auth._database.write(statement("UPDATE account SET disabled_at = 1"))

    assert (await ask(house.auth, bearer(pair["access_token"]))).status == 401
    assert (await ask(house.auth, held)).status == 401


async def test_a_deleted_account_passes_no_more(house: House) -> None:
    """Nor a token of nobody."""
    pair = await house.enter()
    await house.auth._database.write(statement("DELETE FROM account"))

    assert (await ask(house.auth, bearer(pair["access_token"]))).status == 401


async def test_a_forged_token_is_refused(house: House) -> None:
    """With the error of RFC 6750."""
    answer = await ask(house.auth, bearer("x.y.z"), GET)

    assert answer.status == 401
    assert b'error="invalid_token"' in answer.values(b"www-authenticate")[0]


@pytest.mark.parametrize(
    ("headers", "peer", "served", "status"),
    [
        ((), PROXY, True, 200),
        ((), PROXY, False, 200),
        ((GET,), PROXY, True, 200),
        ((POST,), PROXY, True, 403),
        ((POST, OURS), PROXY, True, 200),
        ((POST, (b"origin", b"https://auth.example.test")), PROXY, True, 200),
        ((POST, (b"origin", b"https://evil.example")), PROXY, True, 403),
        ((POST, (b"sec-fetch-site", b"same-site")), PROXY, True, 403),
        ((GET,), "198.51.100.9", True, 403),
        ((GET,), PROXY, False, 403),
        ((GET, OURS), "198.51.100.9", True, 200),
        ((GET, POST), PROXY, True, 403),
        ((GET, (b"x-original-method", b"POST")), PROXY, True, 403),
        ((GET, (b"x-original-method", b"GET")), PROXY, True, 200),
        (((b"x-forwarded-method", b"get"),), PROXY, True, 403),
        (((b"x-forwarded-method", b"GET,POST"),), PROXY, True, 403),
        (((b"x-forwarded-uri", b"/x"),), PROXY, True, 403),
        (((b"x-original-uri", b"/x"),), "198.51.100.9", True, 403),
    ],
)
async def test_the_original_method_of_a_cookie_counts_if_somebody_vouches_for_it(
    house: House, headers: tuple[tuple[bytes, bytes], ...], peer: str, served: bool, status: int
) -> None:
    """What nobody vouches for counts as unsafe, and then the browser must say that it comes from here."""
    await house.register()
    held = await cookie_of(house)

    assert (await ask(house.auth, held, *headers, peer=peer, served=served)).status == status


@pytest.mark.parametrize(
    "sign",
    [(b"sec-websocket-key", b"x"), (b"sec-websocket-version", b"13"), (b"upgrade", b"h2c"),
     (b"sec-fetch-mode", b"websocket")],
)  # fmt: skip
async def test_a_handshake_with_a_cookie_must_come_from_here(house: House, sign: tuple[bytes, bytes]) -> None:
    """Cross-site WebSocket hijacking: a GET in form, and no page of others may send it."""
    await house.register()
    held = await cookie_of(house)

    assert (await ask(house.auth, held, GET, sign)).status == 403
    assert (await ask(house.auth, held, GET, sign, (b"origin", b"https://evil.example"))).status == 403
    assert (await ask(house.auth, held, GET, sign, (b"origin", b"https://auth.example.test"))).status == 200


async def test_a_token_needs_no_origin(house: House) -> None:
    """No browser sends one by itself."""
    pair = await house.enter()

    assert (await ask(house.auth, bearer(pair["access_token"]), POST, peer="198.51.100.9")).status == 200


async def test_two_credentials_are_refused(house: House) -> None:
    """As everywhere."""
    pair = await house.enter()

    answer = await ask(house.auth, bearer(pair["access_token"]), cookie("__Host-doorward=x"))

    assert (answer.status, answer.code) == (400, "invalid_request")


async def test_only_get_is_known(house: House) -> None:
    """A question changes nothing."""
    answer = await call(house.auth, "POST", PATH, headers=[HOST])

    assert answer.status == 405


def claim(**values: str | list[str]) -> Claim:
    """Make the claim of a listed proxy; underscores stand for hyphens."""
    return Claim(
        {
            name.replace("_", "-").encode(): [value] if isinstance(value, str) else value
            for name, value in values.items()
        },
        is_trusted=True,
    )


@pytest.mark.parametrize(
    ("target", "host", "read"),
    [
        ("/x?y=1", None, Target(None, "/x", "y=1")),
        ("/x", "App.Example", Target("https://app.example", "/x", "")),
        ("/x", "app.example:443", Target("https://app.example", "/x", "")),
        ("/x", "app.example:8443", Target("https://app.example:8443", "/x", "")),
        ("/x", "evil.example/", None),
        ("/x", "a@evil.example", None),
        ("/x", "", None),
        ("//evil.example", None, None),
        ("https://evil.example/", None, None),
        ("/x\\y", None, None),
        ("/x\r\ny", None, None),
        ("/é", None, None),
        ("", None, None),
    ],
)
def test_an_address_is_read_strictly(target: str, host: str | None, read: Target | None) -> None:
    """What could be another host to somebody is no address."""
    values = {"x_forwarded_uri": target} | ({} if host is None else {"x_forwarded_host": host})

    assert read_original(claim(x_forwarded_method="GET", **values), asked_with="GET") == Original("GET", read)


def test_headers_that_disagree_say_nothing() -> None:
    """One of them is the client's."""
    said = claim(x_forwarded_method="GET", x_forwarded_uri="/a", x_original_uri="/b")
    twice = claim(x_forwarded_method="GET", x_forwarded_uri=["/a", "/a", "/a"])
    hosts = claim(x_forwarded_method="GET", x_forwarded_uri="/a", x_forwarded_host=["a.example", "b.example"])

    for each in (said, twice, hosts):
        assert read_original(each, asked_with="GET") == Original("GET", None)
    assert read_original(claim(x_forwarded_uri="/a"), asked_with="GET").method == UNKNOWN_METHOD


@pytest.mark.parametrize(
    ("target", "back"),
    [
        (None, None),
        (Target(None, "/x", "y=1"), "/x?y=1"),
        (Target("https://auth.example.test", "/x", ""), "/x"),
        (Target("https://app.example", "/x", ""), "https://app.example/x"),
        (Target("https://evil.example", "/x", ""), None),
        (Target(None, "/a/../b", ""), None),
        (Target(None, "/%2e%2e/b", ""), None),
        (Target(None, "/%5cevil.example", ""), None),
        (Target(None, "/" + "x" * 3000, ""), None),
    ],
)
def test_one_comes_back_to_our_origin_or_a_listed_one(target: Target | None, back: str | None) -> None:
    """And to nothing that two readers could read differently."""
    assert return_to(target, own_origin="https://auth.example.test", origins=("https://app.example",)) == back


def test_the_log_in_page_is_below_the_issuer() -> None:
    """With the address to come back to as one value."""
    assert login_address("https://a.test/auth", None) == "https://a.test/auth/login"
    assert login_address("https://a.test", "https://b.test/x?y=z&a") == (
        "https://a.test/login?return_to=https%3A//b.test/x%3Fy%3Dz%26a"
    )
    assert own_origin("https://A.test:443") == own_origin("https://a.test") == "https://a.test"


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("ada+x@example.test", "ada+x@example.test"),
        ("ä@example.test", "%C3%A4@example.test"),
        ("a,b", "a%2Cb"),
        ("100%", "100%25"),
        ("a\r\nX-Auth-Roles: admin", "a%0D%0AX-Auth-Roles:%20admin"),
    ],
)
def test_a_value_can_never_become_two(text: str, written: str) -> None:
    """Header injection, whatever an address or a role may one day hold."""
    assert encode(text) == written
