"""A revocation that could not be written is never called done: fosite CVE-2020-15223."""

import pytest

from tests.faults.failing import AimedDatabase, How
from tests.faults.order import check_order
from tests.support.asking import asking
from tests.support.house import House

WAYS: tuple[How, ...] = ("before", "after", "gone")


@pytest.mark.parametrize("kind", ["access_token", "refresh_token"])
async def test_a_failing_storage_is_503_in_oauth_format_and_never_200(
    fragile: House, aimed: AimedDatabase, kind: str
) -> None:
    """Whichever call fails, and asking again does it."""
    service = await asking(fragile)
    await fragile.register()
    with aimed.aim():
        await service.revoke((await fragile.log_in())[kind])
    calls = aimed.calls
    assert calls >= 3

    for how in WAYS:
        for fail_at in range(1, calls + 1):
            pair = await fragile.log_in()
            with aimed.aim(fail_at, how):
                answer = await service.revoke(pair[kind])
            if answer.status_code != 503:
                assert aimed.calls < fail_at  # it was done before that call
                continue
            assert answer.json()["error"] == "temporarily_unavailable"
            assert "retry-after" in answer.headers
            assert "hunter2" not in answer.text
            assert (await service.revoke(pair[kind])).status_code == 200
            assert (await fragile.me(pair["access_token"])).status_code == 401
    await check_order(aimed)


async def test_a_failing_storage_makes_nothing_active_and_nothing_inactive(
    fragile: House, aimed: AimedDatabase
) -> None:
    """Not knowing is 503, in either direction."""
    service = await asking(fragile)
    pair = await fragile.enter()
    with aimed.aim():
        await service.introspect(pair["access_token"])
    calls = aimed.calls

    for how in WAYS:
        for fail_at in range(1, calls + 1):
            with aimed.aim(fail_at, how):
                answer = await service.introspect(pair["access_token"])

            assert answer.status_code == 503
            assert "active" not in answer.json()
