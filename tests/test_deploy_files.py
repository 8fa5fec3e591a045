"""The files for other people's programs in deploy/ ask for what there is."""

import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from edge.controller.exposition import ALL_METRICS

DEPLOY = Path(__file__).parents[1] / "deploy"
DASHBOARD = DEPLOY / "grafana" / "scopecast-fleet.json"
ALERTS = DEPLOY / "prometheus" / "scopecast-alerts.yml"
NAMES = {metric.name for metric in ALL_METRICS}


def queries(value: Any) -> Iterator[str]:
    """Every text in a dashboard that holds a query."""
    if isinstance(value, dict):
        for name, inner in value.items():
            if name in ("expr", "query") and isinstance(inner, str):
                yield inner
            else:
                yield from queries(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from queries(inner)


def metrics_in(text: str) -> set[str]:
    return set(re.findall(r"\bscopecast_[a-z0-9_]+", text))


def test_the_dashboard_asks_only_for_metrics_that_the_exporter_has() -> None:
    dashboard = json.loads(DASHBOARD.read_text())
    asked = {name for query in queries(dashboard) for name in metrics_in(query)}
    assert asked - NAMES == set()
    assert len(asked) > 15


def test_its_panels_have_titles_places_and_queries_of_their_own() -> None:
    panels = json.loads(DASHBOARD.read_text())["panels"]
    assert len({panel["id"] for panel in panels}) == len({panel["title"] for panel in panels}) == len(panels)
    for panel in panels:
        assert panel["gridPos"]["x"] + panel["gridPos"]["w"] <= 24
        assert len({target["refId"] for target in panel["targets"]}) == len(panel["targets"]) >= 1


def test_alerts_ask_only_for_metrics_that_the_exporter_has() -> None:
    asked = metrics_in(ALERTS.read_text())
    assert asked - NAMES == set()
    assert len(asked) >= 8


@pytest.mark.peer
def test_prometheus_takes_the_rules_and_the_configuration(tmp_path: Path) -> None:
    for what, path in (("rules", ALERTS), ("config", DEPLOY / "prometheus" / "scrape.yml")):
        try:
            argv = ["promtool", "check", what, str(path)]
            done = subprocess.run(argv, capture_output=True, text=True, check=False, timeout=30)
        except FileNotFoundError:
            pytest.fail("needs the Debian package prometheus")
        assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.peer
def test_prometheus_can_parse_every_query_of_the_dashboard(tmp_path: Path) -> None:
    found = [
        q for q in queries(json.loads(DASHBOARD.read_text())) if q.startswith(("label_values", "prometheus")) is False
    ]
    rules = [{"record": f"job:query:{n}", "expr": query.replace("$box", ".*")} for n, query in enumerate(found)]
    path = tmp_path / "rules.yml"
    path.write_text(json.dumps({"groups": [{"name": "dashboard", "rules": rules}]}))
    try:
        argv = ["promtool", "check", "rules", str(path)]
        done = subprocess.run(argv, capture_output=True, text=True, check=False, timeout=30)
    except FileNotFoundError:
        pytest.fail("needs the Debian package prometheus")
    assert done.returncode == 0, done.stdout + done.stderr
