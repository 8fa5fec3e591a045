"""The fleet as a table for people and as plain columns for scripts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rich.table import Table
from rich.text import Text

from edge.controller.fleet import BoxView

COLUMNS = ("box", "link", "signal", "live", "sinks", "bitrate", "fps", "box p95", "viewers", "last word")
_RIGHT = frozenset(("bitrate", "fps", "box p95", "viewers", "last word"))
_STYLES = {
    "online": "green",
    "locked": "green",
    "LIVE": "bold green",
    "NOT LIVE": "bold red",
    "lost": "bold red",
    "offline": "yellow",
    "?": "dim",
}
_NOTHING: Mapping[str, Any] = {}


@dataclass(frozen=True, slots=True)
class Row:
    """One box in words, in the order of COLUMNS."""

    cells: tuple[str, ...]
    link: str


def row_of(view: BoxView, *, now_s: float) -> Row:
    """What the newest words of the box amount to; `-` where it did not say."""
    rung = _first(_part(view.state, "encoder").get("rungs"))
    stream = view.stream if view.online else _NOTHING
    bps = stream.get("bps", rung.get("measured_bps"))
    p95_us = stream.get("box_p95_us", _part(_part(view.state, "latency"), "box").get("p95"))
    viewers = view.state.get("viewers")
    cells = (
        view.id,
        str(view.link.get("state", "?")),
        str(_part(view.state, "signal").get("state", "-")),
        _live_word(view),
        _sinks_word(view.state.get("sinks")),
        f"{bps / 1e6:.1f} Mb/s" if _is_number(bps) else "-",
        _number(stream.get("fps", rung.get("fps")), 1),
        f"{p95_us / 1000:.1f} ms" if _is_number(p95_us) else "-",
        str(len(viewers)) if isinstance(viewers, list) else "-",
        _age(view, now_s),
    )
    return Row(tuple("".join(c if c.isprintable() else " " for c in cell) for cell in cells), cells[1])


def rich_table(rows: Sequence[Row], *, title: str) -> Table:
    table = Table(title=title, title_justify="left", expand=False)
    for name in COLUMNS:
        table.add_column(name, justify="right" if name in _RIGHT else "left", no_wrap=True)
    for row in rows:
        style = None if row.link == "online" else "dim"
        table.add_row(*(Text(cell, style=_STYLES.get(cell, "")) for cell in row.cells), style=style)
    return table


def plain_table(rows: Sequence[Row]) -> str:
    """Columns two spaces apart, a head line first; no colours, no frames."""
    lines = [COLUMNS, *(row.cells for row in rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(COLUMNS))]
    return "\n".join("  ".join(map(str.ljust, line, widths)).rstrip() for line in lines)


def _live_word(view: BoxView) -> str:
    """Never LIVE on the word of a box that is not there."""
    live = _part(view.state, "picture").get("live")
    if not view.online or not isinstance(live, bool):
        return "?" if not view.online else "-"
    return "LIVE" if live else "NOT LIVE"


def _sinks_word(sinks: Any) -> str:
    listed = sinks if isinstance(sinks, list) else ()
    words = [f"{sink.get('name')} {sink.get('state')}" for sink in listed if isinstance(sink, Mapping)]
    return ", ".join(words) or "-"


def _age(view: BoxView, now_s: float) -> str:
    if view.heard_s is None:
        return "never"
    age_s = now_s - view.heard_s
    return f"{age_s:.0f} s" if age_s < 120 else f"{age_s / 60:.0f} min"


def _number(value: Any, digits: int) -> str:
    return f"{value:.{digits}f}" if _is_number(value) else "-"


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _part(document: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    value = document.get(name)
    return value if isinstance(value, Mapping) else _NOTHING


def _first(value: Any) -> Mapping[str, Any]:
    return value[0] if isinstance(value, list) and value and isinstance(value[0], Mapping) else _NOTHING
