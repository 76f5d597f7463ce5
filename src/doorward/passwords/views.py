"""What whoever has just logged in gets, by password or otherwise: tokens in the body, or the cookie in a header."""

from msgspec import Struct
from starlette.responses import Response

from doorward.accounts.views import AccountView
from doorward.passwords.flows import LogIn
from doorward.sessions.flows import Sessions
from doorward.tokens.views import PairAnswer
from doorward.web.body import write_json
from doorward.web.browser import SessionCookie


class LoginAnswer(PairAnswer):
    """The tokens of a new session, and whose it is."""

    account: AccountView


class CookieLoginAnswer(Struct):
    """The answer that goes with the cookie; there is no token in it (ASVS 3.3.4)."""

    session_id: str
    account: AccountView


def answer_log_in(log_in: LogIn, sessions: Sessions, cookie: SessionCookie) -> Response:
    """Answer a log-in that has happened."""
    account = AccountView.of(log_in.account)
    if log_in.tokens is None:
        return write_json(
            CookieLoginAnswer(log_in.session.id, account), headers=cookie_header(log_in, sessions, cookie)
        )
    pair = log_in.tokens
    return write_json(
        LoginAnswer(
            access_token=pair.access_token,
            expires_in=pair.expires_in,
            refresh_token=pair.refresh_token,
            refresh_expires_in=pair.refresh_expires_in,
            session_id=pair.session_id,
            account=account,
        )
    )


def cookie_header(log_in: LogIn, sessions: Sessions, cookie: SessionCookie) -> dict[str, str]:
    """Write the header that sets the session's cookie, where the session has one."""
    if log_in.cookie is None:
        return {}
    return {"Set-Cookie": cookie.set(log_in.cookie, max_age=sessions.lifetime_of_cookie(log_in.session))}
