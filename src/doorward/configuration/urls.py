"""Passwords inside URLs: a setting such as ``database.url`` may hold one, and is a secret then."""

import re
from typing import Final
from urllib.parse import unquote

_USER_INFO: Final = re.compile(r"(?<=://)[^@]*:.*@")
"""User and password; up to the last ``@``, for passwords are written into URLs without being encoded too."""


def masked(url: str) -> str:
    """Return the URL without any password: not before the host, and not among the parameters, as libpq takes it."""
    before, question_mark, query = _USER_INFO.sub("…@", url).partition("?")
    return before + question_mark + "&".join(map(_masked_parameter, query.split("&")))


def has_password(text: str) -> bool:
    """Tell whether a text is a URL with a password in it."""
    return masked(text) != text


def _masked_parameter(parameter: str) -> str:
    name, equals, value = parameter.partition("=")
    return f"{name}=…" if value and "password" in unquote(name).lower() else name + equals + value
