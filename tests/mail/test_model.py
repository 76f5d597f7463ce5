"""Where a mail server is, what its answer leads to, and who may get mail. Tables."""

import pytest

from doorward.mail.model import (
    Again,
    Deferred,
    Refused,
    Server,
    SetAside,
    decide_next,
    is_loopback,
    is_recipient,
    read_server,
    told,
)


@pytest.mark.parametrize(
    ("url", "server"),
    [
        ("smtps://mail.test", Server("mail.test", 465, "tls")),
        ("smtps://u:p%40ss@mail.test:1465", Server("mail.test", 1465, "tls", "u", "p@ss")),
        ("smtp://u%40a.test:p@mail.test", Server("mail.test", 587, "starttls", "u@a.test", "p")),
        ("smtp://mail.test:25/", Server("mail.test", 25, "starttls")),
        ("smtp+plain://127.0.0.1", Server("127.0.0.1", 25, "none")),
        ("smtp+plain://localhost:1025", Server("localhost", 1025, "none")),
        ("smtp+plain://[::1]:1025", Server("::1", 1025, "none")),
    ],
)
def test_a_url_names_a_server(url: str, server: Server) -> None:
    """Its scheme says how TLS begins, and nothing says that it may be missing on a network."""
    assert read_server(url) == server


@pytest.mark.parametrize(
    "url",
    [
        "mail.test", "http://mail.test", "smtp:mail.test", "smtp://", "smtp://mail.test:port", "smtp://mail.test/x",
        "smtp://mail.test?tls=no", "smtp://mail.test#x", "smtp://u@mail.test", "smtp://:p@mail.test",
        "smtp+plain://mail.test", "smtp+plain://10.0.0.1", "smtp+plain://u:hunter2@127.0.0.1", "smtp://[::1",
    ],
)  # fmt: skip
def test_a_url_that_is_doubtful_names_none(url: str) -> None:
    """And what is said about it holds no password."""
    with pytest.raises(ValueError, match=r".+") as refused:
        read_server(url)

    assert "hunter2" not in str(refused.value)


def decide(outcome: Deferred | Refused, *, tries: int = 1, age: int = 0, chance: int = 128) -> Again | SetAside:
    """Decide about a mail that was queued some seconds ago."""
    return decide_next(outcome, tries=tries, queued_at=0, now=age, max_age=10_000, chance=chance)


@pytest.mark.parametrize(("tries", "pause"), [(1, 30), (2, 60), (3, 120), (8, 3600), (40, 3600)])
def test_pauses_grow_and_stay_bounded(tries: int, pause: int) -> None:
    """Each is twice the one before, up to an hour."""
    assert decide(Deferred("x"), tries=tries) == Again(pause, "x")


def test_chance_spreads_the_tries() -> None:
    """Between three quarters and one and a quarter of the pause, so that a thousand mails do not come back at once."""
    times = [decide(Deferred("x"), tries=8, chance=chance) for chance in (0, 255)]

    assert times == [Again(2700, "x"), Again(4485, "x")]


def test_what_nobody_took_for_too_long_is_set_aside() -> None:
    """With the last reason."""
    assert decide(Deferred("451 later"), age=9_980) == SetAside(
        "nobody took it for too long; the last answer was: 451 later"
    )


def test_what_was_refused_is_set_aside_at_once() -> None:
    """550 does not get better."""
    assert decide(Refused("550 no")) == SetAside("550 no")


def test_what_a_server_says_is_made_fit_for_a_line() -> None:
    """No line breaks, no terminal control, not without end."""
    assert told("550 no\r\nfake\x1b[31m" + "x" * 500) == "550 no  fake [31m" + "x" * 183


@pytest.mark.parametrize(
    ("host", "expected"), [("localhost", True), ("::1", True), ("127.8.8.8", True), ("a.test", False)]
)
def test_loopback_is_this_machine(host: str, expected: bool) -> None:
    """Names that merely sound local are not."""
    assert is_loopback(host) is expected


@pytest.mark.parametrize(
    "address", ["", "ada", "ada@b", "a@b.test\r\nBcc: c@d.test", '"e@f.test"@g.test', "a@b.test,c@d.test"]
)
def test_who_is_no_recipient(address: str) -> None:
    """Asked again right before sending, whatever stands in the table."""
    assert not is_recipient(address)
