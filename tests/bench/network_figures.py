"""From what a receiver showed, and when, to the figures of one run. Seconds count from the schedule's start."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

from tests.bench.conditions import percentile

FREEZE_S = 0.2


@dataclass(frozen=True, slots=True)
class Shown:
    """One picture on its receiver."""

    captured_s: float
    shown_s: float

    @property
    def late_ms(self) -> float:
        return (self.shown_s - self.captured_s) * 1000


@dataclass(frozen=True, slots=True)
class LineSample:
    """What had passed the uplink by then, and how full the sender's own queue was, None where it does not say."""

    at_s: float
    delivered_bytes: int
    sender_queue_ms: float | None = None


@dataclass(frozen=True, slots=True)
class Run:
    """`shown` in order of showing. `sent` pictures left the encoder; `lost` is the share that never came.

    `change_s` are the line's changes after which pictures can be expected. `notes` are printed under the figures.
    """

    seconds: float
    shown: Sequence[Shown]
    line: Sequence[LineSample]
    lost: float
    sent: int
    psnr_db: Sequence[float] = ()
    change_s: Sequence[float] = ()
    dropped_packets: int | None = None
    notes: Sequence[str] = ()

    def late_ms(self, share: float, begin_s: float = 0.0, end_s: float | None = None) -> float | None:
        """A percentile over what was shown in that time; None when nothing was."""
        late = [picture.late_ms for picture in self._between(begin_s, end_s)]
        return percentile(late, share) if late else None

    def freezes_s(self, begin_s: float = 0.0, end_s: float | None = None) -> list[float]:
        """Every time of more than 200 ms without a new picture, at the run's begin and end too."""
        end_s = self.seconds if end_s is None else end_s
        times = [begin_s, *(picture.shown_s for picture in self._between(begin_s, end_s)), end_s]
        gaps = (after - before for before, after in itertools.pairwise(times))
        return [gap for gap in gaps if gap > FREEZE_S]

    def first_after_s(self, at_s: float) -> float | None:
        """From then until the first picture that was also captured after it; None when none came."""
        times = (picture.shown_s for picture in self.shown if picture.captured_s >= at_s)
        first = min(times, default=None)
        return None if first is None else first - at_s

    def settled_after_s(self, at_s: float, until_s: float | None = None, *, limit_ms: float) -> float | None:
        """From then until what is shown stays so young that 95 % of it, to the end of that time, is below the limit."""
        after = self._between(at_s, until_s)
        too_late = sum(picture.late_ms > limit_ms for picture in after)
        for index, picture in enumerate(after):
            if too_late <= 0.05 * (len(after) - index):
                return picture.shown_s - at_s
            too_late -= picture.late_ms > limit_ms
        return None

    def rate_bps(self, begin_s: float = 0.0, end_s: float | None = None) -> float:
        """Mean rate on the uplink: bytes of IP, with everything that was sent twice."""
        end_s = self.seconds if end_s is None else end_s
        samples = [sample for sample in self.line if begin_s <= sample.at_s <= end_s]
        if len(samples) < 2:
            return 0.0
        first, last = samples[0], samples[-1]
        return (last.delivered_bytes - first.delivered_bytes) * 8 / (last.at_s - first.at_s)

    @property
    def longest_sender_queue_ms(self) -> float | None:
        return max((sample.sender_queue_ms for sample in self.line if sample.sender_queue_ms is not None), default=None)

    def picture_db(self, share: float) -> float | None:
        """A percentile of `psnr_db`, the luma of some pictures against the source's own."""
        return percentile(self.psnr_db, share) if self.psnr_db else None

    def _between(self, begin_s: float, end_s: float | None) -> list[Shown]:
        end_s = self.seconds if end_s is None else end_s
        return [picture for picture in self.shown if begin_s <= picture.shown_s < end_s]
