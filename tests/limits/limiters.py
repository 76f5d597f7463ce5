"""A limiter on a bare database, without the rest of the house."""

from msgspec.structs import replace

from doorward.challenges.flows import Challenges
from doorward.challenges.provider import ChallengeProvider
from doorward.core.clock import system_entropy
from doorward.core.secret import SecretRing
from doorward.db import Database
from doorward.foundation import Foundation
from doorward.hooks import Events
from doorward.limits.flows import Limiter
from doorward.settings import Limits, Settings
from tests.support.house import FakeClock


def foundation_for(database: Database, settings: Settings, clock: FakeClock | None = None) -> Foundation:
    """Make the ground to stand on."""
    return Foundation(
        database=database,
        settings=settings,
        ring=SecretRing(settings.secret),
        events=Events(),
        clock=clock or FakeClock(),
        entropy=system_entropy,
    )


def limiter_for(
    database: Database,
    settings: Settings,
    limits: Limits,
    clock: FakeClock | None = None,
    provider: ChallengeProvider | None = None,
) -> Limiter:
    """Make a limiter with its challenges."""
    foundation = foundation_for(database, replace(settings, limits=limits), clock)
    return Limiter(foundation, challenges=Challenges(foundation, provider=provider))
