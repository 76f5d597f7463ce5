"""What every slice stands on: one instance's database, settings, secrets, events, time and chance.

Built once by ``app.py`` and handed down, so nothing is global and several instances live in one process.
"""

from dataclasses import dataclass, field

from doorward.core.clock import Clock, Entropy
from doorward.core.secret import SecretRing
from doorward.db import Database
from doorward.gates import Gates
from doorward.hooks import Events
from doorward.observability.instruments import Instruments
from doorward.settings import Settings


@dataclass(frozen=True, slots=True)
class Foundation:
    """The ground under one instance."""

    database: Database
    settings: Settings
    ring: SecretRing
    events: Events
    clock: Clock
    entropy: Entropy
    gates: Gates = field(default_factory=Gates)
    instruments: Instruments = field(default_factory=Instruments)


class Flows:
    """A slice's flows: they load, ask their model, write once and report."""

    def __init__(self, foundation: Foundation) -> None:
        """Take the ground to stand on; nothing happens yet."""
        self._database = foundation.database
        self._settings = foundation.settings
        self._ring = foundation.ring
        self._events = foundation.events
        self._clock = foundation.clock
        self._entropy = foundation.entropy
        self._gates = foundation.gates
        self._instruments = foundation.instruments
