"""A real program over real TLS: certificates are renewed under load and not one new connection fails."""

import signal
import socket
import ssl
import threading
from collections import Counter
from pathlib import Path

import pytest

from doorward.core.clock import system_clock
from doorward.serving.certificates import development_certificate
from tests.serving.client import context, free_port, program, wait_for_screen

CLIENTS = 4
RENEWALS = 3


class Load:
    """Clients that connect, ask once and leave, over and over, and remember which certificate they saw."""

    def __init__(self, port: int, authority: Path) -> None:
        """Take what to ask."""
        self._port = port
        self._tls = context(authority)
        self._over = threading.Event()
        self.failures: list[BaseException] = []
        self.seen: Counter[bytes] = Counter()
        self._threads = [threading.Thread(target=self._run) for _ in range(CLIENTS)]

    def __enter__(self) -> "Load":
        """Begin."""
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """End."""
        self._over.set()
        for thread in self._threads:
            thread.join()

    def _run(self) -> None:
        while not self._over.is_set():
            try:
                self._ask()
            except (OSError, AssertionError) as problem:
                self.failures.append(problem)

    def _ask(self) -> None:
        with (
            socket.create_connection(("127.0.0.1", self._port), timeout=10) as plain,
            self._tls.wrap_socket(plain, server_hostname="localhost") as secure,
        ):
            secure.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
            assert secure.recv(100).startswith(b"HTTP/1.1 200")
            certificate = secure.getpeercert(binary_form=True)
            assert certificate is not None
            self.seen[certificate] += 1

    def wait_for(self, certificates: int) -> None:
        """Wait until so many different certificates have been seen, and the last of them a few times more."""
        for _ in range(1000):
            if len(self.seen) >= certificates and min(self.seen.values()) > CLIENTS:
                return
            self._over.wait(0.02)
        raise AssertionError(f"only {len(self.seen)} certificates were seen")


@pytest.mark.parametrize("workers", [1, 2])
def test_no_connection_fails_while_certificates_are_renewed(workers: int, tmp_path: Path) -> None:
    """By SIGHUP, again and again, in one process and in several."""
    now = system_clock()
    made = development_certificate(tmp_path / "issued", "localhost", now=now)
    port = free_port()
    arguments = (
        f"port={port}, workers={workers}, certificate=Path({str(made.certificate)!r}), "
        f"private_key=Path({str(made.private_key)!r})"
    )
    with program(tmp_path, arguments, drain=0.3) as running:
        wait_for_screen(running)
        with Load(port, made.authority) as load:
            load.wait_for(1)
            for renewal in range(RENEWALS):
                made.private_key.unlink()
                development_certificate(tmp_path / "issued", "localhost", now=now)
                running.send_signal(signal.SIGHUP)
                load.wait_for(renewal + 2)

    assert load.failures == []
    assert len(load.seen) == RENEWALS + 1


def test_sigterm_lets_a_request_in_flight_finish_and_ends_with_zero(tmp_path: Path) -> None:
    """Over real TLS, in a program of its own."""
    port = free_port()
    with program(tmp_path, f"port={port}") as running:
        wait_for_screen(running)
        tls = context(tmp_path / "data" / "certificates" / "authority.pem")
        with (
            socket.create_connection(("127.0.0.1", port), timeout=10) as plain,
            tls.wrap_socket(plain, server_hostname="localhost") as secure,
        ):
            secure.sendall(b"GET /slow HTTP/1.1\r\nHost: localhost\r\n\r\n")
            _ask_once(port, tls)
            running.send_signal(signal.SIGTERM)
            answer = secure.recv(4096)
        code = running.wait(timeout=10)

    assert answer.startswith(b"HTTP/1.1 200")
    assert code == 0


def _ask_once(port: int, tls: ssl.SSLContext) -> None:
    """Whatever was sent before this is answered has been taken up by the server."""
    with (
        socket.create_connection(("127.0.0.1", port), timeout=10) as plain,
        tls.wrap_socket(plain, server_hostname="localhost") as secure,
    ):
        secure.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        assert secure.recv(100)
