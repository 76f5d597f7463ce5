"""The configurations of the how-to pages, run by the real programs."""

import pytest

from tests.forward_auth.proxies import Site, bearer

NAVIGATION = (("Sec-Fetch-Mode", "navigate"), ("Sec-Fetch-Dest", "document"), ("Accept", "text/html"))
NAMES = ("Subject", "Session", "Email", "Email-Verified", "Roles", "Scope")


def test_a_token_gets_through_with_its_owner(proxied: Site) -> None:
    """The application is told who it is."""
    reached = proxied.ask("GET", "/reports?x=1", bearer(proxied.access))

    assert reached.status == 200
    assert reached.seen is not None
    assert reached.seen["target"] == "/reports?x=1"
    (subject,) = reached.told("X-Auth-Subject")
    assert subject.startswith("acc_")
    assert reached.told("X-Auth-Session")[0].startswith("ses_")
    assert reached.told("X-Auth-Email") == ["ada@example.test"]
    assert reached.told("X-Auth-Roles") in ([], [""])


def test_a_cookie_gets_through_with_its_owner(proxied: Site) -> None:
    """A navigation from another site included: it changes nothing."""
    for more in ((), (("Sec-Fetch-Site", "cross-site"), *NAVIGATION)):
        reached = proxied.ask("GET", "/", ("Cookie", proxied.cookie), *more)

        assert reached.status == 200
        assert reached.told("X-Auth-Email") == ["ada@example.test"]


def test_nobody_is_refused_with_a_challenge(proxied: Site) -> None:
    """Programs get the 401."""
    for headers in ((), (bearer("x.y.z"),), (("Cookie", "__Host-doorward=x"),)):
        reached = proxied.ask("GET", "/reports", *headers)

        assert reached.status == 401
        assert reached.seen is None
        assert (reached.header("WWW-Authenticate") or "").startswith("Bearer ")


def test_a_browser_goes_to_the_log_in_page_and_comes_back(proxied: Site) -> None:
    """With the address that it asked for, and its query."""
    reached = proxied.ask("GET", "/reports?year=2026&b=c", *NAVIGATION)

    assert reached.status == 302
    back = "return_to=/reports%3Fyear%3D2026%26b%3Dc"
    assert reached.header("Location") == f"{proxied.origin}/auth/login?{back}"


def test_public_pages_are_open_and_say_nothing(proxied: Site) -> None:
    """Not even of somebody who is logged in."""
    for headers in ((), (bearer(proxied.access),)):
        reached = proxied.ask("GET", "/public/x", *headers)

        assert reached.status == 200
        assert [reached.told(f"X-Auth-{name}") for name in NAMES] == [[]] * len(NAMES)


def test_a_role_is_asked_for(proxied: Site) -> None:
    """403 for somebody without it, and a log-in page for nobody."""
    assert proxied.ask("GET", "/admin/x", bearer(proxied.access)).status == 403
    assert proxied.ask("GET", "/admin", bearer(proxied.access)).status == 403
    assert proxied.ask("GET", "/admin/x", *NAVIGATION).status == 302
    reached = proxied.ask("GET", "/admin/x", bearer(proxied.admin))
    assert reached.told("X-Auth-Roles") == ["admin"]


@pytest.mark.parametrize("query", ["role=", "role=&role=", "redirect=false", "scope=x", "role=user&x=y"])
def test_the_query_of_a_client_is_not_that_of_the_question(proxied: Site, query: str) -> None:
    """What a path needs is the proxy's to say."""
    assert proxied.ask("GET", f"/admin/x?{query}", bearer(proxied.access)).status == 403
    assert proxied.ask("GET", f"/x?{query}", bearer(proxied.access)).status == 200
    assert proxied.ask("GET", f"/x?{query}", *NAVIGATION).status == 302


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    "spelling",
    ["X-Auth-{}", "x-auth-{}", "X_Auth_{}", "X-Auth_{}", "X_Auth-{}", "X_AUTH_{}"],
)
@pytest.mark.parametrize("path", ["/", "/public/x"])
def test_client_copies_are_dropped(proxied: Site, name: str, spelling: str, path: str) -> None:
    """However they are spelt, once or twice, on a public path too, and where doorward has nothing to say."""
    copies = [(spelling.format(name), "forged"), (spelling.format(name.replace("-", "_")), "forged")] * 2

    reached = proxied.ask("GET", path, bearer(proxied.access), *copies)

    assert reached.status == 200
    assert all("forged" not in value for each in NAMES for value in reached.told(f"X-Auth-{each}"))
    assert all(len(reached.told(f"X-Auth-{each}")) <= 1 for each in NAMES)


@pytest.mark.parametrize(
    "target",
    [
        "/%61dmin/x",
        "/adm%69n/x",
        "//admin/x",
        "/./admin/x",
        "/public/../admin/x",
        "/public/%2e%2e/admin/x",
        "/public/..%2fadmin/x",
        "/public%2f../admin/x",
        "/x/../admin/x",
        "/x/..//admin/x",
        "/admin%2fx",
        "/admin%2f",
        "/%2fadmin/x",
        "/public/%2e%2e%2fadmin%2fx",
        "/admin;x/y",
        "/admin?x=/public/",
        "/public/?/../admin/x",
        "/public\\..\\admin/x",
        "/public/%5c../admin/x",
        "/public/%00/../admin",
        "https://localhost/admin/x",
    ],
)
def test_encoded_paths_open_nothing(proxied: Site, target: str) -> None:
    """What an application would take for the protected path never reaches it without the role (CVE-2026-33494)."""
    for headers in ((), (bearer(proxied.access),)):
        reached = proxied.ask("GET", target, *headers)

        if reached.seen is not None:
            assert not f"{reached.path}/".startswith("/admin/"), reached.seen["target"]
            assert headers or f"{reached.path}/".startswith("/public/"), reached.seen["target"]


@pytest.mark.parametrize("method", ["POST", "DELETE", "PUT", "PATCH"])
def test_an_unsafe_method_with_a_cookie_must_come_from_here(proxied: Site, method: str) -> None:
    """The proxy asks with GET, and the original method counts (CSRF)."""
    cookie = ("Cookie", proxied.cookie)
    foreign = [("Sec-Fetch-Site", "cross-site"), ("Origin", "https://evil.example")]

    assert proxied.ask(method, "/transfer", cookie, *foreign).status == 403
    assert proxied.ask(method, "/transfer", cookie).status == 403
    assert proxied.ask(method, "/transfer", cookie, ("Sec-Fetch-Site", "same-site")).status == 403
    reached = proxied.ask(method, "/transfer", cookie, ("Sec-Fetch-Site", "same-origin"))
    assert reached.seen is not None
    assert reached.seen["method"] == method


def test_a_page_of_others_opens_no_web_socket(proxied: Site) -> None:
    """Cross-site WebSocket hijacking, with what each proxy leaves of the handshake's headers."""
    handshake = [
        ("Cookie", proxied.cookie),
        ("Connection", "Upgrade"),
        ("Upgrade", "websocket"),
        ("Sec-WebSocket-Version", "13"),
        ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="),
    ]

    assert proxied.ask("GET", "/chat", *handshake, ("Origin", "https://evil.example")).status == 403
    assert proxied.ask("GET", "/chat", *handshake).status == 403
    assert proxied.ask("GET", "/chat", *handshake, ("Origin", proxied.origin)).status == 200


@pytest.mark.parametrize(
    "lie",
    [
        ("X-Forwarded-Method", "GET"),
        ("X-Original-Method", "GET"),
        ("X-HTTP-Method-Override", "GET"),
        ("X_Forwarded_Method", "GET"),
    ],
)
def test_a_client_cannot_say_what_its_method_is(proxied: Site, lie: tuple[str, str]) -> None:
    """A foreign page that could set such a header would get no further."""
    reached = proxied.ask("POST", "/transfer", ("Cookie", proxied.cookie), ("Sec-Fetch-Site", "cross-site"), lie)

    assert reached.status == 403


def test_a_client_cannot_say_where_it_comes_back_to(proxied: Site) -> None:
    """Neither by host nor by address."""
    lies = [
        ("X-Forwarded-Host", "evil.example"),
        ("X-Forwarded-Uri", "//evil.example/"),
        ("X-Original-URI", "https://evil.example/"),
    ]

    for lie in ((one,) for one in lies):
        reached = proxied.ask("GET", "/reports", *NAVIGATION, *lie)

        location = reached.header("Location") or ""
        assert location.startswith(f"{proxied.origin}/auth/login")
        assert "evil" not in location


@pytest.mark.parametrize(
    "target", ["//evil.example/x", "/%2f/evil.example", "/%5cevil.example", "/a%0d%0aSet-Cookie:x"]
)
def test_a_doubtful_address_is_not_come_back_to(proxied: Site, target: str) -> None:
    """The log-in page goes where it goes by default then."""
    reached = proxied.ask("GET", target, *NAVIGATION)

    if reached.status == 302 and "/auth/login" in (reached.header("Location") or ""):
        assert "evil" not in (reached.header("Location") or "")
        assert reached.header("Set-Cookie") is None


def test_two_credentials_pass_nothing(proxied: Site) -> None:
    """Whatever the proxy makes of it."""
    reached = proxied.ask("GET", "/", ("Cookie", proxied.cookie), bearer(proxied.access))

    assert reached.seen is None
    assert reached.status >= 400


def test_the_question_itself_is_not_for_clients(proxied: Site) -> None:
    """nginx's internal place is none outside; Caddy has none, so it is an ordinary path there."""
    assert proxied.ask("GET", "/_doorward").status in (401, 404)


def test_a_log_out_counts_for_the_next_request(proxied: Site) -> None:
    """There is nothing to wait for, since doorward itself is asked."""
    entered, _ = proxied.json(
        "/auth/v1/login", {"login": "ada@example.test", "password": "correct horse battery staple"}
    )
    assert proxied.ask("GET", "/", bearer(entered["access_token"])).status == 200

    proxied.json("/auth/v1/logout", {"refresh_token": entered["refresh_token"]})

    assert proxied.ask("GET", "/", bearer(entered["access_token"])).status == 401
