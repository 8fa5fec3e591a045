"""An uplink test as a whole: the ramp's orders carried out over one SRT connection."""

from __future__ import annotations

import time
from collections.abc import Callable

from edge.measure.uplink import Sample, Stretch, stretch_of
from edge.measure.uplink_ramp import Order, Ramp, RampSpec, Stage
from edge.sinks.null_stream import NullStream
from edge.sinks.srt_socket import SrtSocket

_LOOK_EVERY_S = 0.05
Told = Callable[[Order, Stretch, bool], None]


def run_ramp(connection: SrtSocket, spec: RampSpec, *, told: Told) -> Ramp:
    """The ramp at its end; `told` hears of each stretch, and whether the path was full. Blocking. Raises PeerGone."""
    stream = NullStream(connection)
    ramp = Ramp.begin(spec)
    while (order := ramp.order) is not None:
        seen = _carried_out(stream, connection, order)
        told(order, seen, order.stage in (Stage.RAMP, Stage.HOLD) and ramp.full(seen))
        ramp = ramp.after(seen)
    return ramp


def _carried_out(stream: NullStream, connection: SrtSocket, order: Order) -> Stretch:
    samples: list[Sample] = []
    stream.send(
        order.rate_bps,
        order.seconds,
        every_s=_LOOK_EVERY_S,
        look=lambda: samples.append(_sample(connection, stream.offered)),
    )
    return stretch_of(order.rate_bps, samples)


def _sample(connection: SrtSocket, offered: int) -> Sample:
    stats = connection.stats()
    return Sample(
        at_s=time.monotonic(),
        rtt_ms=stats.rtt_ms,
        offered=offered,
        waiting=stats.send_buffer_packets,
        sent=stats.sent_packets,
        sent_again=stats.retransmitted_packets,
        dropped=stats.dropped_packets,
    )
