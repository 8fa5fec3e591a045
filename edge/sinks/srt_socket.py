"""One SRT connection in live mode: dialled or accepted, the same afterwards."""

from __future__ import annotations

import ctypes
import socket
import time
from dataclasses import dataclass, field

from edge.model.errors import Invalid, PeerGone, TimedOut
from edge.sinks.libsrt import Libsrt, Option, SocketState
from edge.sinks.sockaddr import family_of, resolve, unpack
from edge.sinks.srt_latency import LEAST_MS
from edge.sinks.srt_stats import SrtStats
from edge.sinks.srt_url import AUTOMATIC, checked_latency_ms, checked_stream_id, where

PAYLOAD_BYTES = 1316  # seven MPEG-TS packets, SRT's live payload
_LARGEST_PAYLOAD = 1456  # SRT_LIVE_MAX_PLSIZE: what another sender may use
_LIVE = 0  # SRTT_LIVE
_IN_ORDER = 1
_SECURED = 2  # SRT_KM_S_SECURED
_AES_256_BYTES = 32
_DSCP_AF41 = 34 << 2  # interactive video (RFC 4594)
_CALL_MS = 3000
_PEER_IDLE_MS = 3000
_BLOCK_MS = 500
_SEND_LIMIT_S = 1.0
_LOOK_EVERY_S = 0.5
_SILENCE_S = 4.0
_REACTION_MS = 20  # as libsrt allows itself in its own judgement of what is too late
_OVERHEAD_PERCENT = 50
_WIRE_PERCENT = 110


@dataclass(frozen=True, slots=True)
class SrtOptions:
    """What both ends must agree on. Raises Invalid for a passphrase SRT would refuse.

    `latency_ms` 0 is for whoever connects to replace by what fits the path; a socket takes it as the least.
    """

    latency_ms: int = LEAST_MS
    stream_id: str = ""
    passphrase: str = field(default="", repr=False)

    def __post_init__(self) -> None:
        checked_stream_id(self.stream_id)
        if self.latency_ms != AUTOMATIC:
            checked_latency_ms(self.latency_ms)
        if self.passphrase and not 10 <= len(self.passphrase.encode()) <= 79:
            raise Invalid("SRT passphrase: must be 10 to 79 bytes long")


class SrtSocket:
    """A connected socket. `send`, `receive` from one thread each; the rest from any."""

    def __init__(self, libsrt: Libsrt, number: int, *, host: str, port: int) -> None:
        self._libsrt = libsrt
        self._number = number
        self._send = libsrt.send
        self._live_ms = self.latency_ms + _REACTION_MS
        self._next_look_s = 0.0
        self._acknowledgements = -1
        self._answered_s = 0.0
        self._room = ctypes.create_string_buffer(_LARGEST_PAYLOAD)
        self.host = host
        self.peer = where(host, port)
        self.stream_id = libsrt.get_text(number, Option.STREAMID)

    def send(self, ts: bytes) -> None:
        """The bytes in payloads of 1316 at most. Raises PeerGone, TimedOut after about 1 s.

        A peer that acknowledges nothing for 4 s of sending is gone. What is older than the agreed latency is
        neither sent nor sent again: it could not be played any more.
        """
        now_s = time.monotonic()
        if now_s >= self._next_look_s:
            self._look_for_answers(now_s)
        give_up_s = now_s + _SEND_LIMIT_S - _BLOCK_MS / 1000
        for begin in range(0, len(ts), PAYLOAD_BYTES):
            payload = ts[begin : begin + PAYLOAD_BYTES]
            if self._send(self._number, payload, len(payload), self._live_ms, _IN_ORDER) < 0:
                self._libsrt.raise_last(f"send to {self.peer}")
            if time.monotonic() > give_up_s:
                raise TimedOut(f"SRT send to {self.peer}: it does not take what we send")

    def pace(self, ceiling_bps: int) -> None:
        """Send at most half as much again as a stream of that ceiling takes on the wire; 0: as libsrt measures it.

        A tenth of the ceiling is for headers: MPEG-TS 2 to 4 %, SRT, UDP and IP 3.3 %, the stuffing of each unit's
        last packet. The half is for what is sent again, and lets a keyframe leave sooner than its bits are due.
        Raises PeerGone.
        """
        self._libsrt.set_long(self._number, Option.INPUTBW, ceiling_bps * _WIRE_PERCENT // 800)

    def receive(self) -> bytes:
        """One payload. Raises TimedOut when none came for half a second, PeerGone."""
        size = self._libsrt.receive(self._number, self._room)
        return self._room.raw[:size]

    def close(self) -> None:
        """Harmless when closed already; wakes a thread that sends or receives."""
        self._libsrt.close(self._number)

    @property
    def connected(self) -> bool:
        return self._libsrt.state(self._number) is SocketState.CONNECTED

    @property
    def encrypted(self) -> bool:
        """Whether what we send is encrypted: keys are agreed. Raises PeerGone."""
        return self._libsrt.get_int(self._number, Option.SNDKMSTATE) == _SECURED

    @property
    def latency_ms(self) -> int:
        """The receiver's buffer as agreed: the larger wish of the two. Raises PeerGone."""
        return self._libsrt.get_int(self._number, Option.PEERLATENCY)

    def stats(self) -> SrtStats:
        """Raises PeerGone once closed."""
        return self._libsrt.stats(self._number)

    def _look_for_answers(self, now_s: float) -> None:
        """Twice a second: libsrt itself needs 4.8 to 5.1 s to notice, whatever its idle time-out says."""
        acknowledgements = self._libsrt.stats(self._number).acknowledgements
        sending_paused = now_s - self._next_look_s > 1.0
        if acknowledgements != self._acknowledgements or sending_paused:
            self._acknowledgements, self._answered_s = acknowledgements, now_s
        elif now_s - self._answered_s > _SILENCE_S:
            raise PeerGone(f"SRT send to {self.peer}: no answer for {_SILENCE_S:.0f} s")
        self._next_look_s = now_s + _LOOK_EVERY_S


def dial(libsrt: Libsrt, host: str, port: int, options: SrtOptions) -> SrtSocket:
    """Connect within about 3 s. Raises TimedOut, PeerGone (with the reason of a refusal), Missing."""
    number = libsrt.create()
    try:
        _prepare(libsrt, number, options)
        if options.stream_id:
            libsrt.set_text(number, Option.STREAMID, options.stream_id)
        libsrt.connect(number, resolve(host, port), where(host, port))
        return SrtSocket(libsrt, number, host=host, port=port)
    except BaseException:
        libsrt.close(number)
        raise


def listening(libsrt: Libsrt, host: str, port: int, options: SrtOptions, *, backlog: int) -> int:
    """A listening socket's number; `accept` on it does not block. Raises Busy (`port_in_use`), Missing."""
    number = libsrt.create()
    try:
        _prepare(libsrt, number, options)
        address = resolve(host, port)
        if family_of(address) == socket.AF_INET6:
            libsrt.set_int(number, Option.IPV6ONLY, int(host != "::"))
        libsrt.set_bool(number, Option.RCVSYN, value=False)
        libsrt.bind(number, address, where(host, port))
        libsrt.listen(number, backlog, where(host, port))
        return number
    except BaseException:
        libsrt.close(number)
        raise


def accepted(libsrt: Libsrt, number: int) -> SrtSocket:
    """The connection behind a number that `accept` gave. Raises PeerGone when it left meanwhile."""
    try:
        libsrt.set_bool(number, Option.RCVSYN, value=True)
        host, port = unpack(libsrt.peer_name(number))
        return SrtSocket(libsrt, number, host=host, port=port)
    except PeerGone:
        libsrt.close(number)
        raise


def _prepare(libsrt: Libsrt, number: int, options: SrtOptions) -> None:
    libsrt.set_int(number, Option.TRANSTYPE, _LIVE)
    libsrt.set_int(number, Option.PAYLOADSIZE, PAYLOAD_BYTES)
    libsrt.set_int(number, Option.LATENCY, options.latency_ms or LEAST_MS)
    libsrt.set_bool(number, Option.TLPKTDROP, value=True)
    libsrt.set_int(number, Option.SNDDROPDELAY, 0)
    libsrt.set_long(number, Option.MAXBW, 0)  # by the input's rate and the overhead
    libsrt.set_int(number, Option.OHEADBW, _OVERHEAD_PERCENT)
    libsrt.set_int(number, Option.CONNTIMEO, _CALL_MS)
    libsrt.set_int(number, Option.PEERIDLETIMEO, _PEER_IDLE_MS)
    libsrt.set_int(number, Option.SNDTIMEO, _BLOCK_MS)
    libsrt.set_int(number, Option.RCVTIMEO, _BLOCK_MS)
    libsrt.set_int(number, Option.IPTOS, _DSCP_AF41)
    if options.passphrase:
        libsrt.set_text(number, Option.PASSPHRASE, options.passphrase)
        libsrt.set_int(number, Option.PBKEYLEN, _AES_256_BYTES)
