from typing import Any

import pytest
from rich.console import Console

from edge.controller.fleet import BoxView
from edge.controller.table import COLUMNS, plain_table, rich_table, row_of

STATE: dict[str, Any] = {
    "signal": {"state": "locked"},
    "picture": {"live": True},
    "sinks": [{"name": "srt", "state": "live"}, {"name": "webrtc", "state": "idle"}],
    "encoder": {"rungs": [{"measured_bps": 7_940_000, "fps": 59.94}]},
    "latency": {"box": {"p95": 21_000}},
    "viewers": [{"session": "a"}],
}


def cells(view: BoxView) -> dict[str, str]:
    return dict(zip(COLUMNS, row_of(view, now_s=100).cells, strict=True))


def test_a_box_in_words() -> None:
    assert cells(BoxView("box-a", {"state": "online"}, STATE, {}, 97)) == {
        "box": "box-a",
        "link": "online",
        "signal": "locked",
        "live": "LIVE",
        "sinks": "srt live, webrtc idle",
        "bitrate": "7.9 Mb/s",
        "fps": "59.9",
        "box p95": "21.0 ms",
        "viewers": "1",
        "last word": "3 s",
    }


def test_telemetry_is_newer_than_the_state() -> None:
    view = BoxView("box-a", {"state": "online"}, STATE, {"fps": 30.0, "bps": 4_000_000, "box_p95_us": 5_500}, 97)
    assert (cells(view)["fps"], cells(view)["bitrate"], cells(view)["box p95"]) == ("30.0", "4.0 Mb/s", "5.5 ms")


@pytest.mark.parametrize("link", ["offline", "lost"])
def test_a_box_that_is_gone_never_shows_live(link: str) -> None:
    assert cells(BoxView("box-a", {"state": link}, STATE, {}, 0))["live"] == "?"


def test_a_picture_that_is_not_live_says_so() -> None:
    view = BoxView("box-a", {"state": "online"}, {**STATE, "picture": {"live": False}}, {}, 0)
    assert cells(view)["live"] == "NOT LIVE"


def test_a_box_never_heard_has_no_figures() -> None:
    assert set(cells(BoxView("box-a")).values()) == {"box-a", "?", "-", "never"}


@pytest.mark.parametrize("value", [None, 5, "x", [], [1], {"rungs": 5}, {"box": 5}])
def test_a_strange_state_does_no_harm(value: Any) -> None:
    row_of(BoxView("a", {"state": "online"}, dict.fromkeys(STATE, value), {"fps": "x"}, 0), now_s=1)


def test_the_plain_table_is_columns_under_a_head() -> None:
    rows = [row_of(BoxView("box-a", {"state": "online"}, STATE, {}, 97), now_s=100), row_of(BoxView("b"), now_s=1)]
    head, first, second = plain_table(rows).splitlines()
    assert head.index("signal") == first.index("locked")
    assert second.startswith("b ")


def test_the_rich_table_shows_every_cell() -> None:
    console = Console(width=160, record=True, file=open("/dev/null", "w"))  # noqa: SIM115
    with console.file:
        row = row_of(BoxView("box-a", {"state": "online"}, STATE, {}, 97), now_s=100)
        console.print(rich_table([row], title="fleet"))
    text = console.export_text()
    assert all(cell in text for cell in row.cells)


def test_what_a_box_says_cannot_steer_the_terminal() -> None:
    view = BoxView("box-a", {"state": "on\x1b[2Jline"}, {"signal": {"state": "a\nb"}}, {}, 97)
    assert (cells(view)["link"], cells(view)["signal"]) == ("on [2Jline", "a b")
