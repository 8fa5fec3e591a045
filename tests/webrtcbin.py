"""The offering side of a conversation with GStreamer's webrtcbin, for programs that tests and benchmarks start."""

from __future__ import annotations

import sys
import threading
from typing import Any, NamedTuple

_DEBIAN = "/usr/lib/python3/dist-packages"  # PyGObject is Debian's
_PATIENCE_S = 20


class Names(NamedTuple):
    """GStreamer's namespaces."""

    gst: Any
    webrtc: Any
    sdp: Any


def gstreamer() -> Names:
    """Ready for use."""
    sys.path.append(_DEBIAN)
    import gi

    for name in ("Gst", "GstWebRTC", "GstSdp"):
        gi.require_version(name, "1.0")
    from gi.repository import Gst, GstSdp, GstWebRTC

    Gst.init(None)
    return Names(Gst, GstWebRTC, GstSdp)


class Offering:
    """Made before the pipeline of `peer` plays: then `offer`, then `accept`."""

    def __init__(self, names: Names, peer: Any) -> None:
        self._names = names
        self._peer = peer
        self._gathered = threading.Event()
        peer.connect("on-negotiation-needed", self._negotiate)
        peer.connect("notify::ice-gathering-state", self._on_gathering)

    def offer(self) -> str:
        """SDP with every candidate. Raises SystemExit after 20 s."""
        wait_for(self._gathered, "its candidates")
        return str(self._peer.get_property("local-description").sdp.as_text())

    def accept(self, answer: str) -> None:
        _, message = self._names.sdp.SDPMessage.new_from_text(answer)
        webrtc = self._names.webrtc
        described = webrtc.WebRTCSessionDescription.new(webrtc.WebRTCSDPType.ANSWER, message)
        self._peer.emit("set-remote-description", described, self._names.gst.Promise.new())

    def _negotiate(self, peer: Any) -> None:
        peer.emit("create-offer", None, self._names.gst.Promise.new_with_change_func(self._on_offer))

    def _on_offer(self, promise: Any, *_: object) -> None:
        reply = promise.get_reply()  # owns what it holds
        self._peer.emit("set-local-description", reply.get_value("offer"), self._names.gst.Promise.new())

    def _on_gathering(self, peer: Any, _: object) -> None:
        if peer.get_property("ice-gathering-state") == self._names.webrtc.WebRTCICEGatheringState.COMPLETE:
            self._gathered.set()


def wait_for(event: threading.Event, what: str) -> None:
    """Raises SystemExit when webrtcbin has not got it in 20 s."""
    if not event.wait(_PATIENCE_S):
        raise SystemExit(f"webrtcbin has not got {what} within {_PATIENCE_S} s")
