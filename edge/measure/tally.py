"""Capture times -> how late, how many, how many missing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from edge.model import strip
from edge.model.sei import TimeSei

_SEQ = 1 << 32


@dataclass(frozen=True, slots=True)
class Picture:
    """One received picture. Times are UTC by the receiver's clock; `decoded_utc_ns` None when not decoded.

    `strip_us` is as the strip has it, modulo 2**48.
    """

    arrived_utc_ns: int
    sei: TimeSei | None = None
    decoded_utc_ns: int | None = None
    strip_us: int | None = None


@dataclass(frozen=True, slots=True)
class Spread:
    """Milliseconds."""

    p50: float
    p95: float
    p99: float
    min: float
    max: float
    count: int


@dataclass(frozen=True, slots=True)
class Report:
    """`sei`: capture to arrival of the whole unit. `strip`: capture to decoded picture.

    `strip_minus_sei`: by how much the two carriers differ about one and the same picture.
    Of the sender's clock: `sender_synchronised` and `sender_uncertainty_us` (None when unknown,
    or when no SEI said). `missing` counts absent sequence numbers, `restarts` jumps backwards.
    """

    pictures: int
    live: int
    not_live: int
    missing: int
    gaps: int
    restarts: int
    decoded: int
    sei: Spread | None
    strip: Spread | None
    strip_minus_sei: Spread | None
    sender_synchronised: bool | None
    sender_uncertainty_us: int | None

    @property
    def carries_time(self) -> bool:
        return self.sei is not None or self.strip is not None or self.not_live > 0


def spread(values_ns: Sequence[int]) -> Spread | None:
    """Nearest-rank percentiles; None of nothing."""
    if not values_ns:
        return None
    ranked = sorted(values_ns)

    def at(share: float) -> float:
        return ranked[min(len(ranked) - 1, int(share * len(ranked)))] / 1e6

    return Spread(at(0.5), at(0.95), at(0.99), ranked[0] / 1e6, ranked[-1] / 1e6, len(ranked))


class Tally:
    """Add pictures in order of arrival. Pictures that say they are not live count, but not as latency."""

    def __init__(self) -> None:
        self._sei_ns: list[int] = []
        self._strip_ns: list[int] = []
        self._difference_ns: list[int] = []
        self._counts = dict.fromkeys(("pictures", "live", "not_live", "missing", "gaps", "restarts", "decoded"), 0)
        self._seq: int | None = None
        self._last_sei: TimeSei | None = None

    @property
    def pictures(self) -> int:
        return self._counts["pictures"]

    def add(self, picture: Picture) -> None:
        self._counts["pictures"] += 1
        self._counts["decoded"] += picture.decoded_utc_ns is not None
        if picture.sei is not None:
            self._add_sei(picture.sei, picture.arrived_utc_ns)
        if picture.strip_us is not None and picture.decoded_utc_ns is not None:
            self._add_strip(picture, picture.strip_us, picture.decoded_utc_ns)

    def report(self) -> Report:
        last = self._last_sei
        return Report(
            **self._counts,
            sei=spread(self._sei_ns),
            strip=spread(self._strip_ns),
            strip_minus_sei=spread(self._difference_ns),
            sender_synchronised=last.clock_synchronised if last else None,
            sender_uncertainty_us=last.uncertainty_us if last else None,
        )

    def _add_sei(self, sei: TimeSei, arrived_utc_ns: int) -> None:
        self._last_sei = sei
        self._counts["live" if sei.live else "not_live"] += 1
        self._follow(sei.seq)
        if sei.live:
            self._sei_ns.append(arrived_utc_ns - sei.utc_ns)

    def _add_strip(self, picture: Picture, strip_us: int, decoded_utc_ns: int) -> None:
        near_ns = picture.sei.utc_ns if picture.sei else decoded_utc_ns
        captured_ns = strip.unwrap_us(strip_us, near_ns // 1000) * 1000
        if picture.sei is None or picture.sei.live:
            self._strip_ns.append(decoded_utc_ns - captured_ns)
        if picture.sei is not None and picture.sei.live:
            # the strip has whole microseconds
            self._difference_ns.append(captured_ns - picture.sei.utc_ns // 1000 * 1000)

    def _follow(self, seq: int) -> None:
        before, self._seq = self._seq, seq
        if before is None:
            return
        step = (seq - before) % _SEQ
        if step >= _SEQ // 2:
            self._counts["restarts"] += 1
        elif step > 1:
            self._counts["gaps"] += 1
            self._counts["missing"] += step - 1
