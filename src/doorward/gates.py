"""Gates: where a host may refuse, or add. Each is asked before anything is written.

    auth.gates.add(BeforeRegistration, only_our_company)

A gate is a function, sync or async, of one frozen value. It returns ``None`` to let pass, or a :class:`Refusal`, whose
``reason`` and ``detail`` the caller sees as ``refused_by_policy`` (403). Gates of one kind are asked by ``order``, then
in the order in which they were added; the first refusal counts. A gate that raises, answers something else or takes too
long has refused as well, and the log says so (ASVS 16.5.3: nothing fails open). What a refusal means is remembered in
the trail by the flow that asked. Events (``hooks.py``) tell what has happened; nobody can refuse there.
"""

import asyncio
import inspect
import json
import logging
import re
from collections.abc import Awaitable, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, ClassVar, Final, TypeVar

from doorward.errors import Forbidden
from doorward.hooks import GateRefused

TIME_LIMIT: Final = 5.0
"""Seconds that one gate may take; a person waits for it."""

THREADS: Final = 4
"""Threads for gates that are not coroutines. If all of them hang, sync gates refuse, and nothing else is held up."""

MAX_CLAIMS_BYTES: Final = 2048
MAX_CLAIMS: Final = 16
FAILED: Final = "gate_failed"
"""The reason of a gate that did not answer as it should."""

_REASON = re.compile(r"[a-z][a-z0-9_]{0,63}")
_CLAIM = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*[:/][\x21-\x7e]{1,200}")
"""RFC 7519 §4.2: a name that nobody else uses has an authority in it, such as ``https://example.com/plan``."""

_log = logging.getLogger("doorward.gates")


class RefusedByPolicy(Forbidden):
    """A gate of the host said no; ``reason`` is its word for it, ``detail`` its sentence."""

    code = "refused_by_policy"
    title = "This is not allowed here"
    detail = "The operator of this service does not allow this."


@dataclass(frozen=True, slots=True)
class Refusal:
    """No. ``reason`` is a stable word for programs, ``detail`` a sentence for people; both are public."""

    detail: str
    reason: str = "policy"


@dataclass(frozen=True, slots=True, kw_only=True)
class BeforeRegistration:
    """Somebody, or an operator, is about to make an account. The fields were checked; the password is not shown."""

    name: ClassVar[str] = "before_registration"
    email: str
    username: str | None
    profile: Mapping[str, Any] = field(repr=False)
    ip_prefix: str


@dataclass(frozen=True, slots=True, kw_only=True)
class BeforeLogin:
    """Somebody has proved who they are and a session is about to start.

    Asked only after the right password, so that neither its answer nor its time tells a stranger anything.
    """

    name: ClassVar[str] = "before_login"
    account_id: str
    email: str
    roles: tuple[str, ...]
    amr: tuple[str, ...]
    ip_prefix: str
    user_agent: str


@dataclass(frozen=True, slots=True, kw_only=True)
class BeforePasswordChange:
    """The owner has proved the current password, or has come by a mail (then there is no session), and the policy
    accepts the new one, which is not shown.
    """

    name: ClassVar[str] = "before_password_change"
    account_id: str
    session_id: str
    ip_prefix: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimsForToken:
    """An access token is about to be issued, or a refresh to happen: return claims to add, ``None``, or a refusal.

    Names must carry an authority of yours (``https://example.com/plan``), so they never meet those of a standard; at
    most 16 of them and 2 KiB in all. Of two gates that give one claim, the later one counts.
    """

    name: ClassVar[str] = "claims_for_token"
    account_id: str
    session_id: str
    client_id: str
    roles: tuple[str, ...]


Question = BeforeRegistration | BeforeLogin | BeforePasswordChange | ClaimsForToken
QuestionT = TypeVar("QuestionT", bound=Question)
Verdict = Refusal | Mapping[str, Any] | None
Ask = Callable[[QuestionT], Verdict | Awaitable[Verdict]]

KINDS: Final[tuple[type[Question], ...]] = (BeforeRegistration, BeforeLogin, BeforePasswordChange, ClaimsForToken)


@dataclass(frozen=True, slots=True)
class Passed:
    """Every gate let pass; ``claims`` are what they added."""

    claims: Mapping[str, Any] = field(default_factory=dict, repr=False)


class Gates:
    """Who is asked what. One for an instance."""

    def __init__(self, *, time_limit: float = TIME_LIMIT) -> None:
        """Start without gates; then nothing is asked and nothing costs time."""
        self._time_limit = time_limit
        self._asked: dict[type[Any], list[tuple[int, Ask[Any]]]] = {}
        self._threads: ThreadPoolExecutor | None = None

    def add(self, kind: type[QuestionT], ask: "Ask[QuestionT]", *, order: int = 0) -> None:
        """Ask this function from now on; those with a lower ``order`` are asked before it."""
        gates = self._asked.setdefault(kind, [])
        gates.append((order, ask))
        gates.sort(key=lambda each: each[0])

    def has(self, kind: type[Question]) -> bool:
        """Tell whether anybody wants to be asked, so that flows need not gather what nobody reads."""
        return kind in self._asked

    async def ask(self, question: Question) -> Passed | Refusal:
        """Ask every gate of the kind. Never raises."""
        claims: dict[str, Any] = {}
        for _, gate in self._asked.get(type(question), ()):
            try:
                async with asyncio.timeout(self._time_limit):
                    verdict = await self._answer(gate, question)
                match verdict:
                    case Refusal():
                        return _checked(verdict)
                    case Mapping() if isinstance(question, ClaimsForToken):
                        claims |= verdict
                        check_claims(claims)
                    case None:
                        pass
                    case _:
                        raise TypeError(f"a gate returned a {type(verdict).__name__}")
            except Exception:  # whatever it is, it is no consent
                _log.exception("a gate of %s failed, which refuses", question.name)
                return Refusal(RefusedByPolicy.detail, FAILED)
        return Passed(claims)

    def close(self) -> None:
        """Let the threads end; one that hangs in a gate is not waited for."""
        if self._threads is not None:
            self._threads.shutdown(wait=False, cancel_futures=True)
            self._threads = None

    async def _answer(self, gate: "Ask[Any]", question: Question) -> object:
        if inspect.iscoroutinefunction(gate):
            return await gate(question)
        if self._threads is None:
            self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="doorward-gate")
        answer = await asyncio.get_running_loop().run_in_executor(self._threads, gate, question)
        return await answer if inspect.isawaitable(answer) else answer


def refused(question: Question, refusal: Refusal, *, account_id: str | None = None) -> GateRefused:
    """Make the event by which a flow remembers a refusal."""
    return GateRefused(account_id=account_id, gate=question.name, reason=refusal.reason)


def problem(refusal: Refusal) -> RefusedByPolicy:
    """Make what the caller is told. Raise it after the event was written."""
    return RefusedByPolicy(refusal.reason, detail=refusal.detail, members={"reason": refusal.reason})


def check_claims(claims: Mapping[Any, Any]) -> None:
    """Hold added claims to what a token can carry. Raises ``ValueError`` and ``TypeError``."""
    if len(claims) > MAX_CLAIMS:
        raise ValueError("too many claims")
    for name in claims:
        if not isinstance(name, str) or _CLAIM.fullmatch(name) is None:
            raise ValueError("a claim needs a name with an authority of yours in it, like https://example.com/plan")
    if len(json.dumps(claims, allow_nan=False).encode()) > MAX_CLAIMS_BYTES:
        raise ValueError("the claims are too large")


def _checked(refusal: Refusal) -> Refusal:
    if not _REASON.fullmatch(refusal.reason) or not 1 <= len(refusal.detail) <= 500:
        raise ValueError("a refusal needs a reason like 'wrong_country' and a detail of at most 500 characters")
    return refusal
