"""What whoever has just logged in gets, by password or otherwise: tokens in the body, or the cookie in a header."""

from msgspec import Struct
from starlette.responses import Response

from doorward.accounts.views import AccountView
from doorward.passwords.flows import LogIn
from doorward.sessions.flows import Sessions
from doorward.settings import Settings
from doorward.tokens.views import PairAnswer
from doorward.web.body import write_json
from doorward.web.browser import DEVICE_HEADER, SessionCookie, device_cookie


class LoginAnswer(PairAnswer):
    """The tokens of a new session, and whose it is."""

    account: AccountView


class CookieLoginAnswer(Struct):
    """The answer that goes with the cookie; there is no token in it (ASVS 3.3.4)."""

    session_id: str
    account: AccountView


def answer_log_in(log_in: LogIn, sessions: Sessions, cookie: SessionCookie, settings: Settings) -> Response:
    """Answer a log-in that has happened."""
    return remember_device(_face(log_in, sessions, cookie), log_in, settings)


def remember_device(answer: Response, log_in: LogIn, settings: Settings) -> Response:
    """Leave behind what the account knows the device by, in the place where its kind of caller keeps things."""
    if log_in.session.transport == "cookie":
        lifetime = settings.limits.device_lifetime
        answer.headers.append("Set-Cookie", device_cookie(log_in.device, max_age=lifetime))
    else:
        answer.headers[DEVICE_HEADER.decode()] = log_in.device
    return answer


def _face(log_in: LogIn, sessions: Sessions, cookie: SessionCookie) -> Response:
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
