"""Access units between processes: bytes for a Unix stream socket, both directions.

Down: a 4-byte big-endian length, then one type byte and a body. `F` is a stream format as JSON,
sent before the first unit and at each new epoch; `U` a unit: a fixed head, then the Annex B bytes; `D` a demotion
as JSON.
Up (receiver to media): the same framing, `K` with the reason for a keyframe request, `L` with a link report, as JSON.
"""

from __future__ import annotations

import json
import struct
from dataclasses import asdict
from fractions import Fraction

from edge.model.errors import Fault
from edge.model.feedback import Demotion, Feedback, KeyframeRequest, LinkReport, Role
from edge.model.frame import AccessUnit, Stamps
from edge.model.video import Codec, Colorimetry, Pixel, Range, StreamFormat, VideoFormat

LENGTH = struct.Struct("!I")
MAX_MESSAGE = 32 << 20
_UNIT = struct.Struct("!cIQqqB4q")
_KEY, _LIVE, _DISCONTINUITY = 1, 2, 4


def pack_format(format: StreamFormat) -> bytes:
    video = format.video
    body = {
        "rung": format.rung,
        "epoch": format.epoch,
        "codec": format.codec,
        "width": video.width,
        "height": video.height,
        "fps": [video.fps.numerator, video.fps.denominator],
        "pixel": video.pixel,
        "colorimetry": video.colorimetry,
        "range": video.range,
    }
    return _framed(b"F" + json.dumps(body).encode())


def pack_unit(unit: AccessUnit) -> bytes:
    stamps = unit.stamps
    flags = unit.key * _KEY | unit.live * _LIVE | unit.discontinuity * _DISCONTINUITY
    head = _UNIT.pack(
        b"U",
        unit.epoch,
        unit.seq,
        unit.pts,
        unit.utc_ns,
        flags,
        stamps.captured_ns,
        stamps.dequeued_ns,
        stamps.encode_begin_ns,
        stamps.encode_end_ns,
    )
    return _framed(head + unit.data)


def pack_feedback(feedback: Feedback) -> bytes:
    if isinstance(feedback, KeyframeRequest):
        return _framed(b"K" + json.dumps({"sink": feedback.sink, "reason": feedback.reason}).encode())
    return _framed(b"L" + json.dumps(asdict(feedback)).encode())


def pack_demotion(demotion: Demotion) -> bytes:
    return _framed(b"D" + json.dumps(asdict(demotion)).encode())


def unpack_feedback(message: bytes) -> Feedback:
    """Raises Fault on a message of another kind."""
    try:
        body = json.loads(message[1:])
        if message[:1] == b"K":
            return KeyframeRequest(sink=body["sink"], reason=body["reason"])
        if message[:1] == b"L":
            return LinkReport(**{**body, "role": Role(body["role"])})
    except (ValueError, KeyError, TypeError) as error:
        raise Fault(f"feedback message not understood: {error}") from error
    raise Fault(f"feedback message of unknown kind {message[:1]!r}")


class UnitReader:
    """Turns messages (without their length) into access units; keeps the format between them."""

    def __init__(self) -> None:
        self.format: StreamFormat | None = None

    def feed(self, message: bytes) -> AccessUnit | Demotion | None:
        """A unit or a demotion, None when the message was a format. Raises Fault on anything else."""
        if message[:1] == b"F":
            self.format = _format_of(message[1:])
            return None
        if message[:1] == b"D":
            return Demotion(**json.loads(message[1:]))
        if message[:1] != b"U" or self.format is None or len(message) < _UNIT.size:
            raise Fault(f"access unit message of unknown kind {message[:1]!r}")
        _, epoch, seq, pts, utc_ns, flags, *stamps = _UNIT.unpack_from(message)
        if epoch != self.format.epoch:
            raise Fault(f"access unit of epoch {epoch} while the format is of epoch {self.format.epoch}")
        return AccessUnit(
            format=self.format,
            seq=seq,
            pts=pts,
            utc_ns=utc_ns,
            key=bool(flags & _KEY),
            live=bool(flags & _LIVE),
            discontinuity=bool(flags & _DISCONTINUITY),
            stamps=Stamps(*stamps),
            data=message[_UNIT.size :],
        )


def _framed(body: bytes) -> bytes:
    return LENGTH.pack(len(body)) + body


def _format_of(text: bytes) -> StreamFormat:
    body = json.loads(text)
    video = VideoFormat(
        width=body["width"],
        height=body["height"],
        fps=Fraction(*body["fps"]),
        pixel=Pixel(body["pixel"]),
        colorimetry=Colorimetry(body["colorimetry"]),
        range=Range(body["range"]),
    )
    return StreamFormat(rung=body["rung"], epoch=body["epoch"], codec=Codec(body["codec"]), video=video)
