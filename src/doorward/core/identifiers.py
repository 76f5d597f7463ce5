"""Public identifiers: ``acc_…`` for accounts, ``ses_…`` for sessions. Random, never reused, safe in URLs and logs.

128 random bits in lower-case base32, so that a name can be read out, double-clicked and compared without regard to
letter case by tools that do so anyway. The prefix keeps the spaces apart: an account can never be taken for a client
(RFC 9700 §4.15) or a session.
"""

import base64
import re

from doorward.core.clock import Entropy

IDENTIFIER_BYTES = 16
_FORM = re.compile(r"[a-z]{3}_[a-z2-7]{26}")


def new_identifier(prefix: str, entropy: Entropy) -> str:
    """Make a fresh identifier, for example ``acc_4x6ztwv3cnb7pplmeq5ia2dj7u``."""
    body = base64.b32encode(entropy(IDENTIFIER_BYTES)).decode("ascii").rstrip("=").lower()
    return f"{prefix}_{body}"


def is_identifier(prefix: str, text: str) -> bool:
    """Tell whether ``text`` has the form of an identifier of that kind. It says nothing about existence."""
    return text.startswith(f"{prefix}_") and _FORM.fullmatch(text) is not None
