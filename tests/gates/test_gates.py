"""What a gate may say, and that everything else is a no."""

import asyncio
import threading
from typing import Any

import pytest

from doorward.gates import (
    FAILED,
    THREADS,
    BeforeRegistration,
    ClaimsForToken,
    Gates,
    Passed,
    Refusal,
    RefusedByPolicy,
    problem,
)

REGISTRATION = BeforeRegistration(email="ada@example.test", username=None, profile={}, ip_prefix="")
TOKEN = ClaimsForToken(account_id="acc_1", session_id="ses_1", client_id="doorward", roles=())
NAME = "https://example.test/plan"


async def test_without_gates_everything_passes() -> None:
    """Nobody asked costs nothing."""
    gates = Gates()

    assert await gates.ask(REGISTRATION) == Passed()
    assert not gates.has(BeforeRegistration)
    gates.close()


async def test_gates_are_asked_by_order_and_the_first_refusal_counts() -> None:
    """Those that were added first are asked first where the order is the same."""
    gates, asked = Gates(), []

    def saying(name: str, verdict: Refusal | None) -> Any:
        def gate(_: BeforeRegistration) -> Refusal | None:
            asked.append(name)
            return verdict

        return gate

    gates.add(BeforeRegistration, saying("late", None), order=5)
    gates.add(BeforeRegistration, saying("first", None))
    gates.add(BeforeRegistration, saying("second", Refusal("No.", reason="second_says_no")))
    verdict = await gates.ask(REGISTRATION)
    gates.close()

    assert asked == ["first", "second"]
    assert verdict == Refusal("No.", reason="second_says_no")


async def _raises(_: BeforeRegistration) -> None:
    raise RuntimeError("a defect")


async def _hangs(_: BeforeRegistration) -> None:
    await asyncio.Event().wait()


def _raises_in_a_thread(_: BeforeRegistration) -> None:
    raise RuntimeError("a defect")


@pytest.mark.parametrize(
    "gate",
    [
        _raises,
        _raises_in_a_thread,
        _hangs,
        lambda _: True,
        lambda _: False,
        lambda _: {NAME: "claims where none are asked for"},
        lambda _: Refusal("No.", reason="Not A Word"),
        lambda _: Refusal(""),
        lambda _: Refusal("x" * 501),
    ],
)
async def test_a_gate_that_does_not_answer_as_it_should_has_refused(
    gate: Any, caplog: pytest.LogCaptureFixture
) -> None:
    """authentik CVE-2024-47070: an exception in a policy is a no, and so is ``True``, which means nothing here."""
    gates = Gates(time_limit=0.1)
    gates.add(BeforeRegistration, gate)

    verdict = await gates.ask(REGISTRATION)
    gates.close()

    assert verdict == Refusal(RefusedByPolicy.detail, FAILED)
    assert "a gate of before_registration failed, which refuses" in caplog.text


async def test_gates_that_hang_in_threads_hold_up_nothing_else() -> None:
    """When all threads hang, the next gate refuses after its time, and the event loop goes on."""
    release = threading.Event()
    gates = Gates(time_limit=0.05)
    gates.add(BeforeRegistration, lambda _: release.wait() and None)

    verdicts = await asyncio.gather(*(gates.ask(REGISTRATION) for _ in range(THREADS + 2)))
    release.set()
    gates.close()

    assert verdicts == [Refusal(RefusedByPolicy.detail, FAILED)] * (THREADS + 2)


async def test_a_function_that_returns_something_to_wait_for_is_waited_for() -> None:
    """A partial or a lambda around a coroutine function is no coroutine function itself."""
    gates = Gates()

    async def no(_: BeforeRegistration) -> Refusal:
        return Refusal("No.")

    gates.add(BeforeRegistration, lambda question: no(question))
    verdict = await gates.ask(REGISTRATION)
    gates.close()

    assert verdict == Refusal("No.")


async def test_claims_of_several_gates_come_together() -> None:
    """The later one counts for a claim that both give."""
    gates = Gates()
    gates.add(ClaimsForToken, lambda _: {NAME: "free", "urn:example:a": [1]})
    gates.add(ClaimsForToken, lambda _: {NAME: "paid"})
    gates.add(ClaimsForToken, lambda _: None)
    verdict = await gates.ask(TOKEN)
    gates.close()

    assert verdict == Passed({NAME: "paid", "urn:example:a": [1]})


@pytest.mark.parametrize(
    "claims",
    [
        {"sub": "acc_somebody_else"},
        {"iss": "https://evil.test"},
        {"scope": "admin"},
        {"roles": ["admin"]},
        {"cnf": {}},
        {"plan": "paid"},
        {NAME: "x" * 2048},
        {NAME: float("nan")},
        {NAME: object()},
        {1: "x"},
        {f"{NAME}/{number}": 1 for number in range(17)},
        {"https://example.test/with blank": 1},
    ],
)
async def test_claims_that_a_token_must_not_carry_are_a_refusal(claims: Any) -> None:
    """None of ours is replaced, none of a standard's is forged, and a token stays small."""
    gates = Gates()
    gates.add(ClaimsForToken, lambda _: claims)
    verdict = await gates.ask(TOKEN)
    gates.close()

    assert verdict == Refusal(RefusedByPolicy.detail, FAILED)


def test_a_refusal_is_a_problem_with_its_reason() -> None:
    """Programs read the reason, people the detail."""
    told = problem(Refusal("Not from here.", reason="wrong_country"))

    assert (told.status, told.code, told.detail) == (403, "refused_by_policy", "Not from here.")
    assert told.members == {"reason": "wrong_country"}
