"""Bringing one's own principal: what stands in the scope before the guard is not believed."""

from typing import Any

import pytest

from doorward.verify import Guard, Principal, principal_of
from doorward.verify.asgi import ACCESS, PRINCIPAL
from tests.verify.parties import NOW, Issuer, bearing, exchange, scope_of

PARTY = Issuer()
FORGED = Principal(
    "acc_root", "ses_x", "c", "t", NOW, NOW + 600, NOW, ("pwd",), frozenset(), frozenset({"admin"}), True
)


def guarded() -> tuple[Guard, list[Any]]:
    """Put a guard in front of an application that notes what it gets."""
    scopes: list[Any] = []

    async def application(scope: Any, receive: Any, send: Any) -> None:
        scopes.append(scope)
        await send({"type": "http.response.start", "status": 200, "headers": []})

    return Guard(application, PARTY.verifier(), public=["/public"], optional=["/shop"]), scopes


@pytest.mark.parametrize("forged", [FORGED, True, "acc_root", {"subject": "acc_root"}])
@pytest.mark.parametrize("path", [b"/public", b"/shop"])
async def test_what_was_there_before_is_gone(path: bytes, forged: object) -> None:
    """A guest stays a guest, whatever an outer layer, a server extension or a bug has written."""
    guard, scopes = guarded()

    await exchange(guard, scope_of(path) | {PRINCIPAL: forged, ACCESS: "protected"})

    assert principal_of(scopes[0]) is None


async def test_what_was_there_before_opens_nothing() -> None:
    """A protected path asks the authenticator and nobody else."""
    guard, scopes = guarded()

    sent = await exchange(guard, scope_of(b"/me") | {PRINCIPAL: FORGED, ACCESS: "public"})

    assert sent[0]["status"] == 401
    assert scopes == []


async def test_the_verified_caller_replaces_it() -> None:
    """The token decides who calls."""
    guard, scopes = guarded()

    await exchange(guard, scope_of(b"/me", headers=bearing(PARTY.token())) | {PRINCIPAL: FORGED})

    found = principal_of(scopes[0])
    assert found is not None
    assert found.subject == "acc_one"


async def test_an_inner_guard_answers_for_itself() -> None:
    """A guard of a mounted application does not take over what the outer one has found for other rules."""
    inner, scopes = guarded()
    outer = Guard(inner, PARTY.verifier(), optional=["/*"])

    await exchange(outer, scope_of(b"/public", headers=bearing(PARTY.token())))

    assert principal_of(scopes[0]) is None


def test_something_else_than_a_principal_is_nobody() -> None:
    """Should the scope be written to after the guard."""
    assert principal_of({PRINCIPAL: "acc_root"}) is None
