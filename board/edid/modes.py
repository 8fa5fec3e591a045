"""Modes by name: the timings of CTA-861 and VESA DMT, and one of our own."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches

from board.edid import cta861, dmt
from board.edid.dtd import as_dtd
from board.edid.timing import Timing
from edge.model.errors import NotFound

SAFE_MODE = "640x480p60"  # CTA-861 obliges every source and sink to it

_SHORT = {"480": "720x480", "576": "720x576", "720": "1280x720", "1080": "1920x1080", "2160": "3840x2160"}
_NAME = re.compile(r"(?:(?P<width>\d+)x)?(?P<height>\d+)(?P<scan>[pi@])(?P<rate>\d+)(?P<rb>rb)?")
_EVEN_VIC = 39  # the one interlaced VIC whose fields are equally long


# number, width, height, scan, clock_khz, front, sync, back of a line, the same of a field, polarities
Row = tuple[int, int, int, str, int, int, int, int, int, int, int, str]


@dataclass(frozen=True, slots=True)
class Mode:
    """`name` is WIDTHxHEIGHT, p or i, the rate (of fields when interlaced), `rb` for reduced blanking.

    `vic` is its code in CTA-861, `dmt` its id in VESA DMT, where it has one.
    """

    name: str
    timing: Timing
    vic: int | None = None
    dmt: int | None = None


def mode(name: str) -> Mode:
    """By `1920x1080p50`, `1080p50`, `1920x1080@50` or `vic31`, in any case. Raises NotFound (unknown_mode)."""
    wanted = name.strip().lower()
    if wanted.startswith("vic") and wanted[3:].isdecimal():
        found = BY_VIC.get(int(wanted[3:])) if len(wanted) <= 6 else None
    else:
        found = _BY_NAME.get(_canonical(wanted))
    if found is None:
        close = get_close_matches(_canonical(wanted), _BY_NAME, n=3)
        hint = f"; did you mean {' or '.join(close)}?" if close else ""
        raise NotFound(f"unknown mode {name[:40]!r}{hint}", code="unknown_mode")
    return found


def named(timing: Timing) -> Mode:
    """The known mode with that timing, or a nameless one that is called after its size and rate."""
    return _BY_TIMING.get(as_dtd(timing)) or Mode(_name(timing), timing)


def _canonical(wanted: str) -> str:
    found = _NAME.fullmatch(wanted)
    if found is None:
        return wanted
    width, height = found["width"], found["height"]
    size = f"{width}x{height}" if width else _SHORT.get(height, height)
    return f"{size}{found['scan'].replace('@', 'p')}{found['rate']}{found['rb'] or ''}"


def _name(timing: Timing, blanking: str = "") -> str:
    scan = "i" if timing.interlaced else "p"
    return f"{timing.width}x{timing.height}{scan}{round(timing.rate_hz)}{blanking}"


def _timing(row: Row, *, even_fields: bool = False) -> Timing:
    _, width, height, scan, clock_khz, h_front, h_sync, h_back, v_front, v_sync, v_back, polarity = row
    return Timing(
        width=width,
        height=height,
        interlaced=scan == "i",
        clock_khz=clock_khz,
        h_front=h_front,
        h_sync=h_sync,
        h_back=h_back,
        v_front=v_front,
        v_sync=v_sync,
        v_back=v_back,
        h_positive=polarity[0] == "+",
        v_positive=polarity[1] == "+",
        even_fields=even_fields,
    )


def _of_cta861() -> Iterator[Mode]:
    for row in cta861.ROWS:
        timing = _timing(row, even_fields=row[0] == _EVEN_VIC)
        yield Mode(_name(timing), timing, vic=row[0])


def _of_dmt() -> Iterator[Mode]:
    for row in dmt.ROWS:
        timing = _timing(row[:-1])
        yield Mode(_name(timing, row[-1]), timing, dmt=row[0])


def _firsts(modes: Iterable[Mode]) -> dict[str, Mode]:
    """The first of each name: of two VICs that differ in aspect only, the lower one."""
    found: dict[str, Mode] = {}
    for each in modes:
        found.setdefault(each.name, each)
    return found


# CVT's reduced blanking, at a clock that gives 50 Hz within 40 ppm: a fifth less clock than VIC 31
_OWN = (Mode("1920x1080p50rb", Timing(1920, 1080, False, 115020, 48, 32, 80, 3, 5, 18, True, False)),)

BY_VIC: Mapping[int, Mode] = {each.vic: each for each in _of_cta861() if each.vic is not None}
BY_DMT: Mapping[int, Mode] = {each.dmt: each for each in _of_dmt() if each.dmt is not None}
_ALL = (*BY_VIC.values(), *BY_DMT.values(), *_OWN)
_BY_NAME: Mapping[str, Mode] = _firsts(_ALL)
_BY_TIMING: Mapping[Timing, Mode] = {as_dtd(each.timing): each for each in reversed(_ALL)}
