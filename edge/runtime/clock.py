"""The system's clocks behind the Clock port, and the kernel's word on synchronisation."""

from __future__ import annotations

import ctypes
import time

_REMAP_EVERY_NS = 1_000_000_000
_STA_UNSYNC = 0x0040  # linux/timex.h
_UNKNOWN_US = 16_000_000  # NTP_PHASE_MAX: the kernel's maxerror when nothing disciplines the clock


class _Timex(ctypes.Structure):
    """The head of struct timex (linux/timex.h), 64-bit layout; the rest is room only."""

    _fields_ = [
        ("modes", ctypes.c_uint),
        ("offset", ctypes.c_long),
        ("freq", ctypes.c_long),
        ("maxerror", ctypes.c_long),
        ("esterror", ctypes.c_long),
        ("status", ctypes.c_int),
        ("room", ctypes.c_char * 256),
    ]


class SystemClock:
    """CLOCK_MONOTONIC and CLOCK_REALTIME with one map, renewed once a second."""

    def __init__(self) -> None:
        self._libc = ctypes.CDLL(None, use_errno=True)
        self._offset_ns = 0
        self._mapped_ns = -_REMAP_EVERY_NS
        self._timex = (0, _Timex())

    def mono_ns(self) -> int:
        return time.monotonic_ns()

    def utc_ns(self, mono_ns: int | None = None) -> int:
        now = time.monotonic_ns()
        if now - self._mapped_ns >= _REMAP_EVERY_NS:
            self._offset_ns = _offset_ns()
            self._mapped_ns = now
        return (now if mono_ns is None else mono_ns) + self._offset_ns

    def synchronised(self) -> bool:
        return not self._read_timex().status & _STA_UNSYNC

    def uncertainty_us(self) -> int | None:
        maxerror = self._read_timex().maxerror
        return None if maxerror >= _UNKNOWN_US else int(maxerror)

    def _read_timex(self) -> _Timex:
        read_ns, timex = self._timex
        now = time.monotonic_ns()
        if read_ns == 0 or now - read_ns > _REMAP_EVERY_NS:
            timex = _Timex()
            if self._libc.adjtimex(ctypes.byref(timex)) < 0:
                timex.status, timex.maxerror = _STA_UNSYNC, _UNKNOWN_US
            self._timex = (now, timex)
        return timex


def _offset_ns() -> int:
    """UTC minus monotonic: of three samples the one with the least time between its readings."""
    return min(_offset_sample() for _ in range(3))[1]


def _offset_sample() -> tuple[int, int]:
    before = time.monotonic_ns()
    utc = time.time_ns()
    after = time.monotonic_ns()
    return after - before, utc - (before + after) // 2


def rfc3339(utc_ns: int) -> str:
    """UTC ns as RFC 3339 text with microseconds."""
    seconds, rest = divmod(utc_ns, 1_000_000_000)
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds)) + f".{rest // 1000:06d}Z"
