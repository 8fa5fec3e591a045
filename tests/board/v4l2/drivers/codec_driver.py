"""What one encoder driver adds to the memory-to-memory framework, and how its hardware behaves."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from board.v4l2.abi.codes import BufType, Cap, Cid, Memory
from tests.board.v4l2.drivers.codec_controls import Control


@dataclass(frozen=True, slots=True)
class CodecDriver:
    """`takes`: raw formats and to what their rows are aligned, in bytes; `makes`: what comes out, the usual one first.

    `room`: bytes of a coded buffer up to 720p and above it, unless more is asked for and `grants_room`. `junk_first`:
    the first buffer has nothing in it, and no time.
    """

    name: str
    card: str
    takes: Mapping[str, int]
    makes: tuple[str, ...]
    controls: Mapping[Cid, Control]
    least: tuple[int, int] = (32, 32)
    most: tuple[int, int] = (1920, 1920)
    size_step: int = 2
    multiplanar: bool = True
    room: tuple[int, int] = (512 << 10, 768 << 10)
    grants_room: bool = True
    most_buffers: int = 32
    crops: bool = True
    times: bool = True
    imports: bool = True
    junk_first: bool = True
    latency_s: float = 0.013

    @property
    def sides(self) -> tuple[BufType, BufType]:
        if self.multiplanar:
            return BufType.VIDEO_OUTPUT_MPLANE, BufType.VIDEO_CAPTURE_MPLANE
        return BufType.VIDEO_OUTPUT, BufType.VIDEO_CAPTURE

    @property
    def caps(self) -> Cap:
        return Cap.STREAMING | (Cap.VIDEO_M2M_MPLANE if self.multiplanar else Cap.VIDEO_M2M)


@dataclass(slots=True)
class Moods:
    """How the hardware behaves from now on; a test sets them."""

    stalled: bool = False  # takes pictures and gives nothing
    stalls_on: Memory | None = None  # the same, when pictures are in such memory
    keeps_pictures: bool = False  # gives units, and never the pictures' buffers
    garbage: bool = False
    damaged: bool = False  # BUF_FLAG_ERROR
    skips: bool = False  # parameter sets in place of a picture
    header_apart: bool = False  # parameter sets in a buffer of their own
    deaf: bool = False  # does not obey FORCE_KEY_FRAME
    late: bool = False  # a unit of the past comes before each
    silent_drain: bool = False  # never says that it is empty
    says_colours: bool = True
    pads: bool = False  # fills the buffer to its end with zeroes, which Annex B allows
