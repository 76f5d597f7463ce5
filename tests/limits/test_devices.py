"""What a log-in leaves behind, and by what the account knows the device next time."""

import pytest

from doorward.core.opaque import HANDLE_BYTES
from doorward.db import Database
from doorward.limits.devices import Devices
from doorward.settings import Settings
from tests.limits.limiters import foundation_for
from tests.support.house import FakeClock

ADA = "acc_ada"
DAY = 86_400


@pytest.fixture
def clock() -> FakeClock:
    """Lend a clock."""
    return FakeClock()


@pytest.fixture
def devices(settings: Settings, clock: FakeClock, database: Database) -> Devices:
    """Lend devices of an instance."""
    return Devices(foundation_for(database, settings, clock))


def test_a_device_is_known_to_the_account_that_it_has_entered(devices: Devices) -> None:
    """By an id of its own, which stays the same when the token is renewed."""
    token = devices.token(ADA, version=1, device=None)

    device = devices.recognise(token, ADA, version=1)

    assert device is not None
    assert len(device) == HANDLE_BYTES
    assert devices.recognise(devices.token(ADA, version=1, device=device), ADA, version=1) == device


@pytest.mark.parametrize(("account_id", "version"), [("acc_eve", 1), (ADA, 2), (None, 1), (ADA, 0), ("acc_ad", 1)])
def test_to_anybody_else_and_after_a_change_of_password_it_is_unknown(
    devices: Devices, account_id: str | None, version: int
) -> None:
    """The token says neither whose it is nor of when the password is; only who knows both can tell."""
    assert devices.recognise(devices.token(ADA, version=1, device=None), account_id, version=version) is None


def test_a_device_is_forgotten_half_a_year_after_its_last_log_in(devices: Devices, clock: FakeClock) -> None:
    """Not a second earlier."""
    token = devices.token(ADA, version=1, device=None)

    clock.advance(180 * DAY - 1)
    late = devices.recognise(token, ADA, version=1)
    clock.advance(1)

    assert late is not None
    assert devices.recognise(token, ADA, version=1) is None


@pytest.mark.parametrize("token", ["", "dwd_", "dws_" + "A" * 75, "dwd_" + "A" * 75, "dwd_\xff", "x" * 5000])
def test_nonsense_is_unknown(devices: Devices, token: str) -> None:
    """And raises nothing."""
    assert devices.recognise(token, ADA, version=1) is None


def test_a_token_tells_nothing(devices: Devices) -> None:
    """Neither the account nor its password's age can be read off it, and two are never alike."""
    one, other = (devices.token(ADA, version=1, device=None) for _ in range(2))

    assert one != other
    assert "ada" not in one.lower()
