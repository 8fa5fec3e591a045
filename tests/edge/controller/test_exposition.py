import re
import subprocess
from typing import Any

import pytest

from edge.controller.exposition import ALL_METRICS, Exposition

BOX = "box-aabbcc"
LINK = {"v": 1, "state": "online", "sess": 7, "clk": "sync", "sw": "1.2", "slot": "A"}
STATE = {
    "v": 1,
    "sess": 7,
    "health": "degraded",
    "issues": [{}, {}],
    "viewers": [{}],
    "picture": {"live": True},
    "signal": {"state": "locked"},
    "desired_rev": 57,
    "desired_status": "rejected",
    "sinks": [{"state": "live"}, {"state": "live"}, {"state": "stopped"}],
}
HEALTH = {"cpu": 41.2, "rss_mb": 310, "cpu_pct": 12.5, "mem_pct": 31, "disk_free_pct": 71, "temperature_c": 58.5}
STREAM = {"fps": 59.94, "bps": 8_000_000, "drop": 3, "srt_rtt_ms": 48, "srt_lost": 9, "box_p95_us": 21_000}


class Rig:
    def __init__(self, **how: Any) -> None:
        self.exposition = Exposition(**how)
        self.now_s = 100.0

    def tell(self, leaf: str, body: dict[str, Any], box: str = BOX) -> None:
        self.exposition.take(box, leaf, body, utc_s=1_700_000_000.0 + self.now_s, mono_s=self.now_s)

    def tell_all(self) -> None:
        self.tell("link", LINK)
        self.tell("state", STATE)
        for leaf, numbers in (("tele/health", HEALTH), ("tele/stream", STREAM)):
            self.tell(leaf, {"v": 1, "m": numbers})

    def text(self) -> str:
        return self.exposition.text(mono_s=self.now_s)

    def values(self) -> dict[str, float]:
        """By name, and by name and other labels where there are some."""
        lines = [line for line in self.text().splitlines() if not line.startswith("#")]
        pairs = (line.rsplit(" ", 1) for line in lines)
        return {name.replace(f'box="{BOX}"', "").replace("{}", "").replace("{,", "{"): float(v) for name, v in pairs}


@pytest.fixture
def rig() -> Rig:
    return Rig()


def test_every_word_of_a_box_becomes_its_metric(rig: Rig) -> None:
    rig.tell_all()
    values = rig.values()
    expected = {
        "scopecast_box_up": 1,
        "scopecast_box_last_message_timestamp_seconds": 1_700_000_100,
        'scopecast_box_info{sw="1.2",slot="A"}': 1,
        "scopecast_box_clock_synchronised": 1,
        "scopecast_box_sessions_total": 7,
        'scopecast_box_sinks{state="live"}': 2,
        'scopecast_box_sinks{state="failed"}': 0,
        "scopecast_box_health_status": 1,
        "scopecast_box_issues": 2,
        "scopecast_box_viewers": 1,
        "scopecast_box_picture_live": 1,
        "scopecast_box_signal_locked": 1,
        "scopecast_box_desired_revision": 57,
        "scopecast_box_desired_rejected": 1,
        "scopecast_box_cpu_ratio": 0.125,
        "scopecast_box_disk_free_ratio": 0.71,
        "scopecast_box_temperature_celsius": 58.5,
        "scopecast_box_link_memory_bytes": 310 * 2**20,
        "scopecast_box_stream_frames_per_second": 59.94,
        "scopecast_box_stream_bytes_per_second": 1_000_000,
        "scopecast_box_stream_latency_p95_seconds": 0.021,
        "scopecast_box_srt_round_trip_seconds": 0.048,
        "scopecast_box_stream_dropped_units_total": 3,
        "scopecast_box_srt_lost_packets_total": 9,
        "scopecast_exporter_boxes": 1,
        "scopecast_exporter_messages_total": 4,
        "scopecast_exporter_bad_messages_total": 0,
    }
    assert {name: pytest.approx(values[name]) for name in expected} == expected


def test_every_metric_there_is_can_come_out(rig: Rig) -> None:
    rig.tell_all()
    rig.exposition.broker("b:1", up=True)
    said = set(re.findall(r"^# TYPE (\S+)", rig.text(), re.M))
    assert said == {metric.name for metric in ALL_METRICS}


def test_a_lost_box_says_only_that(rig: Rig) -> None:
    rig.tell_all()
    rig.tell("link", {**LINK, "state": "lost"})
    values = rig.values()
    assert values["scopecast_box_up"] == 0
    assert {n for n in values if n.startswith("scopecast_box")} == {
        "scopecast_box_up",
        "scopecast_box_sessions_total",
        "scopecast_box_last_message_timestamp_seconds",
    }


def test_the_will_of_an_older_session_changes_nothing(rig: Rig) -> None:
    rig.tell("link", LINK)
    rig.tell("link", {**LINK, "state": "lost", "sess": 6})
    assert rig.values()["scopecast_box_up"] == 1


@pytest.mark.parametrize(("after_s", "health", "stream"), [(14, True, True), (16, True, False), (91, False, False)])
def test_figures_go_when_the_next_ones_are_overdue(rig: Rig, after_s: float, health: bool, stream: bool) -> None:
    rig.tell_all()
    rig.now_s += after_s
    values = rig.values()
    assert ("scopecast_box_cpu_ratio" in values) is health
    assert ("scopecast_box_stream_bytes_per_second" in values) is stream
    assert values["scopecast_box_up"] == 1


@pytest.mark.parametrize(
    ("box", "body"),
    [
        ("UPPER", LINK),
        ("short", LINK),
        ('x"} evil 1\n', LINK),
        ("a" * 41, LINK),
        (BOX, {**LINK, "v": 2}),
    ],
)
def test_what_is_not_of_the_contract_is_counted_and_no_more(rig: Rig, box: str, body: dict[str, Any]) -> None:
    rig.tell("link", body, box)
    assert rig.values() == {
        "scopecast_exporter_messages_total": 0,
        "scopecast_exporter_bad_messages_total": 1,
        "scopecast_exporter_boxes": 0,
    }


def test_there_are_never_more_boxes_than_allowed() -> None:
    rig = Rig(max_boxes=2)
    for n in range(4):
        rig.tell("link", LINK, f"box-00000{n}")
    rig.tell("state", STATE, "box-000001")
    assert rig.values()["scopecast_exporter_boxes"] == 2
    assert rig.values()["scopecast_exporter_bad_messages_total"] == 2


def test_a_box_taken_off_the_broker_is_forgotten(rig: Rig) -> None:
    rig.tell_all()
    rig.exposition.forget(BOX)
    assert not [name for name in rig.values() if name.startswith("scopecast_box")]


@pytest.mark.parametrize("value", [None, "text", True, [], {}])
def test_a_figure_that_is_no_number_is_left_out(rig: Rig, value: Any) -> None:
    rig.tell("link", LINK)
    rig.tell("tele/health", {"v": 1, "m": {"cpu_pct": value}})
    rig.tell("tele/stream", {"v": 1, "m": value})
    rig.tell("state", {"v": 1, "issues": value if not isinstance(value, list) else 3, "sinks": 5, "signal": value})
    assert "scopecast_box_cpu_ratio" not in rig.values()
    assert "scopecast_box_issues" not in rig.values()


def test_texts_of_a_box_cannot_break_a_line(rig: Rig) -> None:
    rig.tell("link", {**LINK, "sw": 'a"b\\c\nd' + "x" * 100})
    line = next(line for line in rig.text().splitlines() if line.startswith("scopecast_box_info"))
    assert line.startswith(f'scopecast_box_info{{box="{BOX}",sw="a\\"b\\\\c\\nd')
    assert len(line) < 140


@pytest.mark.peer
def test_prometheus_itself_finds_no_fault(rig: Rig) -> None:
    rig.tell_all()
    rig.exposition.broker("broker.example:8883", up=False)
    argv = ["promtool", "check", "metrics"]
    try:
        done = subprocess.run(argv, input=rig.text(), capture_output=True, text=True, check=False, timeout=30)
    except FileNotFoundError:
        pytest.fail("needs the Debian package prometheus")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
