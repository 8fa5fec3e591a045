"""The seams: what a source, encoder, sink, clock, painter must do. Read this file first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any, Protocol, runtime_checkable

from edge.model.feedback import Demotion, Role
from edge.model.frame import AccessUnit, Encoded, Frame, Plane
from edge.model.invitation import Invitation
from edge.model.picture import CaptureMode
from edge.model.signal import Signal
from edge.model.video import Codec, EncodeTarget, StreamFormat, Trait, VideoFormat

ENCODE_DEADLINE_S = 0.5  # an encoder that is silent for so long is stalled; the first picture may take four times that


class Clock(Protocol):
    """Monotonic time for durations, UTC for people, one map between them."""

    def mono_ns(self) -> int:
        """CLOCK_MONOTONIC in ns."""
        ...

    def utc_ns(self, mono_ns: int | None = None) -> int:
        """UTC in ns of that monotonic instant (now when None)."""
        ...

    def synchronised(self) -> bool:
        """Whether an outside reference disciplines UTC now."""
        ...

    def uncertainty_us(self) -> int | None:
        """Bound of the UTC error in microseconds; None when unknown."""
        ...


class Source(Protocol):
    """A video input. Blocking; used by one thread only, except `signal` and `close`.

    `open` raises Unavailable when the device is not there. `read` returns a Frame, or the
    Signal when there is no picture now, or None when nothing happened within `timeout_s`;
    it raises Unavailable when the device is gone and must be opened again. A new mode shows
    as a changed `Frame.format`. The receiver of a Frame must release its lease.
    `detail` is for the status document: what device it is and what it does; no secrets.
    """

    @property
    def name(self) -> str: ...
    def open(self) -> None: ...
    def read(self, timeout_s: float) -> Frame | Signal | None: ...
    def signal(self) -> Signal: ...
    def close(self) -> None: ...
    def detail(self) -> Mapping[str, Any]: ...


@runtime_checkable
class Faultable(Protocol):
    """A simulated source that obeys a script of faults."""

    def fault(self, kind: str, seconds: float | None) -> None:
        """Start a fault now, for `seconds` (until the next one when None). Raises Invalid."""
        ...


@runtime_checkable
class Prefers(Protocol):
    """A source that can be asked for a capture mode."""

    def prefer(self, modes: Sequence[CaptureMode]) -> None:
        """Take the first of these modes that the input offers, its own choice when it offers none.

        May come from any thread and at any time, often with what it already knows; changes nothing
        then. Raises nothing: what comes out is seen by the format of the frames.
        """
        ...


class Retarget(Enum):
    LIVE = auto()
    NEEDS_NEW_EPOCH = auto()


class Encoder(Protocol):
    """One rung's encoder. Blocking; one thread. No reordering, parameter sets at each keyframe.

    `open` raises NotSupported when it cannot do that format, Unavailable (DeviceGone, Missing, EncoderFailed) when
    the encoder is not there or does not start; the encoder picks the layout that it works in. `encode` takes frames
    of any layout whose format is the same when `coded`, without a new set-up, and never keeps the lease after it
    returns; it raises EncoderFailed (`encoder_failed`, `encoder_stalled`) when the encoder breaks down, and waits
    for no picture longer than `ENCODE_DEADLINE_S`. What comes out carries the time of the frame that it is of.
    A keyframe is a picture where decoding can begin: an IDR. `traits` says what of a target it can follow.
    """

    @property
    def name(self) -> str: ...
    @property
    def hardware(self) -> bool: ...
    @property
    def codec(self) -> Codec: ...
    @property
    def traits(self) -> frozenset[Trait]: ...
    def open(self, video: VideoFormat, target: EncodeTarget) -> None: ...
    def encode(self, frame: Frame, *, force_key: bool) -> Sequence[Encoded]: ...
    def retarget(self, target: EncodeTarget) -> Retarget: ...
    def close(self) -> None: ...


class Shrinker(Protocol):
    """Makes a frame smaller, for one rung."""

    def shrink(self, frame: Frame, video: VideoFormat) -> Frame:
        """The picture in that size, yuv420p, with a lease of its own; valid until the next call."""
        ...


class Decoder(Protocol):
    """Access units of one stream back into pictures: to judge an encoder by what it puts out.

    Each picture is yuv420p, a Plane each for Y, Cb and Cr, in the order in which a receiver shows them. Raises Invalid.
    """

    def decode(self, unit: bytes) -> Sequence[tuple[Plane, ...]]: ...
    def flush(self) -> Sequence[tuple[Plane, ...]]: ...


class Sink(Protocol):
    """A consumer of access units: blocking, in its own thread.

    `open` is called with the format of the first unit, and again when the epoch changes; it
    raises Unavailable when the peer cannot be reached. `write` raises Unavailable when the
    peer is gone; the runner closes, waits and opens again at a keyframe.
    """

    @property
    def name(self) -> str: ...
    def open(self, format: StreamFormat) -> None: ...
    def write(self, unit: AccessUnit) -> None: ...
    def close(self) -> None: ...
    def detail(self) -> Mapping[str, Any]:
        """Numbers and names for the status document; no secrets."""
        ...


@runtime_checkable
class Fans(Protocol):
    """A sink that has receivers of its own behind it."""

    def demote(self, demotion: Demotion) -> None:
        """Pass that on; a receiver that is not behind it is ignored there. Any thread. Raises Unavailable."""
        ...


class Painter(Protocol):
    """Draws text as an 8-bit coverage mask."""

    def text(self, text: str, height_px: int) -> tuple[int, int, bytes]:
        """(width, height, rows of coverage 0..255) of that text in letters of that height."""
        ...


class Outlet(Protocol):
    """Where sinks are attached: one rung's distributor. Thread-safe."""

    def attach(self, sink: Sink) -> None:
        """Give the sink a thread and a queue; it starts at the next keyframe. Raises Busy on a taken name."""
        ...

    def detach(self, name: str) -> None:
        """Stop and close that sink; no error when it is not there."""
        ...


@dataclass(frozen=True, slots=True)
class Still:
    """One picture as JPEG with its capture time in UTC ns. `live` is False for a frozen picture."""

    jpeg: bytes
    utc_ns: int
    width: int
    height: int
    live: bool


class Pictures(Protocol):
    """The current picture of an input.

    Raises SignalLost when there is none that is live or frozen, NotFound `unknown_input`.
    """

    async def still(self, input: str = ...) -> Still: ...


class Whep(Protocol):
    """WebRTC viewers. Raises Invalid (SDP), NotFound (session, rung), Busy (full), Unavailable."""

    async def offer(
        self, rung: str, sdp: str, *, role: Role = ..., invitation: Invitation | None = ...
    ) -> tuple[str, str]:
        """(session id, SDP answer). A guide's path sets the rung's bit rate, as `role` is when nothing is said; an
        invitation says its own. Raises Forbidden `token_in_use` while somebody watches by it."""
        ...

    async def trickle(self, session: str, fragment: str) -> None: ...
    async def end(self, session: str) -> None: ...


class Admission(Protocol):
    """Who may watch."""

    def admit(self, *, rung: str, token: str | None, local: bool) -> Invitation | None:
        """The invitation of that token; None for who needs none. `local`: the caller is on this machine.

        Raises Forbidden: `token_missing`, `token_invalid`, `token_expired`, `token_ended`, `token_of_other_rung`.
        """
        ...


class Pairing(Protocol):
    """A technician's one-time code lets a controller enrol its public key."""

    def open_code(self) -> tuple[str, float]:
        """A fresh code to show and the seconds for which it holds."""
        ...

    def qr_text(self) -> str:
        """What the QR code of the open code says; for the box's own screen only. Raises Forbidden."""
        ...

    async def pair(self, code: str, kid: str, public_key: str) -> Mapping[str, Any]:
        """What the controller needs to know of the box. Raises Forbidden, Invalid."""
        ...

    async def hello(self, exchange: str) -> Mapping[str, Any]:
        """The box's half of the exchange over the code. Raises Forbidden, Invalid."""
        ...

    async def begin(self, text: str, seal: str) -> Mapping[str, str]:
        """The box's introduction and its seal (docs/pairing.md). Raises Forbidden, Invalid."""
        ...

    async def finish(self, text: str, seal: str) -> Mapping[str, str]:
        """Take keys and certificate; the box's last word and its seal. Raises Forbidden, Invalid, Unavailable."""
        ...

    async def forget(self, box: str) -> None:
        """Forget the controller; `box` is the box's id, as confirmation. Raises Invalid, Unavailable."""
        ...
