"""Which paths need a log-in."""

import pytest

from doorward.errors import Misconfigured
from doorward.verify.paths import Rules, is_canonical, router_path

RULES = Rules(
    public=["/", "/docs", "/assets/Logo", "/über"],
    optional=["/shop", "/shop/account/help"],
    protected=["/shop/account", "/docs/internal"],
)


@pytest.mark.parametrize(
    ("path", "access"),
    [
        ("/", "public"),
        ("/docs", "public"),
        ("/docs/", "public"),
        ("/docs/a/b.html", "public"),
        ("/docs/a b.html", "public"),
        ("/über/uns", "public"),
        ("/assets/Logo/1.svg", "public"),
        ("/shop", "optional"),
        ("/shop/cart", "optional"),
        ("/shop/account", "protected"),
        ("/shop/account/", "protected"),
        ("/shop/account/orders", "protected"),
        ("/shop/account/help", "optional"),
        ("/docs/internal", "protected"),
        ("/docs-old", "protected"),
        ("/docsinternal", "protected"),
        ("/unlisted", "protected"),
        ("/assets/logo", "protected"),
        ("", "protected"),
        ("docs", "protected"),
        ("*", "protected"),
    ],
)
def test_the_longest_prefix_by_segments_decides(path: str, access: str) -> None:
    """A rule means itself and everything below it, and what no rule names is protected."""
    assert RULES.classify(path) == access


@pytest.mark.parametrize(
    "path",
    ["/docs/INTERNAL", "/DOCS/Internal", "/docs/ｉnternal", "/docs/internaL/x", "/Shop/Account"],
)
def test_a_protected_rule_is_matched_without_regard_to_letter_case(path: str) -> None:
    """A host with a case-insensitive file system or router opens nothing."""
    assert RULES.classify(path) == "protected"


@pytest.mark.parametrize(
    "path",
    [
        "//docs",
        "/docs//a",
        "/docs//",
        "/docs/.",
        "/docs/..",
        "/docs/../admin",
        "/docs/./a",
        "/docs/...",
        "/docs/a.",
        "/docs/a ",
        "/docs\\..\\admin",
        "/docs/%2e%2e/admin",
        "/docs/%2fadmin",
        "/docs/100%",
        "/docs;a=b",
        "/docs/a;b",
        "/docs/a\n",
        "/docs/a\r",
        "/docs/\x00",
        "/docs/a\x7f",
        "/docs/a\x85",
        "/docs/a\xa0",
        "/docs/a\u2028",
        "/docs/a\ufeff",
        "/docs/a\ufffd",
        "/docs/a" + chr(0xD800),
        "/docs/a?b",
        "/docs/a#b",
        "/docs/．．/admin",
        "/docs／..／admin",
    ],
)
def test_a_path_that_could_be_read_differently_is_protected(path: str) -> None:
    """Nothing doubtful is ever public, whatever stands in front of it."""
    assert RULES.classify(path) == "protected"


def test_everything_can_be_named() -> None:
    """``/*`` changes what unlisted paths are, and doubtful ones stay protected."""
    rules = Rules(optional=["/*"], protected=["/admin"])

    assert rules.classify("/anything") == "optional"
    assert rules.classify("/") == "optional"
    assert rules.classify("/admin/x") == "protected"
    assert rules.classify("/ADMIN/x") == "protected"
    assert rules.classify("/a//b") == "protected"


def test_a_star_says_what_a_prefix_means_anyway() -> None:
    """``/docs/*`` is ``/docs``, so that both habits are right; and both at once are one rule too many."""
    rules = Rules(public=["/docs/*"])

    assert rules.classify("/docs") == rules.classify("/docs/a/b") == "public"
    assert rules.classify("/docs-old") == "protected"
    with pytest.raises(Misconfigured, match="twice"):
        Rules(public=["/docs/*"], protected=["/docs"])


def test_the_root_page_alone_is_public() -> None:
    """A public home page opens nothing else."""
    rules = Rules(public=["/"])

    assert rules.classify("/") == "public"
    assert rules.classify("/me") == "protected"


def test_the_stricter_of_two_rules_that_differ_in_letter_case_wins() -> None:
    """Rules that a case-insensitive reader would confuse do not open a door."""
    rules = Rules(public=["/Docs"], optional=["/docs"])

    assert rules.classify("/Docs") == "optional"
    assert rules.classify("/docs") == "optional"


@pytest.mark.parametrize(
    ("path", "root_path", "seen"),
    [
        ("/docs", "", "/docs"),
        ("/api/docs", "/api", "/docs"),
        ("/api/", "/api", "/"),
        ("/docs", "/api", "/docs"),
        ("/api", "/api", None),
        ("/apidocs", "/api", None),
        ("/docs/api/x", "/api", None),
        ("/api/docs", "/api/", None),
    ],
)
def test_the_mount_point_is_taken_off_as_the_router_does(path: str, root_path: str, seen: str | None) -> None:
    """Where frameworks would disagree about ``root_path`` there is no answer."""
    assert router_path(path, root_path) == seen


@pytest.mark.parametrize(
    ("path", "root_path", "access"),
    [
        ("/api/docs", "/api", "public"),
        ("/docs", "/api", "public"),
        ("/api/", "/api", "public"),
        ("/api", "/api", "protected"),
        ("/apidocs", "/api", "protected"),
        ("/docs/api/docs", "/api", "protected"),
        ("//api/docs", "/api", "protected"),
        ("/x/../api/docs", "/x/../api", "protected"),
        ("/shop/account/docs", "/shop/account", "protected"),
        ("/shop/account/shop", "/Shop/account", "optional"),
    ],
)
def test_below_a_mount_point_the_stricter_view_wins(path: str, root_path: str, access: str) -> None:
    """Neither the mount point nor a lie about it makes a protected path public."""
    rules = Rules(public=["/", "/docs"], optional=["/shop"], protected=["/shop/account"])

    expected = "protected" if path.startswith("/shop/account") else access
    assert rules.classify(path, root_path) == expected


@pytest.mark.parametrize(
    "prefix",
    [
        "",
        "docs",
        "/docs/",
        "/docs*",
        "/docs/*/x",
        "/docs/*/*",
        "//*",
        "*",
        "/docs/{name}",
        "/a//b",
        "/a/../b",
        "/a%20b",
        "/a;b",
        "https://x/y",
    ],
)
def test_a_rule_that_is_no_plain_prefix_is_refused(prefix: str) -> None:
    """A rule that could be misread stops the start."""
    with pytest.raises(Misconfigured, match="plain path prefix"):
        Rules(public=[prefix])


def test_a_rule_in_two_lists_is_refused() -> None:
    """Which of them was meant cannot be guessed."""
    with pytest.raises(Misconfigured, match="twice"):
        Rules(public=["/docs"], optional=["/docs"])


def test_a_text_in_place_of_a_list_is_refused_with_everything_else() -> None:
    """``public="/docs"`` would otherwise mean the paths ``/``, ``d``, ``o``, and so on; all findings come at once."""
    with pytest.raises(Misconfigured) as refused:
        Rules(public="/docs", optional=["shop"])

    assert len(refused.value.findings) == 2


def test_canonical_paths_are_matched_in_linear_time() -> None:
    """A path as long as a server lets through is judged at once."""
    assert is_canonical("/" + "a." * 30_000 + "a")
    assert not is_canonical("/" + "." * 60_000)
    assert not is_canonical("/a" * 30_000 + "//")
