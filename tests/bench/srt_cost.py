"""What an SRT output costs: `python tests/bench/srt_cost.py`.

CPU of muxing and sending at 8 Mb/s and 60 fps, in ms per access unit: of the sink's thread, and in
all, which adds libsrt's own threads. The receiver is another process on this machine.
"""

from __future__ import annotations

import resource
import subprocess
import sys
import time
from dataclasses import dataclass

from edge.model.errors import TimedOut
from edge.model.frame import AccessUnit
from edge.sinks.mpegts import TsMuxer
from edge.sinks.srt import SrtSink
from tests.bench.conditions import conditions, say
from tests.media_units import continued, make_units
from tests.srt_peers import free_udp_port, srt_spec

FPS, BITRATE_BPS, WIDTH, HEIGHT, SECONDS = 60, 8_000_000, 1280, 720, 10
_RECEIVE = (
    "import sys\n"
    "from edge.sinks.srt_receiver import SrtReceiver\n"
    "from edge.sinks.srt_url import parse_srt_url\n"
    "for payload in SrtReceiver(parse_srt_url(sys.argv[1])): pass\n"
)


@dataclass(frozen=True, slots=True)
class Cost:
    """CPU ms per unit: of the sink's thread, and of the whole process."""

    thread_ms: float
    process_ms: float


def main() -> None:
    units = continued(make_units(120, FPS, width=WIDTH, height=HEIGHT, bitrate_bps=BITRATE_BPS), SECONDS // 2)
    bitrate_bps = sum(len(unit.data) for unit in units) * 8 / SECONDS
    say(conditions())
    say(f"{len(units)} units, {WIDTH}x{HEIGHT} at {FPS} fps, {bitrate_bps / 1e6:.1f} Mb/s, loopback")
    say(f"mux alone         {muxing(units).thread_ms:.3f} ms per unit")
    for cipher, passphrase in (("clear", ""), ("AES-256", "only for this figure")):
        cost = sending(units, passphrase)
        say(f"mux+send {cipher:8} {cost.thread_ms:.3f} ms per unit in the sink's thread, {cost.process_ms:.3f} in all")


def muxing(units: list[AccessUnit]) -> Cost:
    muxer = TsMuxer()
    thread_s, process_s = time.thread_time(), _process_s()
    for unit in units:
        muxer.mux(unit)
    return _cost(thread_s, process_s, len(units))


def sending(units: list[AccessUnit], passphrase: str) -> Cost:
    """At frame rate, to a receiving process."""
    port = free_udp_port()
    receiver = [sys.executable, "-c", _RECEIVE, f"srt://127.0.0.1:{port}?mode=listener"]
    sink = SrtSink(spec=srt_spec(port, "caller", passphrase=passphrase))
    if passphrase:
        receiver[2] = _RECEIVE.replace("argv[1])", "argv[1]), passphrase=sys.argv[2]")
        receiver.append(passphrase)
    with subprocess.Popen(receiver) as peer:
        try:
            _connect(sink, units[0])
            return _paced(sink, units)
        finally:
            sink.close()
            peer.kill()


def _connect(sink: SrtSink, unit: AccessUnit) -> None:
    for _ in range(10):
        try:
            return sink.open(unit.format)
        except TimedOut:
            continue
    raise SystemExit("the receiving process does not answer")


def _paced(sink: SrtSink, units: list[AccessUnit]) -> Cost:
    thread_s, process_s, begin_s = time.thread_time(), _process_s(), time.monotonic()
    for index, unit in enumerate(units):
        time.sleep(max(0.0, begin_s + index / FPS - time.monotonic()))
        sink.write(unit)
    return _cost(thread_s, process_s, len(units))


def _cost(thread_s: float, process_s: float, units: int) -> Cost:
    return Cost((time.thread_time() - thread_s) / units * 1000, (_process_s() - process_s) / units * 1000)


def _process_s() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


if __name__ == "__main__":
    main()
