"""`edge linktest --listen`: the far end, which counts what comes."""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Iterable
from dataclasses import asdict, dataclass

from edge.app.cli_options import first_line
from edge.app.uplink_page import mbps
from edge.model.errors import Invalid
from edge.sinks.srt_receiver import SrtReceiver
from edge.sinks.srt_stats import SrtStats
from edge.sinks.srt_url import SrtMode, parse_srt_url

_LOOK_EVERY_S = 0.2
_PEAK_OVER_S = 1.0


@dataclass(frozen=True, slots=True)
class Arrived:
    """Of one sender. `peak_bps` over a second; `missing_packets` never came, `lost_packets` came late or never."""

    payload_bytes: int
    seconds: float
    peak_bps: int
    received_packets: int
    lost_packets: int
    missing_packets: int


def listen(arguments: argparse.Namespace) -> int:
    """One sender after another, until interrupted. Raises Busy, Invalid."""
    address = parse_srt_url(arguments.listen)
    if address.mode is not SrtMode.LISTENER:
        raise Invalid(f"{arguments.listen}: this end listens: srt://:PORT, or mode=listener behind '?'")
    passphrase = first_line(arguments.passphrase_file) if arguments.passphrase_file else ""
    while True:
        with SrtReceiver(address, latency_ms=arguments.latency, passphrase=passphrase) as receiver:
            if not arguments.json:
                print(f"listening on {address.where}", flush=True)
            arrived = count(receiver)
        print(json.dumps(asdict(arrived)) if arguments.json else line(arrived), flush=True)


def count(receiver: SrtReceiver) -> Arrived:
    """Until the sender leaves."""
    receiver.open()
    looked_s = begin_s = time.monotonic()
    last: SrtStats | None = receiver.stats()
    arrivals: list[tuple[float, int]] = []
    total = 0
    for payload in receiver:
        total += len(payload)
        now_s = time.monotonic()
        if now_s - looked_s >= _LOOK_EVERY_S:
            looked_s, last = now_s, receiver.stats() or last
            arrivals.append((now_s, total))
    seconds = (arrivals[-1][0] if arrivals else looked_s) - begin_s
    return Arrived(
        payload_bytes=total,
        seconds=round(seconds, 3),
        peak_bps=peak_bps(arrivals),
        received_packets=last.received_packets if last else 0,
        lost_packets=last.lost_packets if last else 0,
        missing_packets=last.dropped_packets if last else 0,
    )


def peak_bps(arrivals: Iterable[tuple[float, int]]) -> int:
    """Of (second, bytes until then): the most over any stretch of a second or a little more."""
    behind: list[tuple[float, int]] = []
    most = 0.0
    for at_s, total in arrivals:
        while len(behind) > 1 and at_s - behind[1][0] >= _PEAK_OVER_S:
            behind.pop(0)
        if behind and at_s - behind[0][0] >= _PEAK_OVER_S:
            most = max(most, (total - behind[0][1]) * 8 / (at_s - behind[0][0]))
        behind.append((at_s, total))
    return round(most)


def line(arrived: Arrived) -> str:
    received = max(arrived.received_packets, 1)
    came = f"came: {arrived.payload_bytes / 1e6:.1f} MB in {arrived.seconds:.0f} s"
    lost = f"{arrived.lost_packets / received:.2%} lost on the way, {arrived.missing_packets} packet(s) never came"
    return f"{came}, at most {mbps(arrived.peak_bps)} over a second; {lost}"
