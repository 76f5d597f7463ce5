"""better-auth CVE-2025-61928: the user was taken from the body. Here the subject comes from the session, everywhere."""

import json

import pytest

from tests.support.house import PASSWORD, House
from tests.support.raw import JSON, bearer, call

pytestmark = pytest.mark.usefixtures("quick")

BODIES: dict[str, dict[str, object]] = {
    "/v1/me": {"username": "mallory", "profile": {"by": "mallory"}},
    "/v1/me/password": {"current_password": PASSWORD, "new_password": "another correct horse battery staple"},
    "/v1/reauthenticate": {"password": PASSWORD},
    "/v1/logout": {"everywhere": True},
}


async def test_no_operation_touches_anybody_but_the_caller(house: House) -> None:
    """Every operation of the contract as one person, saying another's id wherever it can be said."""
    victim = await house.enter("victim@example.test")
    snapshot = await _everything_of(house, victim["account"]["id"])
    victim_id, session_id = victim["account"]["id"], victim["session_id"]

    for operation in house.auth.operations():
        mallory = await _mallory(house)
        body = json.dumps(BODIES.get(operation.path, {})).encode() if operation.reads else b""
        await call(
            house.auth,
            operation.method,
            operation.path.replace("{id}", session_id),
            headers=[
                JSON,
                bearer(mallory),
                (b"x-account-id", victim_id.encode()),
                (b"x-auth-subject", victim_id.encode()),
                (b"x-user", victim_id.encode()),
                (b"from", b"victim@example.test"),
            ],
            body=body,
            query=f"id={victim_id}&account_id={victim_id}&sub={victim_id}&session_id={session_id}&others=true".encode(),
        )

    assert await _everything_of(house, victim_id) == snapshot
    assert (await house.me(victim["access_token"])).status_code == 200
    assert (await house.refresh(victim["refresh_token"])).status_code == 200


async def test_every_answer_about_somebody_is_about_the_caller(house: House) -> None:
    """Reading: no operation shows another's id, address or session."""
    victim = await house.enter("victim@example.test")
    mallory = await _mallory(house)

    for operation in house.auth.operations():
        if operation.method != "GET":
            continue
        answer = await call(
            house.auth,
            "GET",
            operation.path,
            headers=[bearer(mallory)],
            query=f"id={victim['account']['id']}&cursor=9999999999.{victim['session_id']}".encode(),
        )
        for secret in (victim["account"]["id"], victim["session_id"], "victim@example.test"):
            assert secret.encode() not in answer.everything, operation.path


_numbers = iter(range(1000))


async def _mallory(house: House) -> str:
    """Make a fresh attacker, because some operations end the session that calls them."""
    return str((await house.enter(f"mallory{next(_numbers)}@example.test"))["access_token"])


async def _everything_of(house: House, account_id: str) -> list[object]:
    database = house.auth._database
    return [
        [tuple(map(row.__getitem__, row.keys())) for row in await database.fetch_all(sql, id=account_id)]
        for sql in (
            "SELECT * FROM account WHERE id = :id",
            "SELECT * FROM password WHERE account_id = :id",
            "SELECT * FROM session WHERE account_id = :id ORDER BY id",
            "SELECT token_family.* FROM token_family JOIN session ON session.id = session_id WHERE account_id = :id",
        )
    ]
