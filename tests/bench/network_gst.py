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

_DEBIAN = "/usr/lib/python3/dist-packages"  # PyGObject is Debian's
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
    """`gst`, `webrtc` and `sdp` are GStreamer's namespaces."""

    def __init__(self, gst: Any, webrtc: Any, sdp: Any, sent: Path) -> None:
        self._gst, self._webrtc, self._sdp = gst, webrtc, sdp
        self._sent = sent.open("w")
        self._pipeline = gst.parse_launch(_PIPELINE)
        self._peer = self._pipeline.get_by_name("peer")
        self._frames = self._pipeline.get_by_name("frames")
        self._gathered = threading.Event()
        transceiver = self._peer.emit("get-transceiver", 0)
        transceiver.set_property("do-nack", True)
        transceiver.set_property("direction", webrtc.WebRTCRTPTransceiverDirection.SENDONLY)
        payloader = self._pipeline.get_by_name("pay")
        payloader.get_static_pad("sink").add_probe(gst.PadProbeType.BUFFER, self._on_encoded)
        self._peer.connect("on-negotiation-needed", self._negotiate)
        self._peer.connect("notify::ice-gathering-state", self._on_gathering)

    def run(self) -> None:
        self._pipeline.set_state(self._gst.State.PLAYING)
        threading.Thread(target=self._feed, daemon=True).start()
        if not self._gathered.wait(20):
            raise SystemExit("webrtcbin has not gathered its candidates within 20 s")
        self._say({"offer": self._peer.get_property("local-description").sdp.as_text()})
        self._accept(json.loads(sys.stdin.readline())["answer"])
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

    def _negotiate(self, peer: Any) -> None:
        peer.emit("create-offer", None, self._gst.Promise.new_with_change_func(self._on_offer))

    def _on_offer(self, promise: Any, *_: object) -> None:
        reply = promise.get_reply()  # owns what it holds
        self._peer.emit("set-local-description", reply.get_value("offer"), self._gst.Promise.new())

    def _on_gathering(self, peer: Any, _: object) -> None:
        if peer.get_property("ice-gathering-state") == self._webrtc.WebRTCICEGatheringState.COMPLETE:
            self._gathered.set()

    def _accept(self, answer: str) -> None:
        _, message = self._sdp.SDPMessage.new_from_text(answer)
        described = self._webrtc.WebRTCSessionDescription.new(self._webrtc.WebRTCSDPType.ANSWER, message)
        self._peer.emit("set-remote-description", described, self._gst.Promise.new())

    @staticmethod
    def _say(words: dict[str, str]) -> None:
        print(json.dumps(words), flush=True)


def main() -> None:
    sys.path.append(_DEBIAN)
    import gi

    for name in ("Gst", "GstWebRTC", "GstSdp"):
        gi.require_version(name, "1.0")
    from gi.repository import Gst, GstSdp, GstWebRTC

    Gst.init(None)
    Sender(Gst, GstWebRTC, GstSdp, Path(sys.argv[1])).run()


if __name__ == "__main__":
    main()
