"""Listening sockets that can be replaced under load without losing one connection.

Granian reads a certificate once, so a renewed one means a new server beside the old one, and the old one must not be
cut off from connections that the kernel has already given it. Each server therefore has its own socket on the same
address (SO_REUSEPORT), and a filter of two words, attached once, tells the kernel to give every new connection to the
second socket of the group: while there is only one, the filter points beyond the group and the kernel takes that one
(``Documentation/networking/filter``, ``reuseport_select_sock``). The old server then has nothing new to take, finishes
what it has, and is closed; the new one moves up. There may be two at a time, never three.

Where the filter is unknown, all share one socket: a connection in the middle of its handshake may then be lost.
"""

import ctypes
import socket
import struct
from typing import Final

SO_ATTACH_REUSEPORT_CBPF: Final = 51
"""Linux, ``asm-generic/socket.h``; the socket module does not name it."""

_BPF_RETURN_ONE: Final = struct.pack("HBBI", 0x06, 0, 0, 1)
"""One instruction of classic BPF: BPF_RET | BPF_K, 1. It is the index of a socket within its group."""

BACKLOG: Final = 1024


class Address:
    """A host and port to listen on, from which sockets are taken one after the other."""

    def __init__(self, host: str, port: int) -> None:
        """Reserve the address. Raises ``OSError`` naming it when it is in use, not ours, or not allowed."""
        self.host = host
        self._family = _family(host, port)
        self._shared: socket.socket | None = None
        try:
            # Without SO_REUSEPORT: a second instance must be told that the port is taken, not share it in silence.
            with self._bound(port) as probe:
                self.port: int = probe.getsockname()[1]
        except OSError as problem:
            raise OSError(problem.errno, _explain(problem), f"{host}:{port}") from None

    def listener(self) -> socket.socket:
        """Return a socket that listens, does not block, and takes every connection from now on.

        The one before must be closed before the next is asked for.
        """
        if self._shared is not None:
            return self._shared.dup()
        listener = self._bound(self.port, socket.SO_REUSEPORT)
        listener.listen(BACKLOG)
        listener.setblocking(False)
        if _prefer_newest(listener):
            return listener
        self._shared = listener
        return listener.dup()

    def close(self) -> None:
        """Let go of the address; listeners that were handed out are for those who have them."""
        if self._shared is not None:
            self._shared.close()

    def _bound(self, port: int, *options: int) -> socket.socket:
        bound = socket.socket(self._family, socket.SOCK_STREAM)
        try:
            for option in (socket.SO_REUSEADDR, *options):
                bound.setsockopt(socket.SOL_SOCKET, option, 1)
            bound.bind((self.host, port))
        except OSError:
            bound.close()
            raise
        return bound


def _prefer_newest(listener: socket.socket) -> bool:
    """Attach the filter; only after listen(), for before it the kernel would let no second socket bind."""
    instruction = ctypes.create_string_buffer(_BPF_RETURN_ONE, len(_BPF_RETURN_ONE))
    program = struct.pack("HL", 1, ctypes.addressof(instruction))
    try:
        listener.setsockopt(socket.SOL_SOCKET, SO_ATTACH_REUSEPORT_CBPF, program)
    except OSError:
        return False
    return True


def _family(host: str, port: int) -> socket.AddressFamily:
    try:
        return socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0][0]
    except socket.gaierror as problem:
        raise OSError(problem.errno, "this is not an address of this machine", host) from None


def _explain(problem: OSError) -> str:
    match problem:
        case PermissionError():
            return "ports below 1024 need a privilege: use a higher one behind a redirect, or CAP_NET_BIND_SERVICE"
        case OSError(errno=98 | 48):
            return "the address is in use by another program"
        case _:
            return problem.strerror or str(problem)
