"""Listening sockets: the newest gets every connection, and whoever was first keeps what it has."""

import errno
import socket
from contextlib import closing
from typing import Any

import pytest

from doorward.serving import listening
from doorward.serving.listening import Address


def accepted(listener: socket.socket) -> int:
    """Take everything that waits on a listener and count it."""
    count = 0
    while True:
        try:
            listener.accept()[0].close()
        except BlockingIOError:
            return count
        count += 1


def connect(address: Address, times: int) -> None:
    """Make connections and leave them."""
    for _ in range(times):
        socket.create_connection((address.host, address.port)).close()


def test_the_newest_listener_gets_every_new_connection() -> None:
    """Also after the one before has been closed, again and again."""
    address = Address("127.0.0.1", 0)
    old = address.listener()
    connect(address, 5)

    for _ in range(3):
        new = address.listener()
        connect(address, 20)
        counts = (accepted(old), accepted(new))
        old.close()
        old = new

        assert counts[1] == 20
        assert counts[0] in (0, 5)
    old.close()


def test_what_the_old_one_was_given_stays_its_own() -> None:
    """A connection that waited before the change is answered by whom it waited for."""
    address = Address("127.0.0.1", 0)
    with closing(address.listener()) as old:
        connect(address, 5)

        with closing(address.listener()) as new:
            connect(address, 1)

            assert (accepted(old), accepted(new)) == (5, 1)


def test_where_the_filter_is_unknown_one_socket_is_shared(monkeypatch: pytest.MonkeyPatch) -> None:
    """Other kernels lose at most a handshake, never an address."""
    monkeypatch.setattr(listening, "SO_ATTACH_REUSEPORT_CBPF", 9999)
    address = Address("127.0.0.1", 0)

    with closing(address.listener()) as old, closing(address.listener()) as new:
        connect(address, 3)

        assert accepted(old) + accepted(new) == 3
    address.close()


def test_an_address_in_use_is_refused_in_words() -> None:
    """Another instance of this program counts too: sharing a port in silence would hide a mistake."""
    address = Address("127.0.0.1", 0)
    with closing(address.listener()), pytest.raises(OSError, match="in use by another program") as raised:
        Address("127.0.0.1", address.port)

    assert raised.value.filename == f"127.0.0.1:{address.port}"


@pytest.mark.parametrize(
    ("number", "words"), [(errno.EACCES, "ports below 1024"), (errno.EADDRNOTAVAIL, "Cannot assign")]
)
def test_what_the_system_refuses_is_explained(number: int, words: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A port below 1024 is the usual case."""

    class Refusing(socket.socket):
        def bind(self, _: Any) -> None:
            raise OSError(number, "Cannot assign requested address")

    monkeypatch.setattr(listening.socket, "socket", Refusing)

    with pytest.raises(OSError, match=words):
        Address("127.0.0.1", 80)


def test_a_host_that_is_none_is_refused_in_words() -> None:
    """Before anything is opened."""
    with pytest.raises(OSError, match="not an address of this machine"):
        Address("no such host.invalid", 8443)


def test_the_newer_protocol_has_its_own_family() -> None:
    """``::1`` is listened on as IPv6."""
    address = Address("::1", 0)

    with closing(address.listener()) as listener:
        assert listener.family == socket.AF_INET6
