"""GStreamer's webrtcbin as a sender of the benchmark's clip: `python -m tests.bench.network_gst SENT`.

Standard output gets one JSON line with its offer, standard input brings the answer and, by its end, the end.
The file SENT gets a line for each picture that was encoded. The pipeline is what GStreamer's documentation
shows for a low delay: x264enc with tune=zerolatency, a payloader that waits for nothing, NACK switched on.
Its bit rate stays where it is.
"""

from __future__ import annotations

import json
import sys
import threading
import time
from pathlib import Path
from typing import Any

from tests.bench.network_clip import BITRATE_BPS, FPS, HEIGHT, SPEED, WIDTH
from tests.bench.network_frames import frames
from tests.webrtcbin import Names, Offering, gstreamer

_PIPELINE = (
    "appsrc name=frames is-live=true format=time max-buffers=2 leaky-type=downstream "
    f"caps=video/x-raw,format=I420,width={WIDTH},height={HEIGHT},framerate={FPS}/1,colorimetry=bt709 "
    f"! x264enc tune=zerolatency speed-preset={SPEED} bitrate={BITRATE_BPS // 1000} key-int-max={2 * FPS} "
    "vbv-buf-capacity=100 "
    "! video/x-h264,profile=constrained-baseline,stream-format=byte-stream "
    "! rtph264pay name=pay config-interval=-1 aggregate-mode=zero-latency pt=96 mtu=1200 "
    "! application/x-rtp,media=video,encoding-name=H264,payload=96,clock-rate=90000 "
    "! webrtcbin name=peer bundle-policy=max-bundle"
)


class Sender:
    def __init__(self, names: Names, sent: Path) -> None:
        gst, webrtc, _ = names
        self._gst = gst
        self._sent = sent.open("w")
        self._pipeline = gst.parse_launch(_PIPELINE)
        self._frames = self._pipeline.get_by_name("frames")
        peer = self._pipeline.get_by_name("peer")
        transceiver = peer.emit("get-transceiver", 0)
        transceiver.set_property("do-nack", True)
        transceiver.set_property("direction", webrtc.WebRTCRTPTransceiverDirection.SENDONLY)
        payloader = self._pipeline.get_by_name("pay")
        payloader.get_static_pad("sink").add_probe(gst.PadProbeType.BUFFER, self._on_encoded)
        self._offering = Offering(names, peer)

    def run(self) -> None:
        self._pipeline.set_state(self._gst.State.PLAYING)
        threading.Thread(target=self._feed, daemon=True).start()
        self._say({"offer": self._offering.offer()})
        self._offering.accept(json.loads(sys.stdin.readline())["answer"])
        sys.stdin.read()
        self._pipeline.set_state(self._gst.State.NULL)

    def _feed(self) -> None:
        """RTP times follow the capture times."""
        begin_ns = time.monotonic_ns()
        for frame, picture in frames():
            buffer = self._gst.Buffer.new_wrapped(picture)
            buffer.pts = max(0, frame.stamps.captured_ns - begin_ns)
            buffer.duration = self._gst.SECOND // FPS
            self._frames.emit("push-buffer", buffer)

    def _on_encoded(self, _pad: Any, found: Any) -> Any:
        print(found.get_buffer().pts, file=self._sent, flush=True)
        return self._gst.PadProbeReturn.OK

    @staticmethod
    def _say(words: dict[str, str]) -> None:
        print(json.dumps(words), flush=True)


if __name__ == "__main__":
    Sender(gstreamer(), Path(sys.argv[1])).run()
