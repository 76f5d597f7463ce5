"""Open redirect by ``return_to`` (Flask-Security-Too CVE-2023-49438, better-auth GHSA-vp58-j275-797x)."""

from urllib.parse import quote, urljoin, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from doorward.settings import Pages, Settings
from doorward.web.return_to import check_return_to
from tests.support.house import ORIGIN, House, open_house, settings_for
from tests.support.visitor import ADA, Visitor

LISTED = "https://app.example.test"
CORPUS = [
    "", " ", "evil.example", "//evil.example", "///evil.example", "////evil.example", "/\\evil.example",
    "\\\\evil.example", "\\/evil.example", "/\\/evil.example", "/%5cevil.example", "/%5Cevil.example",
    "/%2fevil.example",
    "/%2f/evil.example", "/%252f/evil.example%2f..", "/%09/evil.example", "/\t/evil.example", "/\n/evil.example",
    "/\r\n/evil.example", "/%0a/evil.example", "/%0d%0aSet-Cookie:x=1", "/a%0d%0aLocation:https://evil.example",
    "/\0", "/%00", "/\x7f", "/%7f", "/\x85", "/%c2%85x", "/\xa0", "/%c2%a0", "/ /evil.example", " //evil.example",
    "\t//evil.example", "/.//evil.example", "/..//evil.example", "/../evil", "/a/..//evil.example", "/./evil",
    "/%2e%2e//evil.example", "/%2e/x", "/a/.", "/a/..", "/;@evil.example", "/a;b", "/a#b", "/a#@evil.example",
    "http:evil.example", "http:/evil.example", "https:evil.example", "https:///evil.example", "https:/evil.example",
    "HTTPS://evil.example", "http://evil.example/", "https://evil.example/", "//evil.example@auth.example.test/",
    "https://auth.example.test@evil.example/", "https://auth.example.test:443@evil.example/",
    "https://auth.example.test.evil.example/", "https://auth.example.test%2eevil.example/", "javascript:alert(1)",
    "JaVaScRiPt:alert(1)", "java\nscript:alert(1)", "javascript://auth.example.test/%0aalert(1)",
    "data:text/html,<script>alert(1)</script>", "vbscript:x", "blob:https://auth.example.test/x", "file:///etc/passwd",
    "mailto:a@evil.example", "/\u2044evil.example", "/\uff0fevil.example", "\uff0f\uff0fevil.example",
    "\u3002/evil.example", "/\u202eevil", "/\ufeff", "/\ud800", "/ä", "/<script>", '/"onmouseover=x', "/'\"><img>",
    "/a?b=<script>", "/a?b= c", "/a?b\\c", "/a?b#c", "/%", "/%4", "/%zz", "/a?%", "/a?b=%0d%0ax", "/a?b=%00",
    "/" + "a" * 2048, "https://app.example.test.evil.example/", "https://app.example.test@evil.example/",
    "https://app.example.test:8443/", "https://app.example.test\\@evil.example/", "https://APP.example.test/",
    "http://app.example.test/", "https://app.example.test//evil.example", "https://app.example.test/\\evil.example",
    "https://app.example.test?x", "https://app.example.test#x", "https://app.example.testx/", "//app.example.test/",
    "https://app.example.test/%09", "https://app.example.test/../x",
]  # fmt: skip
GOOD = ["/", "/a", "/a/b/", "/a-b_c~d.e/f", "/a?b=c&d=%20e", "/notes?q=caf%C3%A9&page=2", "/caf%C3%A9", "/a?b=/c?d",
        "/a?u=https://evil.example/", "/@me", "/a:b", LISTED, LISTED + "/", LISTED + "/a?b=c"]  # fmt: skip


@pytest.mark.parametrize("text", CORPUS)
def test_the_corpus_is_refused(text: str) -> None:
    """No spelling of another host, of a scheme, of a control character or of a path that is not plain gets through."""
    assert check_return_to(text, origins=[LISTED]) is None


@pytest.mark.parametrize("text", GOOD)
def test_plain_paths_and_listed_origins_pass_as_they_are(text: str) -> None:
    """Letter by letter; a query may name whatever it likes, for it is only data."""
    assert check_return_to(text, origins=[LISTED]) == text


@given(st.text("/\\.:@?#%;a2f5cC09\t\n \u2044é", max_size=24))
def test_what_passes_stays_at_home_for_every_parser(text: str) -> None:
    """A text that passes is read as a path of the same origin by the library, and has nothing a browser repairs."""
    passed = check_return_to(text)

    if passed is not None:
        assert urlsplit(urljoin(ORIGIN + "/login", passed))[:2] == ("https", "auth.example.test")
        assert passed.startswith("/")
        assert not passed.startswith(("//", "/\\"))
        assert passed.isascii()
        assert passed.isprintable()


@pytest.fixture
async def ada(house: House) -> Visitor:
    """Somebody registered."""
    await house.register()
    return Visitor(house)


@pytest.mark.parametrize("text", ["//evil.example", "/\\evil.example", "https://evil.example/", "/%09/evil.example"])
async def test_the_log_in_page_goes_home_instead(ada: Visitor, text: str) -> None:
    """Neither by the address of the page nor by the hidden field of its form does a log-in lead elsewhere."""
    page = await ada.open(f"/login?return_to={quote(text, safe='')}")
    assert "evil.example" not in page.text

    by_address = await ada.send("/login", {"login": ADA, "password": "correct horse battery staple"})
    await ada.open("/login")
    by_field = await ada.send("/login", {"login": ADA, "password": "correct horse battery staple", "return_to": text})

    assert (by_address.status_code, by_address.headers["location"]) == (303, "/account")
    assert (by_field.status_code, by_field.headers["location"]) == (303, "/account")


async def test_a_doubled_parameter_is_none(ada: Visitor) -> None:
    """Two parsers could choose differently among them."""
    await ada.log_in()
    page = await ada.open("/login?return_to=/a&return_to=//evil.example")

    assert page.status_code == 200
    assert "return_to" not in ada.hidden
    assert '<a class="button secondary" href="/account">' in page.text


async def test_a_listed_origin_may_be_returned_to_and_the_form_may_go_there(settings: Settings) -> None:
    """The content policy lets the redirect after the form pass, which browsers check too."""
    changed = settings_for(settings.database_url, settings.data_dir, pages=Pages(return_origins=(LISTED,)))
    async with open_house(changed) as house:
        await house.register()
        ada = Visitor(house)

        answer = await ada.log_in(return_to=LISTED + "/after")

        page = await ada.open("/login")
        assert answer.headers["location"] == LISTED + "/after"
        assert f"form-action 'self' {LISTED};" in page.headers["content-security-policy"]
