"""What the pages behind the links of mails have in common.

Opening such a page uses nothing up (mail scanners open every link); its button sends a form. The link carries the
public id of the challenge in its query and the secret behind ``#``, where only the script of the page sees it. Without
a script, or on another device, the code from the mail is typed instead.
"""

from typing import Any, Final

from starlette.requests import Request

from doorward.errors import FieldError, InvalidFields
from doorward.verification.flows import Answer
from doorward.web.forms import Form
from doorward.web.translation import translatable
from doorward.web.visit import Blame, Sent

FIELDS: Final = ("challenge", "code", "token")
KEPT: Final = ("challenge", "token")
"""A form that comes back keeps the secret of the link: it went to our own page over TLS and back."""
MAX_TYPED: Final = 256

WRONG_CODE: Final = Blame(
    "code", translatable("This link or code does not work any more. Check the code, or ask for another mail.")
)
VARIABLES: Final = frozenset({"challenge", "token"})
"""What the template of such a page is handed."""


def read_answer(form: Form) -> Answer:
    """Read the secret from a form: what the link carried, else what was typed. Raises :class:`InvalidFields`."""
    if form["token"]:
        return Answer(token=form["token"][:MAX_TYPED])
    if not 0 < len(form["code"]) <= MAX_TYPED:
        raise InvalidFields("no code", errors=[FieldError("/code", "required", "Type the code from the mail.")])
    return Answer(challenge=form["challenge"][:MAX_TYPED], code=form["code"])


def carried(request: Request, sent: Sent) -> dict[str, Any]:
    """Return what the page's form carries: the id from the link, and the secret if it was sent before."""
    return {
        "challenge": sent.values.get("challenge") or request.query_params.get("challenge", "")[:64],
        "token": sent.values.get("token", ""),
    }
