"""Keys that are fetched from a real server, over real HTTP and TLS."""

import asyncio
import logging
import ssl
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import trustme

from doorward.errors import InvalidToken, KeysUnavailable, UnknownKey
from doorward.verify import Verifier, issuer_keys
from tests.verify.key_server import KeyServer, publishing, saying, serving, waiting_for
from tests.verify.parties import NOW, Clock, Issuer


@pytest.fixture
def authority() -> trustme.CA:
    """Make a private authority."""
    return trustme.CA()


@pytest.fixture
def party() -> Issuer:
    """Make an issuer; its name is set to the server's address."""
    return Issuer()


@pytest.fixture
def server(party: Issuer) -> Iterator[KeyServer]:
    """Serve the keys of the issuer over plain HTTP on this machine."""
    with serving(publishing(party.keys)) as server:
        party.name = server.url
        yield server


def fetching(party: Issuer, clock: Clock | None = None, **options: object) -> Verifier:
    """Make a verifier that fetches its keys."""
    clock = Clock() if clock is None else clock
    options.setdefault("follow_revocations", False)
    return Verifier(issuer=party.name, clock=clock, allow_http_on_loopback=True, **options)  # type: ignore[arg-type]


def landed(verifier: Verifier) -> None:
    """Wait until no fetch is under way."""
    assert verifier._fetched is not None
    flight = verifier._fetched._flight
    if flight is not None:
        flight.result(10)


def test_keys_are_fetched_when_first_needed(party: Issuer, server: KeyServer) -> None:
    """From the well-known address, once, and not at construction."""
    verifier = fetching(party)
    assert server.asked == []

    for _ in range(3):
        assert verifier.check(party.token()).subject == "acc_one"

    assert server.asked == ["/.well-known/jwks.json"]


async def test_keys_are_fetched_without_blocking_the_loop(party: Issuer) -> None:
    """While the server takes its time, other coroutines go on; all who wait share one fetch."""
    ready = threading.Event()
    with serving(waiting_for(ready, publishing(party.keys))) as server:
        party.name = server.url
        verifier = fetching(party)
        waiting = [asyncio.create_task(verifier.check_async(party.token(jti=str(number)))) for number in range(50)]
        await asyncio.to_thread(server.came.wait, 10)

        ready.set()
        principals = await asyncio.gather(*waiting)

        assert {principal.subject for principal in principals} == {"acc_one"}
        assert len(server.asked) == 1


def test_threads_share_one_fetch(party: Issuer) -> None:
    """Single flight for threads as well."""
    ready = threading.Event()
    with serving(waiting_for(ready, publishing(party.keys))) as server:
        party.name = server.url
        verifier = fetching(party)
        subjects: list[str] = []
        threads = [
            threading.Thread(target=lambda: subjects.append(verifier.check(party.token()).subject)) for _ in range(20)
        ]
        for thread in threads:
            thread.start()
        ready.set()
        for thread in threads:
            thread.join()

        assert subjects == ["acc_one"] * 20
        assert len(server.asked) == 1


async def test_somebody_who_gives_up_does_not_take_the_others_along(party: Issuer) -> None:
    """A cancelled request leaves the fetch to those who still wait."""
    ready = threading.Event()
    with serving(waiting_for(ready, publishing(party.keys))) as server:
        party.name = server.url
        verifier = fetching(party)
        first, second = (asyncio.create_task(verifier.check_async(party.token())) for _ in range(2))
        await asyncio.to_thread(server.came.wait, 10)

        first.cancel()
        with pytest.raises(asyncio.CancelledError):
            await first
        ready.set()

        assert (await second).subject == "acc_one"


def test_a_new_key_is_found_by_its_first_token(party: Issuer, server: KeyServer) -> None:
    """An unknown key id asks again, if the last time was long enough ago."""
    clock = Clock()
    verifier = fetching(party, clock)
    verifier.check(party.token())
    successor = Issuer(party.name)
    server.behaviour = publishing(successor.keys)

    with pytest.raises(UnknownKey):
        verifier.check(successor.token())
    clock.now = NOW + 10

    assert verifier.check(successor.token()).subject == "acc_one"
    with pytest.raises(InvalidToken):
        verifier.check(party.token())


def test_a_withdrawn_key_is_noticed_although_every_token_is_cached(party: Issuer, server: KeyServer) -> None:
    """The refresh does not depend on anything unknown."""
    clock = Clock()
    verifier = fetching(party, clock)
    token = party.token()
    verifier.check(token)
    server.behaviour = publishing(Issuer().keys)

    clock.now = NOW + 300
    verifier.check(token)
    landed(verifier)

    with pytest.raises(InvalidToken):
        verifier.check(token)


def test_an_unreachable_server_changes_nothing(
    party: Issuer, server: KeyServer, caplog: pytest.LogCaptureFixture
) -> None:
    """The keys that are there go on serving, for a day; then no token can be judged."""
    clock = Clock()
    verifier = fetching(party, clock)
    verifier.check(party.token())
    server.behaviour = saying(503)

    with caplog.at_level(logging.WARNING, logger="doorward.verify"):
        for moment in (300, 3_600, 86_000):
            clock.now = NOW + moment
            assert verifier.check(party.token(iat=clock.now, exp=clock.now + 600, auth_time=NOW)).subject == "acc_one"
            landed(verifier)
    clock.now = NOW + 86_400

    with pytest.raises(KeysUnavailable):
        verifier.check(party.token(iat=clock.now, exp=clock.now + 600, auth_time=NOW))
    assert "could not be fetched" in caplog.text


def test_a_service_may_start_before_its_issuer(party: Issuer, server: KeyServer) -> None:
    """Without keys it says so, with 503 and not with 401, and tries again a second later."""
    clock = Clock()
    good, server.behaviour = server.behaviour, saying(502)
    verifier = fetching(party, clock)
    for _ in range(3):
        with pytest.raises(KeysUnavailable) as unavailable:
            verifier.check(party.token())
    assert unavailable.value.status == 503
    assert len(server.asked) == 1

    server.behaviour = good
    clock.now = NOW + 1

    assert verifier.check(party.token()).subject == "acc_one"


async def test_it_says_so_in_coroutines_too(party: Issuer, server: KeyServer) -> None:
    """The same, without blocking."""
    server.behaviour = saying(502)
    verifier = fetching(party)

    for _ in range(2):
        with pytest.raises(KeysUnavailable):
            await verifier.check_async(party.token())

    assert len(server.asked) == 1


def test_a_key_set_elsewhere_can_be_named(party: Issuer, server: KeyServer) -> None:
    """For a service that reaches its issuer by another address; the name in the tokens stays."""
    party.name = "https://auth.example"
    verifier = fetching(party, jwks_url=f"{server.url}/keys")

    assert verifier.check(party.token()).subject == "acc_one"
    assert server.asked == ["/keys"]


def test_an_issuer_below_a_mount_point_has_its_keys_there(party: Issuer, server: KeyServer) -> None:
    """The issuer is the origin plus the mount point, and so is the address."""
    party.name = f"{server.url}/auth"

    fetching(party).check(party.token())

    assert server.asked == ["/auth/.well-known/jwks.json"]


def test_a_private_authority_can_be_trusted(party: Issuer, authority: trustme.CA, tmp_path: Path) -> None:
    """Over TLS, with the development authority in a file."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(context)
    ca_file = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(str(ca_file))
    with serving(publishing(party.keys), context) as server:
        party.name = server.url

        verifier = Verifier(issuer=party.name, clock=Clock(), ca_file=str(ca_file), follow_revocations=False)

        assert verifier.check(party.token()).subject == "acc_one"


@pytest.mark.parametrize("names", ["localhost", "other.example"])
def test_a_stranger_s_certificate_is_refused(party: Issuer, authority: trustme.CA, tmp_path: Path, names: str) -> None:
    """Neither an unknown authority nor another name is the issuer."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(names).configure_cert(context)
    trusted = authority if names != "localhost" else trustme.CA()
    ca_file = tmp_path / "ca.pem"
    trusted.cert_pem.write_to_path(str(ca_file))
    with serving(publishing(party.keys), context) as server:
        party.name = server.url

        with pytest.raises(KeysUnavailable):
            Verifier(issuer=party.name, clock=Clock(), ca_file=str(ca_file), follow_revocations=False).check(
                party.token()
            )

        assert server.asked == []


def test_nobody_waits_for_ever(
    party: Issuer, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A fetch that hangs (a name server, say) is waited for a while and goes on alone."""
    monkeypatch.setattr(issuer_keys, "TIME_LIMIT", 0.01)
    ready = threading.Event()
    with serving(waiting_for(ready, publishing(party.keys))) as server:
        party.name = server.url
        verifier = fetching(party)

        with pytest.raises(KeysUnavailable):
            verifier.check(party.token())
        with pytest.raises(KeysUnavailable):
            asyncio.run(verifier.check_async(party.token()))
        ready.set()
        landed(verifier)

        assert verifier.check(party.token()).subject == "acc_one"
        assert len(server.asked) == 1
    assert "long in coming" in caplog.text


def test_a_machine_without_threads_left_recovers(
    party: Issuer, server: KeyServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A fetch that could not start is a fetch that failed."""
    clock = Clock()
    verifier = fetching(party, clock)

    def start(self: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", start)
        with pytest.raises(KeysUnavailable):
            verifier.check(party.token())
    clock.now = NOW + 1

    assert verifier.check(party.token()).subject == "acc_one"


def test_the_same_keys_again_keep_the_cache(party: Issuer, server: KeyServer) -> None:
    """A refresh without news costs nobody a signature."""
    clock = Clock()
    verifier = fetching(party, clock)
    verifier.check(party.token())
    trust = verifier._trust

    clock.now = NOW + 300
    verifier.check(party.token())
    landed(verifier)

    assert len(server.asked) == 2
    assert verifier._trust is trust
