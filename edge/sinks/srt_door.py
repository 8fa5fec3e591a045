"""Whom a listener lets in, judged by the stream id before libsrt judges the passphrase."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from edge.model.errors import Invalid
from edge.model.sink import PeerSpec, SinkSpec
from edge.sinks.srt_access import parse_stream_id

# access_control.h of libsrt 1.5
BAD_REQUEST, UNAUTHORIZED, OVERLOAD, BAD_MODE, UNSUPPORTED_TYPE = 1400, 1401, 1402, 1405, 1415


@dataclass(frozen=True, slots=True)
class Refusal:
    """`number` is SRT's reason for the caller, `sentence` ours for status and log."""

    number: int
    sentence: str


@dataclass(frozen=True, slots=True)
class Guest:
    """Who comes in: one of the known peers, or, with an empty name, anybody. `passphrase` empty: the listener's."""

    name: str = ""
    passphrase: str = ""
    peer: PeerSpec | None = None

    def __repr__(self) -> str:
        return f"Guest({self.name!r})"


class SrtDoor:
    """With peers, a caller has to be one of them by `u=` of its stream id.

    Where the output has a passphrase of its own besides, it stands for callers that name nobody.
    """

    def __init__(self, spec: SinkSpec) -> None:
        self._peers: Mapping[str, PeerSpec] = {peer.name: peer for peer in spec.peers}
        self._open = not spec.peers or bool(spec.passphrase)

    def judge(self, stream_id: str) -> Guest | Refusal:
        """Any thread."""
        try:
            wish = parse_stream_id(stream_id)
        except Invalid as error:
            return Refusal(BAD_REQUEST, str(error))
        if wish.mode == "publish":
            return Refusal(BAD_MODE, "it wants to publish, and here is nothing that takes it")
        if wish.kind not in ("", "stream"):
            return Refusal(UNSUPPORTED_TYPE, f"it asks for type {wish.kind!r}, and here are only streams")
        if not self._peers or (self._open and not wish.user):
            return Guest()
        peer = self._peers.get(wish.user)
        if peer is not None and not peer.passphrase:
            return Refusal(UNAUTHORIZED, f"the passphrase of peer {peer.name!r} is not known here")
        if peer is not None:
            return Guest(peer.name, peer.passphrase, peer)
        if wish.user:
            return Refusal(UNAUTHORIZED, f"no peer is called {wish.user[:40]!r}")
        return Refusal(UNAUTHORIZED, "it does not say which peer it is: u= in its stream id")
