"""A small real media process: x264 pictures with time SEI on a Unix socket; prints the feedback it hears.

Run as a program: `python unit_producer.py SOCKET --width 640 --height 360 --fps 30`. A line of its standard input
is a lie to tell from then on: `old` (captured 2 s ago), `repeat` (one SEI again and again), `stuck` (one number with
fresh times), `dark` (not live), `silent` (no SEI), `still` (no pictures); `honest` ends it.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import time
from dataclasses import asdict, replace
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from av.video.frame import PictureType, VideoFrame

from edge.model.feedback import KeyframeRequest
from edge.model.frame import AccessUnit, Stamps, pts_of
from edge.model.sei import TimeSei, insert
from edge.model.video import Codec, StreamFormat, VideoFormat
from edge.runtime.unit_wire import LENGTH, pack_format, pack_unit, unpack_feedback


class Producer:
    def __init__(self, *, rung: str, width: int, height: int, fps: int, bitrate_bps: int, gop_s: float) -> None:
        self._fps = fps
        video = VideoFormat(width=width, height=height, fps=Fraction(fps))
        epoch = int(time.time()) & 0xFFFFFFFF
        self._format = StreamFormat(rung=rung, epoch=epoch, codec=Codec.H264, video=video)
        self._codec = av.CodecContext.create("libx264", "w")
        self._codec.width, self._codec.height = width, height
        self._codec.pix_fmt = "yuv420p"
        self._codec.time_base = Fraction(1, 90_000)
        self._codec.framerate = Fraction(fps)
        self._codec.bit_rate = bitrate_bps
        self._codec.gop_size = int(fps * gop_s)
        self._codec.profile = "Baseline"
        self._codec.options = {
            "preset": "ultrafast",
            "tune": "zerolatency",
            "forced-idr": "1",
            "x264-params": f"sliced-threads=0:bframes=0:repeat-headers=1:vbv-maxrate={bitrate_bps // 1000}"
            f":vbv-bufsize={bitrate_bps // 2000}",
        }
        self._noise = np.random.default_rng(1).integers(0, 40, (height, width), dtype=np.uint8)
        self._writers: dict[asyncio.StreamWriter, bool] = {}
        self._force_key = False
        self._seq = 0
        self._lie = "honest"
        self._kept: TimeSei | None = None

    async def serve(self, path: Path) -> None:
        server = await asyncio.start_unix_server(self._listen, path)
        print(json.dumps({"listening": str(path)}), flush=True)
        asyncio.get_running_loop().add_reader(sys.stdin, self._obey)
        async with server:
            due = time.monotonic()
            while True:
                unit = self._next_unit()
                if self._lie != "still":
                    self._publish(unit)
                due += 1 / self._fps
                await asyncio.sleep(max(0.0, due - time.monotonic()))

    async def _listen(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers[writer] = False
        try:
            while True:
                (size,) = LENGTH.unpack(await reader.readexactly(LENGTH.size))
                feedback = unpack_feedback(await reader.readexactly(size))
                if isinstance(feedback, KeyframeRequest):
                    self._force_key = True
                    print(json.dumps({"keyframe": feedback.reason, "sink": feedback.sink}), flush=True)
                else:
                    print(json.dumps({"link": asdict(feedback)}), flush=True)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            self._writers.pop(writer, None)
            writer.close()

    def _publish(self, unit: AccessUnit) -> None:
        raw = pack_unit(unit)
        for writer, greeted in tuple(self._writers.items()):
            if not greeted:
                writer.write(pack_format(self._format))
                self._writers[writer] = True
            writer.write(raw)

    def _next_unit(self) -> AccessUnit:
        captured_ns, utc_ns = time.monotonic_ns(), time.time_ns()
        frame = VideoFrame.from_ndarray(self._picture(), format="yuv420p")
        frame.pts, frame.time_base = pts_of(captured_ns), Fraction(1, 90_000)
        frame.pict_type = PictureType.I if self._force_key else PictureType.NONE
        self._force_key = False
        begin_ns = time.monotonic_ns()
        packets = self._codec.encode(frame)
        self._seq += 1
        sei = TimeSei(utc_ns=utc_ns, seq=self._seq, live=True, clock_synchronised=True)
        coded, told = b"".join(bytes(packet) for packet in packets), self._told(sei)
        encoded = coded if told is None else insert(Codec.H264, coded, told)
        stamps = Stamps(captured_ns, captured_ns, begin_ns, time.monotonic_ns())
        key = any(packet.is_keyframe for packet in packets)
        return AccessUnit(
            self._format, self._seq, pts_of(captured_ns), utc_ns, key, self._lie != "dark", False, stamps, encoded
        )

    def _obey(self) -> None:
        line = sys.stdin.readline().strip()
        if line:
            self._lie, self._kept = line, None
            self._force_key = True
            print(json.dumps({"lie": line}), flush=True)
        else:
            asyncio.get_running_loop().remove_reader(sys.stdin)

    def _told(self, sei: TimeSei) -> TimeSei | None:
        self._kept = self._kept or sei
        lies = {
            "old": replace(sei, utc_ns=sei.utc_ns - 2_000_000_000),
            "repeat": self._kept,
            "stuck": replace(sei, seq=self._kept.seq),
            "dark": replace(sei, live=False),
            "silent": None,
        }
        return lies.get(self._lie, sei)

    def _picture(self) -> np.ndarray:
        video = self._format.video
        picture = np.full((video.height * 3 // 2, video.width), 128, np.uint8)
        luma = picture[: video.height]
        luma[:] = np.roll(self._noise, self._seq * 3, axis=1) + 60
        left = self._seq * 8 % (video.width - 64)
        luma[64:128, left : left + 64] = 235
        return picture


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("socket", type=Path)
    parser.add_argument("--rung", default="main")
    parser.add_argument("--width", type=int, default=640)
    parser.add_argument("--height", type=int, default=360)
    parser.add_argument("--fps", type=int, default=30)
    parser.add_argument("--bitrate-bps", type=int, default=2_000_000)
    parser.add_argument("--gop-s", type=float, default=600.0)
    options = vars(parser.parse_args())
    path = options.pop("socket")
    path.unlink(missing_ok=True)
    asyncio.run(Producer(**options).serve(path))


if __name__ == "__main__":
    main()
