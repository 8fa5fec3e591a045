"""One SRT connection in live mode: dialled or accepted, the same afterwards."""

from __future__ import annotations

import ctypes
import socket
import time
from dataclasses import dataclass, field

from edge.model.errors import Invalid, NotSupported, PeerGone, TimedOut, Unavailable
from edge.sinks.libsrt import Libsrt, Option, SocketState
from edge.sinks.sockaddr import family_of, resolve, unpack
from edge.sinks.srt_latency import LEAST_MS
from edge.sinks.srt_stats import SrtStats
from edge.sinks.srt_url import AUTOMATIC, checked_latency_ms, checked_stream_id, is_interface, where

PAYLOAD_BYTES = 1316  # seven MPEG-TS packets, SRT's live payload
_LARGEST_PAYLOAD = 1456  # SRT_LIVE_MAX_PLSIZE: what another sender may use
_LIVE = 0  # SRTT_LIVE
_IN_ORDER = 1
_SECURED = 2  # SRT_KM_S_SECURED
AES_256_BYTES = 32
_AES_GCM = 2  # of SRTO_CRYPTOMODE; 1 is AES-CTR, 0 leaves it to the caller
_MAY_LACK_GCM = ("cipher_refused", "wrong_passphrase")  # the latter is what libsrt before 1.5.2 makes of it
_DSCP_AF41 = 34 << 2  # interactive video (RFC 4594)
_CALL_MS = 3000
_PEER_IDLE_MS = 3000
BLOCK_MS = 500
SEND_LIMIT_S = 1.0
_LOOK_EVERY_S = 0.5
_SILENCE_S = 4.0
_LATE_MS = 250  # what a live sink's own queue allows; late but whole is better for a receiver than a hole
_OVERHEAD_PERCENT = 50
_WIRE_PERCENT = 110


@dataclass(frozen=True, slots=True)
class SrtOptions:
    """What both ends must agree on. Raises Invalid for a passphrase SRT would refuse.

    `latency_ms` 0 is for whoever connects to replace by what fits the path; a socket takes it as the least.
    The rest is this end's alone: `key_bytes` of the AES key, `adapter` and `local_port` as in SrtAddress.
    """

    latency_ms: int = LEAST_MS
    stream_id: str = ""
    passphrase: str = field(default="", repr=False)
    key_bytes: int = AES_256_BYTES
    adapter: str = ""
    local_port: int = 0
    rendezvous: bool = False

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
        self._live_ms = self.latency_ms + _LATE_MS
        self._next_look_s = 0.0
        self._acknowledgements = -1
        self._answered_s = 0.0
        self._room = ctypes.create_string_buffer(_LARGEST_PAYLOAD)
        self.host = host
        self.peer = where(host, port)
        self.stream_id = libsrt.get_text(number, Option.STREAMID)

    def send(self, ts: bytes) -> None:
        """The bytes in payloads of 1316 at most. Raises PeerGone, TimedOut after about 1 s.

        A peer that acknowledges nothing for 4 s of sending is gone. What is 250 ms older than the agreed
        latency is neither sent nor sent again.
        """
        now_s = time.monotonic()
        if now_s >= self._next_look_s:
            self._look_for_answers(now_s)
        give_up_s = now_s + SEND_LIMIT_S - BLOCK_MS / 1000
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
    def cipher(self) -> str:
        """`aes-256-ctr` and the like; empty where nothing is encrypted. Raises PeerGone."""
        if not self.encrypted:
            return ""
        bits = self._libsrt.get_int(self._number, Option.PBKEYLEN) * 8
        return f"aes-{bits}-{'gcm' if self._authenticated() else 'ctr'}"

    def _authenticated(self) -> bool:
        try:
            return self._libsrt.get_int(self._number, Option.CRYPTOMODE) == _AES_GCM
        except Invalid:  # a libsrt that has only AES-CTR does not know the option
            return False

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
    """Connect within about 3 s, in a rendezvous to a peer that calls us too at that time.

    With a passphrase AES-GCM is tried first where this libsrt has it, then AES-CTR where the peer has not.
    Raises TimedOut, PeerGone (with the reason of a refusal), Unavailable (`adapter_missing`), Missing,
    Busy (`port_in_use`), NotSupported (`no_device_binding`).
    """
    if options.passphrase and not options.rendezvous and _has_gcm(libsrt):
        try:
            return _dial(libsrt, host, port, options, cipher=_AES_GCM)
        except PeerGone as error:
            if error.code not in _MAY_LACK_GCM:
                raise
    return _dial(libsrt, host, port, options)


def _has_gcm(libsrt: Libsrt) -> bool:
    number = libsrt.create()
    try:
        libsrt.set_int(number, Option.CRYPTOMODE, _AES_GCM)
    except Invalid:
        return False
    finally:
        libsrt.close(number)
    return True


def _dial(libsrt: Libsrt, host: str, port: int, options: SrtOptions, *, cipher: int | None = None) -> SrtSocket:
    number = libsrt.create()
    try:
        set_options(libsrt, number, options)
        if cipher is not None:
            libsrt.set_int(number, Option.CRYPTOMODE, cipher)
        if options.stream_id:
            libsrt.set_text(number, Option.STREAMID, options.stream_id)
        peer = resolve(host, port)
        libsrt.set_bool(number, Option.RENDEZVOUS, value=options.rendezvous)
        _bind_here(libsrt, number, options, peer)
        libsrt.connect(number, peer, where(host, port))
        return SrtSocket(libsrt, number, host=host, port=port)
    except BaseException:
        libsrt.close(number)
        raise


def listening(libsrt: Libsrt, host: str, port: int, options: SrtOptions, *, backlog: int) -> int:
    """A listening socket's number; `accept` on it does not block. Raises Busy (`port_in_use`), Missing."""
    number = libsrt.create()
    try:
        set_options(libsrt, number, options)
        address = resolve(host if host or is_interface(options.adapter) else options.adapter, port)
        if family_of(address) == socket.AF_INET6:
            libsrt.set_int(number, Option.IPV6ONLY, int(host != "::"))
        libsrt.set_bool(number, Option.RCVSYN, value=False)
        libsrt.bind(number, address, where(host, port))
        libsrt.listen(number, backlog, where(host, port))
        return number
    except BaseException:
        libsrt.close(number)
        raise


def prepare_probe(own: socket.socket, options: SrtOptions) -> None:
    """Make a plain UDP socket leave where these options let SRT leave. Raises OSError."""
    if is_interface(options.adapter):
        own.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, options.adapter.encode())
    elif options.adapter:
        own.bind((options.adapter, 0))


def accepted(libsrt: Libsrt, number: int) -> SrtSocket:
    """The connection behind a number that `accept` gave. Raises PeerGone when it left meanwhile."""
    try:
        libsrt.set_bool(number, Option.RCVSYN, value=True)
        host, port = unpack(libsrt.peer_name(number))
        return SrtSocket(libsrt, number, host=host, port=port)
    except PeerGone:
        libsrt.close(number)
        raise


def set_options(libsrt: Libsrt, number: int, options: SrtOptions) -> None:
    """For every socket of ours, and for a group. Raises Unavailable, NotSupported (`no_device_binding`)."""
    libsrt.set_int(number, Option.TRANSTYPE, _LIVE)
    libsrt.set_int(number, Option.PAYLOADSIZE, PAYLOAD_BYTES)
    libsrt.set_int(number, Option.LATENCY, options.latency_ms or LEAST_MS)
    libsrt.set_bool(number, Option.TLPKTDROP, value=True)
    libsrt.set_int(number, Option.SNDDROPDELAY, 0)
    libsrt.set_long(number, Option.MAXBW, 0)  # by the input's rate and the overhead
    libsrt.set_int(number, Option.OHEADBW, _OVERHEAD_PERCENT)
    # libsrt gives a rendezvous ten times as long (API-socket-options.md)
    libsrt.set_int(number, Option.CONNTIMEO, _CALL_MS // (10 if options.rendezvous else 1))
    libsrt.set_int(number, Option.PEERIDLETIMEO, _PEER_IDLE_MS)
    libsrt.set_int(number, Option.SNDTIMEO, BLOCK_MS)
    libsrt.set_int(number, Option.RCVTIMEO, BLOCK_MS)
    libsrt.set_int(number, Option.IPTOS, _DSCP_AF41)
    # also without a passphrase: a listener's handshake tells it to callers whose passphrase is set later, by the hook
    libsrt.set_int(number, Option.PBKEYLEN, options.key_bytes)
    if options.passphrase:
        libsrt.set_text(number, Option.PASSPHRASE, options.passphrase)
    if is_interface(options.adapter):
        _bind_to_device(libsrt, number, options.adapter)


def _bind_to_device(libsrt: Libsrt, number: int, interface: str) -> None:
    if interface not in {name for _, name in socket.if_nameindex()}:
        raise Unavailable(f"SRT adapter {interface!r}: there is no such interface", code="adapter_missing")
    try:
        libsrt.set_text(number, Option.BINDTODEVICE, interface)
    except Invalid as error:
        sentence = f"this libsrt cannot bind to an interface; give the address of {interface!r} as adapter"
        raise NotSupported(sentence, code="no_device_binding") from error


def _bind_here(libsrt: Libsrt, number: int, options: SrtOptions, peer: bytes) -> None:
    """Where an adapter's address or a port of our own is asked for."""
    port = options.local_port or (unpack(peer)[1] if options.rendezvous else 0)
    address = "" if is_interface(options.adapter) else options.adapter
    if not (address or port):
        return
    own = resolve(address or ("::" if family_of(peer) == socket.AF_INET6 else ""), port)
    if family_of(own) != family_of(peer):
        raise Invalid(f"SRT address: adapter {address!r} and the peer are not of one IP version")
    try:
        libsrt.bind(number, own, where(address, port))
    except Unavailable as error:
        if not address:
            raise
        raise Unavailable(f"SRT adapter {address!r}: {error}", code="adapter_missing") from error
