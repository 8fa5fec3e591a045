"""What one stretch of sending at one rate says of a path."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

PAYLOAD_BYTES = 1316  # seven MPEG-TS packets
_SETTLING = 0.25  # the part of a stretch that does not count
_MORE_QUEUE_MS = 30.0
_MORE_LOSS = 0.05
_LATE = 0.01
_BACKLOG_MS = 60.0
_STANDING = 3  # a backlog counts that stood all through the last third of a stretch: a hiccup of this machine does not
_OFFERED = 0.9


@dataclass(frozen=True, slots=True)
class Sample:
    """Counts of payloads since the connection began, `at_s` on any monotonic clock. `waiting`: not acknowledged yet."""

    at_s: float
    rtt_ms: float
    offered: int
    waiting: int
    sent: int
    sent_again: int
    dropped: int


@dataclass(frozen=True, slots=True)
class Stretch:
    """`loss` is the share of packets that were sent again, `late` that of the payloads given up here, too old to send.
    `backlog_ms` is how long, at that rate, what stood unacknowledged at the end had been sent for.

    `offered_bps` is what the sender managed of `rate_bps`, `delivered_bps` what was acknowledged: MPEG-TS bits,
    without the headers of SRT, UDP and IP.
    """

    rate_bps: int
    offered_bps: int
    delivered_bps: int
    rtt_p50_ms: float
    rtt_p95_ms: float
    backlog_ms: float = 0.0
    loss: float = 0.0
    late: float = 0.0

    @property
    def jitter_ms(self) -> float:
        """Between the middle of the round trips and all but the longest 5 %."""
        return self.rtt_p95_ms - self.rtt_p50_ms

    @property
    def starved(self) -> bool:
        """Whether the sender itself did not manage that rate."""
        return self.offered_bps < _OFFERED * self.rate_bps


def stretch_of(rate_bps: int, samples: Sequence[Sample]) -> Stretch:
    """Of two samples at least, oldest first; the first quarter of the time is left out."""
    begin_s = samples[0].at_s + (samples[-1].at_s - samples[0].at_s) * _SETTLING
    counted = [one for one in samples[:-2] if one.at_s >= begin_s] + list(samples[-2:])
    first, last = counted[0], counted[-1]
    seconds = max(last.at_s - first.at_s, 1e-3)
    rtts = sorted(one.rtt_ms for one in counted)
    sent = last.sent - first.sent
    standing = min(one.waiting for one in counted[-max(2, len(counted) // _STANDING) :])
    return Stretch(
        rate_bps=rate_bps,
        offered_bps=_bps(last.offered - first.offered, seconds),
        delivered_bps=_bps(max(0, _delivered(last) - _delivered(first)), seconds),
        rtt_p50_ms=_ranked(rtts, 0.5),
        rtt_p95_ms=_ranked(rtts, 0.95),
        backlog_ms=standing * PAYLOAD_BYTES * 8000 / rate_bps,
        loss=(last.sent_again - first.sent_again) / sent if sent else 0.0,
        late=(last.dropped - first.dropped) / max(last.offered - first.offered, 1),
    )


def congested(seen: Stretch, idle: Stretch, usual_loss: float) -> bool:
    """Whether the path was full: a queue, a backlog, payloads that grew old, or more loss than the usual share."""
    return (
        seen.backlog_ms > 2 * idle.rtt_p50_ms + _BACKLOG_MS
        or seen.rtt_p50_ms > idle.rtt_p50_ms + max(_MORE_QUEUE_MS, idle.rtt_p50_ms / 2)
        or seen.loss > 1.5 * usual_loss + _MORE_LOSS
        or seen.late > _LATE
    )


def _delivered(sample: Sample) -> int:
    return sample.offered - sample.waiting - sample.dropped


def _bps(payloads: int, seconds: float) -> int:
    return round(payloads * PAYLOAD_BYTES * 8 / seconds)


def _ranked(ranked: Sequence[float], share: float) -> float:
    return ranked[min(len(ranked) - 1, int(share * len(ranked)))]
