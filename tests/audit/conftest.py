"""Trails on which every checkpoint stays, so that tests can have several within one second."""

import pytest


@pytest.fixture(autouse=True)
def _every_checkpoint_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is thinned out unless a test wants it."""
    monkeypatch.setattr("doorward.audit.flows.SPACING", 0)
