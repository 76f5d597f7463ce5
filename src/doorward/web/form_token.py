"""The token of a form: an HMAC that ties it to one session, or to one browser before there is a session.

Fetch Metadata and ``Origin`` are asked first (``web/browser.py``); this is the second lock, which NIST SP 800-63B-4
§5.1 asks for. It is no double-submitted cookie: a token is worth nothing in another session, and nobody makes one
without the instance's secret. Before a log-in it is bound to a random value in a cookie of its own, so that logging
in, registering and logging out are protected too, and that value never becomes a session.
"""

import base64
import binascii
import hashlib
import hmac
from typing import Final

from doorward.core.secret import KEY_ID_BYTES, SecretRing
from doorward.errors import CrossSiteRequest

_PURPOSE: Final = "form-token"
FIELD: Final = "form_token"
"""The name of the hidden field."""


class FormExpired(CrossSiteRequest):
    """A form without the token of this session, or of this browser; nothing was done. Nearly always it is just old."""


def of_visitor(value: str) -> str:
    """Return what the forms of a browser are bound to before there is a session; of an empty value nothing.

    Marked, because a cookie says what its sender likes. The id of somebody's session, which is no secret, put there
    would buy a token that is good in that session.
    """
    return f"visitor {value}" if value else ""


def make_form_token(ring: SecretRing, binding: str) -> str:
    """Write the token of every form that is shown to the holder of ``binding``."""
    return _write(ring.newest_id, ring.newest_key(_PURPOSE), binding)


def is_form_token(ring: SecretRing, binding: str, token: str) -> bool:
    """Tell whether a token was made for ``binding``, in constant time, with any secret of the ring."""
    try:
        raw = base64.b64decode(token.encode("ascii"), altchars=b"-_", validate=True)
    except (binascii.Error, UnicodeEncodeError):
        return False
    key = ring.key(raw[:KEY_ID_BYTES], _PURPOSE)
    if key is None:
        return False
    return hmac.compare_digest(_write(raw[:KEY_ID_BYTES], key, binding), token)


def _write(identifier: bytes, key: bytes, binding: str) -> str:
    mac = hmac.digest(key, binding.encode(), hashlib.sha256)
    return base64.urlsafe_b64encode(identifier + mac).decode("ascii")
