"""GStreamer's webrtcbin as a WHEP viewer: `webrtcbin_viewer.py URL FILE SECONDS` writes the H.264 that it gets."""

from __future__ import annotations

import sys
import threading
import time
import urllib.request
from typing import Any

from tests.webrtcbin import Names, Offering, gstreamer, wait_for

_CAPS = (
    "application/x-rtp,media=video,encoding-name=H264,clock-rate=90000,payload=96,"
    "packetization-mode=(string)1,profile-level-id=(string)42e01f"
)
_TAKEN = "rtph264depay ! h264parse ! video/x-h264,stream-format=byte-stream,alignment=au ! filesink location={}"
_PATIENCE_S = 20


class Viewer:
    def __init__(self, names: Names, file: str) -> None:
        gst, webrtc, _ = names
        self._gst, self._file = gst, file
        self._comes = threading.Event()
        self._pipeline = gst.Pipeline.new()
        peer = gst.ElementFactory.make("webrtcbin")
        peer.set_property("bundle-policy", webrtc.WebRTCBundlePolicy.MAX_BUNDLE)
        self._pipeline.add(peer)
        recvonly = webrtc.WebRTCRTPTransceiverDirection.RECVONLY
        transceiver = peer.emit("add-transceiver", recvonly, gst.Caps.from_string(_CAPS))
        transceiver.set_property("do-nack", True)
        peer.connect("pad-added", self._on_pad)
        self._offering = Offering(names, peer)

    def watch(self, url: str, seconds: float) -> None:
        """Raises SystemExit, TimeoutError or what the request raises."""
        self._pipeline.set_state(self._gst.State.PLAYING)
        offer = self._offering.offer().encode()
        request = urllib.request.Request(url, offer, {"Content-Type": "application/sdp"}, method="POST")
        with urllib.request.urlopen(request, timeout=_PATIENCE_S) as response:
            self._offering.accept(response.read().decode())
        wait_for(self._comes, "pictures")
        time.sleep(seconds)
        self._pipeline.set_state(self._gst.State.NULL)

    def _on_pad(self, _peer: Any, pad: Any) -> None:
        taking = self._gst.parse_bin_from_description(_TAKEN.format(self._file), True)
        self._pipeline.add(taking)
        taking.sync_state_with_parent()
        pad.link(taking.get_static_pad("sink"))
        self._comes.set()


if __name__ == "__main__":
    url, file, seconds = sys.argv[1:]
    Viewer(gstreamer(), file).watch(url, float(seconds))
