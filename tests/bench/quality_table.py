"""Tables as Markdown, so that what is printed can stand in the documentation."""

from __future__ import annotations

from collections.abc import Sequence


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """The first column to the left, figures to the right."""
    rule = ["---", *("---:" for _ in head[1:])]
    return "\n".join(_line(cells) for cells in (head, rule, *rows))


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def mbps(bits_per_s: float) -> str:
    return f"{bits_per_s / 1e6:.2f}"


def kb(size_bytes: float) -> str:
    return f"{size_bytes / 1e3:.1f}"
