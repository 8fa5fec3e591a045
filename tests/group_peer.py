"""Both ends of a bonded SRT stream, each in a process of its own, with a libsrt that is not the system's.

python -m tests.group_peer receive LIBSRT PORT FILE      writes what comes, until killed
python -m tests.group_peer send LIBSRT URL UNITS         sends so many units at most, until its input ends; it says each
                                                         path's state and the reports three times a second
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import select
import sys
import time
from dataclasses import asdict
from pathlib import Path

from edge.model.errors import PeerGone, TimedOut
from edge.model.feedback import Feedback, LinkReport
from edge.model.frame import AccessUnit
from edge.model.sink import SinkKind, SinkSpec
from edge.sinks.libsrt import Libsrt, Option
from edge.sinks.libsrt_groups import GROUP_CONNECT
from edge.sinks.sockaddr import resolve
from edge.sinks.srt_group import SrtGroupSink
from tests.media_units import make_units
from tests.published_stream import FPS

LATENCY_MS = 500
_OPTIONS = {Option.LATENCY: LATENCY_MS, Option.RCVTIMEO: 500}


def stream(count: int) -> list[AccessUnit]:
    return make_units(count, FPS, bitrate_bps=800_000, gop=FPS // 2)


def keep(said: Feedback, reports: list[LinkReport]) -> None:
    if isinstance(said, LinkReport):
        reports.append(said)


def send(libsrt: Libsrt, url: str, count: int) -> None:
    units = stream(count)
    reports: list[LinkReport] = []
    spec = SinkSpec("group", SinkKind.SRT, url=url, latency_ms=LATENCY_MS)
    sink = SrtGroupSink(spec=spec, libsrt=libsrt, on_feedback=lambda said: keep(said, reports))
    sink.open(units[0].format)
    begin_s = time.monotonic()
    for index, unit in enumerate(units):
        if select.select([sys.stdin], [], [], max(0.0, begin_s + index / FPS - time.monotonic()))[0]:
            break
        sink.write(unit)
        if index % (FPS // 3) == 0:
            said = {"seq": unit.seq, "paths": sink.detail()["paths"], "reports": [asdict(one) for one in reports]}
            print(json.dumps(said), flush=True)
            reports.clear()
    time.sleep(2 * LATENCY_MS / 1000)  # what is on its way must still be sent again where it was lost
    sink.close()


def receive(libsrt: Libsrt, port: int, into: Path) -> None:
    listener = libsrt.create()
    for option, value in _OPTIONS.items():
        libsrt.set_int(listener, option, value)
    libsrt.library.srt_setsockflag(listener, GROUP_CONNECT, (1).to_bytes(4, "little"), 4)
    libsrt.bind(listener, resolve("127.0.0.1", port), "the group's port")
    libsrt.listen(listener, 10, "the group's port")
    print("listening", flush=True)
    group = libsrt.accept(listener)
    assert group is not None
    libsrt.set_bool(group, Option.RCVSYN, value=True)
    room = ctypes.create_string_buffer(1456)
    with into.open("wb") as out, contextlib.suppress(PeerGone):
        while True:
            with contextlib.suppress(TimedOut):
                size = libsrt.receive(group, room)
                out.write(room.raw[:size])


if __name__ == "__main__":
    role, library, where, what = sys.argv[1:]
    if role == "send":
        send(Libsrt(names=(library,)), where, int(what))
    else:
        receive(Libsrt(names=(library,)), int(where), Path(what))
