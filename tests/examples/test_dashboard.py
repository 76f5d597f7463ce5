"""The dashboard shows what there is."""

import json
import re
from pathlib import Path

from doorward.observability.metrics import Metrics
from tests.support.house import House

DASHBOARD = Path(__file__).resolve().parents[2] / "examples" / "grafana" / "doorward.json"
SUFFIXES = ("_bucket", "_sum", "_count")


def _families(metrics: Metrics) -> dict[str, set[str]]:
    return {name: {*labels, "worker", "le"} for name, _, labels, _ in metrics.catalogue()}


async def test_every_metric_and_label_of_the_dashboard_exists(house: House) -> None:
    """A panel of something that was renamed would stay empty, and look like a quiet night."""
    dashboard = json.loads(DASHBOARD.read_text(encoding="utf-8"))
    families = _families(house.auth.metrics)
    expressions = [target["expr"] for panel in dashboard["panels"] for target in panel["targets"]]

    used = {name for expression in expressions for name in re.findall(r"doorward_\w+", expression)}
    found = {name.removesuffix(suffix) for name in used for suffix in ("", *SUFFIXES)} & set(families)

    assert len(found) >= 12
    assert {
        name for name in used if not {name, *(name.removesuffix(each) for each in SUFFIXES)} & set(families)
    } == set()
    for expression in expressions:
        labels = {label for group in re.findall(r"by \(([^)]*)\)", expression) for label in group.split(", ")}
        known = {label for name in families if name in expression for label in families[name]}
        assert labels <= known, expression


async def test_every_metric_is_on_the_dashboard(house: House) -> None:
    """What is worth counting is worth seeing."""
    text = DASHBOARD.read_text(encoding="utf-8")

    assert [name for name in _families(house.auth.metrics) if name not in text] == []


def test_panels_have_ids_and_titles_of_their_own() -> None:
    """Grafana needs the one, people the other."""
    panels = json.loads(DASHBOARD.read_text(encoding="utf-8"))["panels"]

    assert len({panel["id"] for panel in panels}) == len({panel["title"] for panel in panels}) == len(panels)
