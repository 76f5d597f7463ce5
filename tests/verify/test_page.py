"""One answer of the feed, as both sides write and read it."""

import pytest
from hypothesis import given
from hypothesis import strategies as some

from doorward.errors import InvalidToken
from doorward.jose import jwt
from doorward.jose.spelling import MAX_INTEGER
from doorward.verify.model import digest
from doorward.verify.page import FEED_TYPE, MAX_ENTRIES, Page, Revocation, read_page, write_page
from tests.verify.parties import ISSUER, NOW, Issuer

PARTY = Issuer()
TIMES = some.integers(0, MAX_INTEGER)
CURSORS = some.from_regex(r"[A-Za-z0-9._-]{1,64}", fullmatch=True)
ENTRIES = some.builds(
    Revocation,
    kind=some.sampled_from(["session", "token", "key", "account", "device"]),
    digest=some.binary(min_size=16, max_size=16),
    not_before=some.none() | TIMES,
    forget_at=TIMES,
)
PAGES = some.builds(
    Page,
    after=CURSORS,
    cursor=CURSORS,
    issued_at=TIMES,
    entries=some.lists(ENTRIES, max_size=20).map(tuple),
    reset=some.booleans(),
    more=some.booleans(),
)


def claims(**changes: object) -> str:
    """Sign a page with some claims changed; ``...`` takes one out."""
    entry = ["session", "A" * 22, None, NOW]
    whole: dict[str, object] = {
        "iss": ISSUER, "after": "0", "cursor": "c1", "issued_at": NOW, "entries": [entry], **changes,
    }  # fmt: skip
    return jwt.encode({k: v for k, v in whole.items() if v is not ...}, PARTY.key, typ=FEED_TYPE)


@given(PAGES)
def test_a_page_reads_as_it_was_written(page: Page) -> None:
    """Whatever it says; kinds that are not known yet are told like any other."""
    assert read_page(write_page(page, PARTY.key, issuer=ISSUER), PARTY.keys, issuer=ISSUER) == (page, PARTY.key.kid)


def test_the_form_of_a_page() -> None:
    """What the contract says: a list of four for each, digests in base64url."""
    page = Page("0", "c1", NOW, (Revocation("session", digest("session", "ses_one"), None, NOW + 660),), reset=True)

    written = jwt.decode(write_page(page, PARTY.key, issuer=ISSUER), PARTY.keys, typ=FEED_TYPE).claims

    assert written == {
        "iss": ISSUER,
        "after": "0",
        "cursor": "c1",
        "issued_at": NOW,
        "entries": [["session", "9TG9wabZHsxHrMf1_gInkA", None, NOW + 660]],
        "reset": True,
    }


@pytest.mark.parametrize(
    "changes",
    [
        {"iss": ...}, {"iss": "https://other.example"}, {"iss": ISSUER + "/"}, {"iss": [ISSUER]},
        {"after": ...}, {"after": ""}, {"after": 7}, {"after": "x" * 65}, {"after": "a b"},
        {"cursor": ...}, {"cursor": ""}, {"cursor": None}, {"cursor": "&after=0"}, {"cursor": "a\n"},
        {"issued_at": ...}, {"issued_at": "now"}, {"issued_at": True}, {"issued_at": -1}, {"issued_at": 1.5},
        {"entries": ...}, {"entries": {}}, {"entries": None}, {"entries": [7]}, {"entries": [[]]},
        {"entries": [["session", "A" * 22, None]]}, {"entries": [["session", "A" * 22, None, NOW, 1]]},
        {"entries": [["session", "A" * 21, None, NOW]]}, {"entries": [["session", "A" * 21 + "B", None, NOW]]},
        {"entries": [["session", "A" * 43, None, NOW]]}, {"entries": [["session", "=" * 22, None, NOW]]},
        {"entries": [["session", 7, None, NOW]]}, {"entries": [["session", "A" * 22, "0", NOW]]},
        {"entries": [["session", "A" * 22, True, NOW]]}, {"entries": [["session", "A" * 22, None, 1.5]]},
        {"entries": [["session", "A" * 22, None, None]]}, {"entries": [["", "A" * 22, None, NOW]]},
        {"entries": [["Session", "A" * 22, None, NOW]]}, {"entries": [[7, "A" * 22, None, NOW]]},
        {"entries": [["session", "A" * 22, None, NOW]] * (MAX_ENTRIES + 1)},
        {"reset": "true"}, {"reset": 1}, {"reset": None}, {"more": "yes"},
    ],
)  # fmt: skip
def test_what_is_not_of_the_form_is_refused_as_a_whole(changes: dict[str, object]) -> None:
    """No entry of such a page is believed, because nobody knows what else is wrong with it."""
    assert read_page(claims(), PARTY.keys, issuer=ISSUER)

    with pytest.raises(InvalidToken):
        read_page(claims(**changes), PARTY.keys, issuer=ISSUER)
