"""A list of somebody else, or of another day, put in the place of the true one."""

import socket
from collections.abc import Iterator

import pytest

from doorward.errors import InvalidToken
from doorward.verify.status_fetching import StatusUnavailable
from tests.verify.key_server import saying, serving
from tests.verify.parties import NOW, Issuer
from tests.verify.test_status_lists import Lists


@pytest.fixture
def lists() -> Iterator[Lists]:
    """Serve one."""
    with serving(saying(404)) as server:
        yield Lists(server)


@pytest.mark.parametrize(
    "uri",
    [
        "https://evil.example/v1/status-lists/0",
        "http://169.254.169.254/latest/meta-data",
        "file:///etc/passwd",
        "{issuer}.evil.example/v1/status-lists/0",
        "{issuer}@evil.example/v1/status-lists/0",
        "{issuer}",
        "{issuer}?x",
        "//evil.example/",
    ],
)
def test_nobody_is_sent_elsewhere_by_a_token(lists: Lists, uri: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Only below the issuer: no other host is ever connected to (SSRF)."""

    def connect(*_: object, **__: object) -> None:
        raise AssertionError("a connection was made")

    monkeypatch.setattr(socket, "create_connection", connect)
    token = lists.token(status={"status_list": {"idx": 3, "uri": uri.format(issuer=lists.issuer.name)}})

    with pytest.raises(InvalidToken):
        lists.verifier().check(token)


@pytest.mark.parametrize("tail", ["/v1/status-lists/0?x=1", "/v1/status-lists/0#x", "/a b", "/\\evil.example"])
def test_an_address_below_the_issuer_must_be_plain(lists: Lists, tail: str) -> None:
    """What other readers could take for another one is not asked."""
    token = lists.token(status={"status_list": {"idx": 3, "uri": lists.issuer.name + tail}})

    with pytest.raises(StatusUnavailable):
        lists.verifier().check(token)

    assert lists.server.asked == []


def test_a_list_that_another_issuer_signed_is_not_believed(lists: Lists) -> None:
    """Whoever stands between cannot make one."""
    verifier, token = lists.verifier(), lists.token()
    lists.issuer = Issuer(name=lists.issuer.name)

    with pytest.raises(StatusUnavailable):
        verifier.check(token)


def test_the_list_of_another_number_is_not_believed(lists: Lists) -> None:
    """``sub`` is the very address that the token names, or a good list could stand in for a bad one."""
    lists.revoked.add(3)
    lists.changes = {"sub": lists.uri.removesuffix("0") + "1"}

    with pytest.raises(StatusUnavailable):
        lists.verifier().check(lists.token())


def test_an_old_list_does_not_replace_a_newer_one(lists: Lists) -> None:
    """Somebody who kept yesterday's list cannot bring a session back with it."""
    verifier, token = lists.verifier(), lists.token()
    lists.revoked.add(3)
    with pytest.raises(InvalidToken):
        verifier.check(token)

    lists.revoked.clear()
    lists.clock.now += 61
    lists.changes = {"iat": NOW - 1, "exp": NOW + 3600}

    with pytest.raises(StatusUnavailable):
        verifier.check(token)


def test_an_expired_list_is_refused_however_fresh_it_arrives(lists: Lists) -> None:
    """``exp`` counts, whatever a cache on the way says."""
    lists.changes = {"iat": NOW - 3600, "exp": NOW - 31}

    with pytest.raises(StatusUnavailable):
        lists.verifier().check(lists.token())


def test_a_list_ends_with_its_expiry_even_within_its_ttl(lists: Lists) -> None:
    """The shorter of the two."""
    lists.changes = {"exp": NOW + 5, "ttl": 3600}
    verifier, token = lists.verifier(leeway=0), lists.token()
    verifier.check(token)
    lists.clock.now += 5
    lists.server.behaviour = saying(500)

    with pytest.raises(StatusUnavailable):
        verifier.check(token)
