"""Judging a token for an operator: every step by itself, so that it can be said which one failed.

The verifier answers strangers with one word; here the same checks run one after the other on this instance's keys and
its database, and the reasons are told. Nothing is written, and nothing here is used to let anybody in.
"""

from typing import TYPE_CHECKING, Any, Final

from doorward.app import OWN_LEEWAY
from doorward.cli.times import moment, rough
from doorward.core.opaque import unseal
from doorward.core.secret import SecretRing
from doorward.errors import InvalidToken, NotFound
from doorward.jose import jws, jwt
from doorward.jose.keys import KeySet
from doorward.sessions.model import COOKIE_PREFIX, Session
from doorward.tokens.model import ACCESS_TOKEN_TYPE, REFRESH_PREFIX, Dead, Family, KeyState, Replay, decide_stale
from doorward.verify.model import RevocationSet, check_not_revoked, digest, examine

if TYPE_CHECKING:
    from doorward.app import Doorward
    from doorward.settings import Tokens
    from doorward.tokens.model import SurveyedKey

WORDS: Final = {
    "length": "it is longer than any token of ours",
    "alphabet": "it has characters that no token has",
    "segments": "it has not three parts",
    "encoding": "a part of it is not canonical base64url",
    "header": "its header is not strict JSON",
    "header members": "its header has not exactly alg, kid and typ",
    "type": f"its type is not {ACCESS_TOKEN_TYPE}, so it is no access token",
    "key": "no key of this instance has its kid: another issuer made it, or nobody",
    "algorithm": "its algorithm is not the one of its key",
    "signature": "its signature is wrong: it was forged or changed",
    "payload": "its claims are not strict JSON",
    "issuer": "its issuer is not this instance",
    "audience": "it is meant for another audience",
    "expired": "it has expired",
    "issued in the future": "it was issued in the future: a clock is wrong",
    "not yet valid": "it is not valid yet",
    "lifetime": "it claims to live longer than this server allows",
    "revoked": "it was revoked",
}
"""What the private reasons of the verifier mean, for people."""

_FORGED: Final = "this instance did not make it, or made it with a secret that is no longer set"


async def judge_access_token(auth: "Doorward", text: str, *, now: int) -> dict[str, Any]:
    """Judge a JWS: form, signature, claims, revocation. What is not verified never has the name of what is."""
    surveyed = await auth.keys.survey()
    keys = KeySet(each.public for each in surveyed if each.public is not None)
    try:
        signed = jwt.decode(text, keys, typ=ACCESS_TOKEN_TYPE)
    except InvalidToken as refused:
        header, claims = _unverified(text)
        why = _fate_of_key(header.get("unverified_header", {}).get("kid"), surveyed) or _in_words(refused)
        return {"kind": "access", "believed": False, "verified": False, "why": why} | header | claims
    await auth.revocations.follow()
    objection = _objection(auth, text, keys, now=now)
    sid = signed.claims.get("sid")
    revoked = _revoked(auth.revocations.live, sid=sid, jti=signed.claims.get("jti"), kid=signed.kid)
    return {
        "kind": "access",
        "believed": objection is None,
        "verified": True,
        "why": objection or "signature, claims and times are good, and nothing was revoked",
        "facts": {"revoked": revoked, **await _about_session(auth, sid, now=now)},
        "header": jws.read_header(text.partition(".")[0]),
        "claims": signed.claims,
    }


async def judge_refresh_token(auth: "Doorward", text: str, *, now: int) -> dict[str, Any]:
    """Judge a refresh token without spending it."""
    opaque = unseal(SecretRing(auth.settings.secret), REFRESH_PREFIX, text)
    if opaque is None:
        return {"kind": "refresh", "believed": False, "genuine": False, "why": _FORGED}
    settings = auth.settings.tokens
    family = await auth.tokens.family_of(text)
    good, why = decide_standing(family, presented=opaque.generation, now=now, settings=settings)
    facts: dict[str, Any] = {"generation": opaque.generation}
    if family is not None:
        facts |= {
            "current_generation": family.generation,
            "rotated_at": moment(family.rotated_at),
            "idle_until": moment(family.rotated_at + settings.refresh_idle_lifetime),
            "expires_at": moment(family.expires_at),
            "client_id": family.client_id,
            **await _about_session(auth, family.session_id, now=now),
        }
    return {"kind": "refresh", "believed": good, "genuine": True, "why": why, "facts": facts}


async def judge_cookie(auth: "Doorward", text: str, *, now: int) -> dict[str, Any]:
    """Judge the value of a session cookie without resuming the session, which would count as using it."""
    opaque = unseal(SecretRing(auth.settings.secret), COOKIE_PREFIX, text)
    if opaque is None:
        return {"kind": "cookie", "believed": False, "genuine": False, "why": _FORGED}
    facts: dict[str, Any] = {"generation": opaque.generation}
    session = await auth.sessions.behind(text)
    if session is None:
        why = "it is genuine, but there is no such session: it ended long ago, or the database is another one"
        return {"kind": "cookie", "believed": False, "genuine": True, "why": why, "facts": facts}
    facts |= {"current_generation": session.generation, **await _about_session(auth, session.id, now=now)}
    good = facts["session"] == "live" and not facts["account_disabled"]
    why = "its session is live" if good else "its session is over, or its account is disabled"
    if good and opaque.generation != session.generation:
        good, why = False, "it was replaced by a newer cookie at a log-in or a change of password"
    return {"kind": "cookie", "believed": good, "genuine": True, "why": why, "facts": facts}


def decide_standing(family: Family | None, *, presented: int, now: int, settings: "Tokens") -> tuple[bool, str]:
    """Tell whether a genuine refresh token would be accepted now, and what would happen. Pure."""
    # A current token is not stale; asked about the one before it, the model tells whether the family still lives.
    is_current = family is not None and presented == family.generation
    decision = decide_stale(family, presented=presented - is_current, now=now, settings=settings)
    if isinstance(decision, Dead):
        return False, f"it is genuine, but: {decision.why}"
    if is_current:
        return True, "it is current; a refresh would spend it"
    since = rough(now - decision.family.rotated_at)
    if isinstance(decision, Replay):
        return True, f"it was spent {since} ago; for the replay window it still yields the same successor"
    return False, "it was spent before; whoever presents it now ends the session, because that looks like theft"


def _objection(auth: "Doorward", text: str, keys: KeySet, *, now: int) -> str | None:
    """Return what this instance's verifier would have against a token whose signature is good."""
    settings = auth.settings
    try:
        believed = examine(
            text,
            keys=keys,
            issuer=settings.issuer,
            audience=settings.audience,
            now=now,
            leeway=OWN_LEEWAY,
            max_lifetime=settings.tokens.access_lifetime,
        )
        check_not_revoked(believed, auth.revocations.live)
    except InvalidToken as refused:
        return _in_words(refused)
    return None


def _in_words(refused: InvalidToken) -> str:
    return WORDS.get(refused.why, f"its {refused.why} is missing or not of its form")


def _fate_of_key(kid: object, surveyed: "list[SurveyedKey]") -> str | None:
    """Say what became of a key of ours that cannot verify any more; ``None`` where that is not the reason."""
    for each in surveyed:
        if each.record.kid == kid and each.public is None:
            if each.record.state is KeyState.RETIRED:
                return "its key was retired, so that nobody can tell any more whether it signed this"
            return "its key was sealed with a secret that is not set here"
    return None


def _unverified(text: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Read header and claims of a token that is not believed, as far as they can be read."""
    header, claims = {}, {}
    try:
        header = {"unverified_header": jws.read_header(text.partition(".")[0])}
        claims = {"unverified_claims": jwt.parse_strict(jws.split(text).payload)}
    except (InvalidToken, ValueError):
        pass
    return header, claims


def _revoked(live: RevocationSet, *, sid: object, jti: object, kid: str) -> list[str]:
    """Name what of a token's foundations is on the list of revocations, which keeps them for a token's life only."""
    found = ["session"] if isinstance(sid, str) and live.covers(digest("session", sid)) else []
    found += ["token"] if isinstance(jti, str) and live.covers(digest("token", jti)) else []
    return found + (["key"] if live.covers(digest("key", kid)) else [])


async def _about_session(auth: "Doorward", sid: object, *, now: int) -> dict[str, Any]:
    session = await auth.sessions.find(sid) if isinstance(sid, str) else None
    if session is None:
        return {"session": "unknown"}
    try:
        account = await auth.accounts.find(session.account_id)
    except NotFound:  # pragma: no cover - a session is deleted with its account, between two statements at most
        return {"session": "unknown"}
    return {
        "session": _state(session, now),
        "session_id": session.id,
        "session_expires_at": moment(session.expires_at),
        "account_id": account.id,
        "email": account.email,
        "account_disabled": account.disabled_at is not None,
    }


def _state(session: Session, now: int) -> str:
    if session.ended_at is not None:
        return f"ended at {moment(session.ended_at)}"
    # A bearer session is seen when its tokens rotate, so only its deadline counts here.
    over = now >= session.expires_at if session.transport == "bearer" else not session.is_live(now)
    return "timed out" if over else "live"
