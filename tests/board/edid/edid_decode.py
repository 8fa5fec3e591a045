"""Debian's `edid-decode`, the judge of every EDID that we build."""

from __future__ import annotations

import re
import shutil
import subprocess
from dataclasses import dataclass
from typing import NamedTuple

import pytest

_MODE = re.compile(r"(\d+)x(\d+)(i?)\s+([\d.]+) Hz\s+\S+\s+[\d.]+ kHz\s+([\d.]+) MHz")
_TOLD = re.compile(r"^\s+(?:HDMI VIC|VIC|DTD|DMT)\s+\S+:\s+" + _MODE.pattern, re.MULTILINE)
_PORCHES = re.compile(
    r"Hfront\s+(\d+) Hsync\s+(\d+) Hback\s+(\d+) Hpol (\w).*?Vfront\s+(\d+) Vsync\s+(\d+) Vback\s+(\d+) Vpol (\w)",
    re.DOTALL,
)
_BORDERS = re.compile(r"[HV]border (\d+)")


class Seen(NamedTuple):
    """A mode as the program lists it; the clock in steps of 10 kHz."""

    width: int
    height: int
    interlaced: bool
    clock_10khz: int


@dataclass(frozen=True, slots=True)
class Verdict:
    passed: bool
    complaints: tuple[str, ...]
    modes: frozenset[Seen]
    text: str


@dataclass(frozen=True, slots=True)
class Known:
    """A timing of its own tables: (front, sync, back) of lines and fields."""

    seen: Seen
    rate_hz: float
    h: tuple[int, int, int]
    v: tuple[int, int, int]
    positive: tuple[bool, bool]


def judge(raw: bytes) -> Verdict:
    text = _run("--check", "-", stdin=raw)
    body, _, end = text.partition("edid-decode SHA")
    complaints = [line.strip() for line in end.splitlines()[1:] if line.startswith("  ")]
    told = {_seen(found) for found in _TOLD.finditer(body)}
    return Verdict("EDID conformity: PASS" in end, tuple(complaints), frozenset(told), text)


def known(kind: str, number: int) -> Known:
    """By `vic` or `dmt`; borders count as porches."""
    text = _run(f"--{kind}", str(number))
    head, porches = _MODE.search(text), _PORCHES.search(text)
    assert head, text
    assert porches, text
    borders = [int(width) for width in _BORDERS.findall(text)] or [0, 0]
    h_front, h_sync, h_back, h_pol, v_front, v_sync, v_back, v_pol = porches.groups()
    return Known(
        _seen(head),
        float(head[4]),
        (int(h_front) + borders[0], int(h_sync), int(h_back) + borders[0]),
        (int(v_front) + borders[1], int(v_sync), int(v_back) + borders[1]),
        (h_pol == "P", v_pol == "P"),
    )


def clock_10khz(clock_khz: int) -> int:
    return (clock_khz + 5) // 10


def _seen(found: re.Match[str]) -> Seen:
    return Seen(int(found[1]), int(found[2]), found[3] == "i", clock_10khz(round(float(found[5]) * 1000)))


def _run(*options: str, stdin: bytes = b"") -> str:
    program = shutil.which("edid-decode")
    if program is None:
        pytest.fail("edid-decode is missing: apt-get install edid-decode")
    return subprocess.run(
        [program, *options], input=stdin, capture_output=True, check=False, timeout=20
    ).stdout.decode()
