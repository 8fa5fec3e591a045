"""An access unit as a receiver sees it."""

from __future__ import annotations

from dataclasses import dataclass, field

from edge.model.annexb import nal_offsets, nal_type
from edge.model.video import Codec

_IDR = {Codec.H264: range(5, 6), Codec.H265: range(16, 22)}


@dataclass(frozen=True, slots=True)
class ReceivedUnit:
    """`arrived_ns` is the monotonic time at which the last of its bytes was here."""

    codec: Codec
    arrived_ns: int
    data: bytes = field(repr=False)

    @property
    def key(self) -> bool:
        """Whether decoding can begin with it (H.264 nal_unit_type 5; H.265 types 16 to 21)."""
        return any(nal_type(self.codec, self.data[body]) in _IDR[self.codec] for _, body in nal_offsets(self.data))
