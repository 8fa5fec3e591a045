"""What an encoder puts out: whether it is a picture, whether decoding can begin there, what must stand before it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from board.v4l2.control_set import ControlSet
from board.v4l2.encoder_wishes import apply_wishes
from edge.model.annexb import is_slice, nal_offsets, nal_type
from edge.model.errors import EncoderFailed
from edge.model.video import Codec, EncodeTarget, VideoFormat

GARBAGE = "encoder_garbage"
_FOURCC = {Codec.H264: "H264", Codec.H265: "HEVC"}
_DELIMITER = {Codec.H264: 9, Codec.H265: 35}
_PARAMETER_SETS = {Codec.H264: frozenset((7, 8)), Codec.H265: frozenset((32, 33, 34))}
_IDR = {Codec.H264: frozenset((5,)), Codec.H265: frozenset((19, 20))}


@dataclass(frozen=True, slots=True)
class Picture:
    key: bool
    data: bytes


class Coding(Protocol):
    """One codec as an encoder node makes it. `code` is its V4L2_PIX_FMT_*. Lives as long as an epoch."""

    @property
    def code(self) -> str: ...
    def set_up(self, controls: ControlSet, video: VideoFormat, target: EncodeTarget) -> None:
        """Ask for what a stream needs. Raises OSError when the device is gone."""
        ...

    def picture(self, data: bytes) -> Picture | None:
        """What all buffers of one picture hold together; None where it is no picture, only what belongs before one.

        Raises EncoderFailed `encoder_garbage`.
        """
        ...


class AnnexB:
    """H.264 and H.265. Parameter sets are kept, and put before a keyframe that comes without."""

    def __init__(self, codec: Codec) -> None:
        self._codec = codec
        self._sets: dict[int, bytes] = {}

    @property
    def code(self) -> str:
        return _FOURCC[self._codec]

    def set_up(self, controls: ControlSet, video: VideoFormat, target: EncodeTarget) -> None:
        apply_wishes(controls, self._codec, video, target)

    def picture(self, data: bytes) -> Picture | None:
        head, key = self._head(data)
        if key is None:
            self._keep(data, head)
            return None
        if not key:
            return Picture(False, data)
        wanted = _PARAMETER_SETS[self._codec]
        there = {kind for kind, _ in head}
        if wanted <= there:
            self._keep(data, head)
            return Picture(True, data)
        if not wanted <= self._sets.keys() | there:
            raise EncoderFailed("a keyframe without parameter sets, and none before it", code=GARBAGE)
        missing = b"".join(self._sets[kind] for kind in sorted(wanted - there))
        at = next((begin for kind, begin in head if kind != _DELIMITER[self._codec]), 0)
        return Picture(True, data[:at] + missing + data[at:])

    def _head(self, data: bytes) -> tuple[list[tuple[int, int]], bool | None]:
        """(nal_unit_type, where its start code stands) up to the first slice, and whether that is of an IDR."""
        if not data.startswith((b"\x00\x00\x01", b"\x00\x00\x00\x01")):
            raise EncoderFailed(f"{len(data)} bytes that are no byte stream of NAL units", code=GARBAGE)
        head = []
        for begin, body in nal_offsets(data):
            kind = nal_type(self._codec, data[body])
            head.append((kind, begin))
            if is_slice(self._codec, kind):
                return head, kind in _IDR[self._codec]
        return head, None

    def _keep(self, data: bytes, head: list[tuple[int, int]]) -> None:
        ends = (*(begin for _, begin in head[1:]), len(data))
        for (kind, begin), end in zip(head, ends, strict=False):
            if kind in _PARAMETER_SETS[self._codec]:
                self._sets[kind] = data[begin:end]
