"""Finding the one bearer token of a request (RFC 6750 section 2.1). Pure.

Only the Authorization header is read: never the query string, a form or another header (``security.md`` row 42).
Adapters for other protocols hand in the same pairs of bytes.
"""

import re
from collections.abc import Iterable
from typing import Final

from doorward.errors import InvalidRequest

Headers = Iterable[tuple[bytes, bytes]]
"""Pairs of lower-case name and value, as ASGI has them."""

_B64TOKEN: Final = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~+/"
"""The alphabet of ``b64token``; any number of ``=`` may follow."""

_LETTERS: Final = b"abcdefghijklmnopqrstuvwxyz0123456789!#$%&'*+-.^_`|~"
"""What may go on in the name of a scheme (``tchar`` of RFC 9110 section 5.6.2)."""


def bearer_token(headers: Headers) -> str | None:
    """Return the bearer token, or ``None`` where no bearer credential was sent.

    Another scheme, ``Basic`` for example, is no bearer credential and gives ``None``: protected paths refuse it.
    Raises :class:`~doorward.errors.InvalidRequest` for two Authorization headers, whatever their schemes, and for a
    bearer credential that is not one space and one ``b64token``.
    """
    credentials = None
    for name, value in headers:
        if name == b"authorization":
            if credentials is not None:
                raise InvalidRequest("two Authorization headers")
            credentials = value
    if credentials is None:
        return None
    if credentials[:7].lower() != b"bearer ":
        if _says_bearer(credentials):
            raise InvalidRequest("the bearer credential is malformed")
        return None
    token = credentials[7:]
    body = token.rstrip(b"=")
    if not body or body.translate(None, _B64TOKEN):
        raise InvalidRequest("the bearer token is no b64token")
    return token.decode("ascii")


def separated(joined: str) -> list[tuple[bytes, bytes]]:
    """Take the value of an Authorization header apart where a gateway has joined several with commas.

    CGI, WSGI and what follows them have one variable for a header, however often it was sent. Parameters of one
    credential are ``name=value``; a comma with something else behind it was a second credential, or nothing, and
    becomes a second header, which :func:`bearer_token` refuses. What is no latin-1 becomes question marks.
    """
    value = joined.encode("latin-1", "replace")
    return [(b"authorization", part) for part in _SECOND.split(value, maxsplit=1)]


_SECOND: Final = re.compile(rb",[ \t]*+(?=[^ \t,=]*(?:[ \t,]|\Z))")


def header(headers: Headers, name: bytes) -> bytes:
    """Return a header's value, its repetitions joined as RFC 9110 section 5.3 says; empty when absent."""
    return b", ".join(value for key, value in headers if key == name)


def _says_bearer(credentials: bytes) -> bool:
    """Tell whether this was meant as a bearer credential: the word, then nothing that could continue a word."""
    said = credentials.strip().lower()
    return said.startswith(b"bearer") and (said[6:7] == b"" or said[6:7] not in _LETTERS)
