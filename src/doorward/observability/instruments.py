"""Every figure that doorward itself counts, by name and meaning. The reference page is made from here.

What happens is counted where it is told already: events when they are delivered after their commit, problems and times
by the front. Only what nobody else tells has a call of its own.
"""

import time
from collections.abc import Awaitable, Callable
from typing import Final

from doorward.hooks import Event, GateRefused, SignedIn, SignInRefused
from doorward.observability.metrics import HASH_BUCKETS, OTHER, Metrics

METHODS: Final = frozenset({"GET", "HEAD", "POST", "PATCH", "PUT", "DELETE", "OPTIONS"})

_OUTCOMES: Final = {
    "wrong password": "wrong_password",
    "unknown login": "unknown_login",
    "account has no password": "no_password",
    "account is disabled": "disabled",
    "address is not verified": "not_verified",
}
"""Why a log-in was refused, in the words of ``passwords/model.py``; whatever else there is counts as ``other``."""


class Instruments:
    """The built-in figures of one instance. ``metrics`` takes further ones, of other slices and of the host."""

    def __init__(self) -> None:
        """Make all of them, at zero."""
        self.metrics = metrics = Metrics()
        self._requests = metrics.histogram(
            "doorward_request_seconds", "Requests by route template, method and status.", "route", "method", "status"
        )
        self._problems = metrics.counter(
            "doorward_problems_total", "Refusals by code; too_many_attempts are those of the limits.", "code"
        )
        self._log_ins = metrics.counter("doorward_log_ins_total", "Log-ins and confirmations by outcome.", "outcome")
        self._events = metrics.counter("doorward_events_total", "Events that were committed, by name.", "event")
        self.refreshes = metrics.counter(
            "doorward_refreshes_total",
            "Refreshes by outcome: rotated, replayed within the window, reused (theft), dead, forged.",
            "outcome",
        )
        self._hash_wait = metrics.histogram(
            "doorward_hash_wait_seconds", "Time that a password waited for a hashing thread.", buckets=HASH_BUCKETS
        )
        self._hash_work = metrics.histogram(
            "doorward_hash_seconds", "Time that hashing or verifying a password took.", buckets=HASH_BUCKETS
        )
        self.webhook_answers = metrics.counter(
            "doorward_webhook_attempts_total", "Messages sent to webhooks, by class of the answer's status.", "status"
        )
        self._follows, self._looked_at = False, time.monotonic()
        metrics.gauge(
            "doorward_process_cpu_seconds_total", "Processor time of the worker.", time.process_time, kind="counter"
        )

    def event(self, event: Event) -> None:
        """Count what has been committed; the app subscribes it to every event."""
        self._events.inc(event.name)
        if isinstance(event, SignedIn):
            self._log_ins.inc("signed_in")
        elif isinstance(event, SignInRefused):
            self._log_ins.inc(_OUTCOMES.get(event.why, OTHER))
        elif isinstance(event, GateRefused) and event.gate == "before_login":
            self._log_ins.inc("gate")

    def request(self, route: str | None, method: str, status: int, seconds: float, code: str) -> None:
        """Count a request. ``route`` is a template of ours, ``None`` where nothing matched; ``code`` of a problem."""
        method = method if method in METHODS else OTHER
        self._requests.observe(seconds, route or "unmatched", method, str(status))
        if code:
            self._problems.inc(code)

    def looked(self) -> None:
        """Remember that this worker has just seen all that others did."""
        self._follows, self._looked_at = True, time.monotonic()

    def lost(self) -> None:
        """Remember that it cannot look any more; the lag grows until it has looked again."""
        self._follows = False

    def _lag(self) -> float:
        return time.monotonic() - self._looked_at

    def hashed(self, waited: float, worked: float) -> None:
        """Count a password; the pool calls it under its lock."""
        self._hash_wait.observe(waited)
        self._hash_work.observe(worked)

    def watch(
        self,
        *,
        waiting: Callable[[], float],
        running: Callable[[], float],
        mails: Callable[[], Awaitable[tuple[int, int]]],
        webhooks: Callable[[], Awaitable[tuple[int, int]]],
        unsealed: Callable[[], Awaitable[int]],
    ) -> None:
        """Add the values that are asked for; ``mails`` and ``webhooks``: how many wait, and the age of the oldest."""
        gauge = self.metrics.gauge

        def part(of: Callable[[], Awaitable[tuple[int, int]]], place: int) -> Callable[[], Awaitable[float]]:
            async def ask() -> float:
                return (await of())[place]

            return ask

        gauge("doorward_hash_queue", "Passwords that wait for a hashing thread.", waiting)
        gauge("doorward_hash_running", "Passwords that are being hashed.", running)
        gauge(
            "doorward_following",
            "1 while this worker follows what others revoke and rotate, else 0.",
            lambda: self._follows,
        )
        gauge("doorward_feed_lag_seconds", "Time since this worker last looked at what others did.", self._lag)
        gauge("doorward_mail_backlog", "Mails that wait in the outbox.", part(mails, 0), shared=True)
        gauge("doorward_mail_backlog_age_seconds", "Age of the oldest of them.", part(mails, 1), shared=True)
        gauge("doorward_webhook_backlog", "Messages to webhooks that wait.", part(webhooks, 0), shared=True)
        gauge("doorward_webhook_backlog_age_seconds", "Age of the oldest of them.", part(webhooks, 1), shared=True)
        gauge("doorward_audit_unsealed", "Lines of the audit trail that are not sealed yet.", unsealed, shared=True)
