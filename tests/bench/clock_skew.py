"""Whether a receiver's wrong clock makes the delay over SRT grow: `python -m tests.bench clock_skew`, about 2 minutes.

srt-live-transmit runs on a clock that is 1000 ppm fast, slow, or right (faketime), ten times what a bad quartz has.
Each payload carries when it was sent and is read again on our own clock. In `SECONDS` an uncorrected clock makes 40 ms.
"""

from __future__ import annotations

import os
import socket
import statistics
import struct
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from edge.sinks.libsrt import Libsrt
from edge.sinks.srt_socket import SrtOptions, dial
from tests.bench.conditions import conditions, say
from tests.srt_peers import free_udp_port

SECONDS, PART_S, PPM, LATENCY_MS, FRAME_MS = 40, 5, 1000, 120, 33.3
_NULL_PACKET = b"\x47\x1f\xff\x10"
_STUFFING = b"\xff" * 184
_SENT = struct.Struct(">d")


def main() -> None:
    say(conditions())
    say(f"SRT, latency {LATENCY_MS} ms, {SECONDS} s on loopback; the receiver's clock is wrong by so many ppm")
    for ppm in (0, PPM, -PPM):
        parts = [round(statistics.median(part), 1) for part in delays_ms(ppm)]
        drift_ms = max(abs(part - parts[0]) for part in parts)
        verdict = "within a frame" if drift_ms <= FRAME_MS else "MORE THAN A FRAME"
        say(f"{ppm:+6} ppm: medians of {PART_S} s each {parts} ms")
        say(f"{'':10} moved by {drift_ms:.1f} ms, {verdict}; uncorrected {abs(ppm) * SECONDS / 1000:.0f} ms")


def delays_ms(ppm: int) -> list[list[float]]:
    """By part of the time, each payload's delay from being sent to coming out of the receiver."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as out:
        out.bind(("127.0.0.1", 0))
        out.settimeout(0.5)
        port = free_udp_port()
        with _receiver(ppm, port, out.getsockname()[1]):
            return _sent_through(port, out)


@contextmanager
def _receiver(ppm: int, srt_port: int, udp_port: int) -> Iterator[None]:
    libraries = list(Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"))
    if not libraries:
        raise FileNotFoundError("libfaketimeMT.so.1: install the Debian package faketime")
    clock = {"LD_PRELOAD": str(libraries[0]), "FAKETIME": f"+0 x{1 + ppm / 1e6:.6f}", "DONT_FAKE_MONOTONIC": "0"}
    source = f"srt://127.0.0.1:{srt_port}?mode=listener&latency={LATENCY_MS}"
    words = ["srt-live-transmit", "-q", source, f"udp://127.0.0.1:{udp_port}"]
    with subprocess.Popen(words, env=os.environ | clock, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as peer:
        try:
            time.sleep(1)
            yield
        finally:
            peer.kill()


def _sent_through(port: int, out: socket.socket) -> list[list[float]]:
    parts: list[list[float]] = [[] for _ in range(SECONDS // PART_S)]
    connection = dial(Libsrt(), "127.0.0.1", port, SrtOptions(latency_ms=LATENCY_MS))
    begin_s = time.monotonic()
    reader = threading.Thread(target=_read, args=(out, begin_s, parts))
    reader.start()
    while time.monotonic() - begin_s < SECONDS:
        stamp = _NULL_PACKET + _SENT.pack(time.monotonic()) + _STUFFING[_SENT.size :]
        connection.send(stamp + 6 * (_NULL_PACKET + _STUFFING))
        time.sleep(0.004)
    reader.join()
    connection.close()
    return parts


def _read(out: socket.socket, begin_s: float, parts: list[list[float]]) -> None:
    while (now_s := time.monotonic()) - begin_s < SECONDS:
        try:
            payload = out.recv(2048)
        except TimeoutError:
            continue
        now_s = time.monotonic()
        part = int((now_s - begin_s) / PART_S)
        if part < len(parts):
            (sent_s,) = _SENT.unpack_from(payload, len(_NULL_PACKET))
            parts[part].append((now_s - sent_s) * 1000)


if __name__ == "__main__":
    main()
