"""A masked picture through mixer, rung and the real x264, decoded again and compared pixel by pixel."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

import av
import numpy as np
import numpy.typing as npt

from board.av.x264 import X264Encoder
from edge.media.mixer import Feed, Mixer
from edge.media.signal_book import SignalBook
from edge.media.slate import FrozenBanner, SlatePainter
from edge.model.frame import AccessUnit, Frame, Lease, Plane, Stamps
from edge.model.picture import Mask, PictureSpec, Sheet
from edge.model.rect import Rect
from edge.model.video import EncodeTarget, VideoFormat
from tests.fakes import BlockPainter, FakeClock
from tests.media_rungs import encode_next, make_rung

VIDEO = VideoFormat(256, 192, Fraction(50))
NAME = Rect(33, 21, 141, 39)  # grows to 32..174 x 20..60
PICTURES = 10
CODING_ERROR = 2  # measured at this rate: 1 at most, in code values
Picture = npt.NDArray[np.int16]


def _ramp(clock: FakeClock, index: int) -> Frame:
    """A bright moving ramp with coloured chroma, nowhere near black."""
    x, y = np.arange(256)[None, :], np.arange(192)[:, None]
    luma = (120 + (x + y + 4 * index) % 256 * 80 // 256).astype(np.uint8)
    chroma = [np.full((96, 128), value, np.uint8) for value in (90, 170)]
    planes = (Plane(luma.reshape(-1).data, 256), *(Plane(c.reshape(-1).data, 128) for c in chroma))
    now = clock.mono_ns()
    return Frame(index, VIDEO, Lease(planes), Stamps(now, now), now)


def _encoded(spec: PictureSpec) -> list[AccessUnit]:
    clock, units = FakeClock(), []
    rung = make_rung(X264Encoder, clock=clock, publish=units.append, target=EncodeTarget(40_000_000, 40_000_000))
    painter = BlockPainter()
    mixer = Mixer(
        clock=clock,
        book=SignalBook(clock=clock),
        slate=SlatePainter(painter=painter),
        banner=FrozenBanner(painter=painter),
        slate_after_ns=250_000_000,
        rungs=(Feed(rung.put),),
    )
    mixer.frame_as(spec)
    for index in range(PICTURES):
        mixer.offer(_ramp(clock, index))
        encode_next(rung)
        clock.advance(20)
    return units


def _decoded(units: Sequence[AccessUnit]) -> list[tuple[Picture, Picture, Picture]]:
    decoder = av.CodecContext.create("h264", "r")
    frames = [f for unit in units for f in decoder.decode(av.Packet(unit.data))] + list(decoder.decode(None))
    found = []
    for frame in frames:
        flat = frame.to_ndarray(format="yuv420p").reshape(-1).astype(np.int16)
        size = 256 * 192
        parts = flat[:size], flat[size : size * 5 // 4], flat[size * 5 // 4 :]
        found.append((parts[0].reshape(192, 256), parts[1].reshape(96, 128), parts[2].reshape(96, 128)))
    return found


def test_decoded_stream_is_black_inside_the_mask_and_unharmed_outside() -> None:
    mask = PictureSpec(masks=(Mask((Sheet((256, 192), (NAME,)),)),), freeze_after_ms=0)
    shown, clear = _decoded(_encoded(mask)), _decoded(_encoded(PictureSpec(freeze_after_ms=0)))
    assert len(shown) == len(clear) == PICTURES
    inside = np.zeros((192, 256), bool)
    inside[20:60, 32:174] = True
    clock = FakeClock()
    for index, (picture, plain) in enumerate(zip(shown, clear, strict=True)):
        raw = np.frombuffer(_ramp(clock, index).lease.planes[0].memory, np.uint8).reshape(192, 256).astype(np.int16)
        luma, cb, cr = picture
        assert np.abs(luma[inside] - 16).max() <= CODING_ERROR
        assert np.abs(luma[~inside] - raw[~inside]).max() <= CODING_ERROR
        assert np.abs(plain[0][inside] - 16).min() > 80, "without the mask the same place is bright"
        small = inside[::2, ::2]
        for chroma, value in ((cb, 90), (cr, 170)):
            assert np.abs(chroma[small] - 128).max() <= CODING_ERROR
            assert np.abs(chroma[~small] - value).max() <= CODING_ERROR
