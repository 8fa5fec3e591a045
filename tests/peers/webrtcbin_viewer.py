"""GStreamer's webrtcbin as a WHEP viewer: `webrtcbin_viewer.py URL FILE SECONDS` writes the H.264 that it gets."""

from __future__ import annotations

import sys
import threading
import time
import urllib.request
from typing import Any

_DEBIAN = "/usr/lib/python3/dist-packages"  # PyGObject is Debian's
_CAPS = (
    "application/x-rtp,media=video,encoding-name=H264,clock-rate=90000,payload=96,"
    "packetization-mode=(string)1,profile-level-id=(string)42e01f"
)
_TAKEN = "rtph264depay ! h264parse ! video/x-h264,stream-format=byte-stream,alignment=au ! filesink location={}"
_PATIENCE_S = 20


class Viewer:
    """`gst`, `webrtc` and `sdp` are GStreamer's namespaces."""

    def __init__(self, gst: Any, webrtc: Any, sdp: Any, file: str) -> None:
        self._gst, self._webrtc, self._sdp, self._file = gst, webrtc, sdp, file
        self._gathered, self._comes = threading.Event(), threading.Event()
        self._pipeline = gst.Pipeline.new()
        self._peer = gst.ElementFactory.make("webrtcbin")
        self._peer.set_property("bundle-policy", webrtc.WebRTCBundlePolicy.MAX_BUNDLE)
        self._pipeline.add(self._peer)
        recvonly = webrtc.WebRTCRTPTransceiverDirection.RECVONLY
        transceiver = self._peer.emit("add-transceiver", recvonly, gst.Caps.from_string(_CAPS))
        transceiver.set_property("do-nack", True)
        self._peer.connect("on-negotiation-needed", self._negotiate)
        self._peer.connect("notify::ice-gathering-state", self._on_gathering)
        self._peer.connect("pad-added", self._on_pad)

    def watch(self, url: str, seconds: float) -> None:
        """Raises SystemExit, TimeoutError or what the request raises."""
        self._pipeline.set_state(self._gst.State.PLAYING)
        _await(self._gathered, "its candidates")
        offer = self._peer.get_property("local-description").sdp.as_text()
        request = urllib.request.Request(url, offer.encode(), {"Content-Type": "application/sdp"}, method="POST")
        with urllib.request.urlopen(request, timeout=_PATIENCE_S) as response:
            _, message = self._sdp.SDPMessage.new_from_text(response.read().decode())
        answer = self._webrtc.WebRTCSessionDescription.new(self._webrtc.WebRTCSDPType.ANSWER, message)
        self._peer.emit("set-remote-description", answer, self._gst.Promise.new())
        _await(self._comes, "pictures")
        time.sleep(seconds)
        self._pipeline.set_state(self._gst.State.NULL)

    def _negotiate(self, peer: Any) -> None:
        peer.emit("create-offer", None, self._gst.Promise.new_with_change_func(self._on_offer))

    def _on_offer(self, promise: Any, *_: object) -> None:
        reply = promise.get_reply()  # owns what it holds
        self._peer.emit("set-local-description", reply.get_value("offer"), self._gst.Promise.new())

    def _on_gathering(self, peer: Any, _: object) -> None:
        if peer.get_property("ice-gathering-state") == self._webrtc.WebRTCICEGatheringState.COMPLETE:
            self._gathered.set()

    def _on_pad(self, _peer: Any, pad: Any) -> None:
        taking = self._gst.parse_bin_from_description(_TAKEN.format(self._file), True)
        self._pipeline.add(taking)
        taking.sync_state_with_parent()
        pad.link(taking.get_static_pad("sink"))
        self._comes.set()


def _await(event: threading.Event, what: str) -> None:
    if not event.wait(_PATIENCE_S):
        raise SystemExit(f"webrtcbin has not got {what} within {_PATIENCE_S} s")


def main() -> None:
    sys.path.append(_DEBIAN)
    import gi

    for name in ("Gst", "GstWebRTC", "GstSdp"):
        gi.require_version(name, "1.0")
    from gi.repository import Gst, GstSdp, GstWebRTC

    Gst.init(None)
    url, file, seconds = sys.argv[1:]
    Viewer(Gst, GstWebRTC, GstSdp, file).watch(url, float(seconds))


if __name__ == "__main__":
    main()
