"""Which format, size and rate to ask a device for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from board.v4l2.card import FrameRate, read_rates
from board.v4l2.layout import Kind
from board.v4l2.node import Node
from board.v4l2.probe import Reading
from board.v4l2.receiver import Receiver
from board.v4l2.stream import Agreed, CaptureStream, agree_on_first
from edge.model.errors import NotSupported
from edge.model.picture import CaptureMode

_USUAL_FPS = Fraction(30)
_SMOOTH_FPS = 24
_ENOUGH = Fraction(98, 100)  # 59.94 counts as 60
USUAL_MODES = (
    CaptureMode(1920, 1080, 60),
    CaptureMode(1920, 1080, 30),
    CaptureMode(1280, 720, 60),
    CaptureMode(1280, 720, 30),
)


@dataclass(frozen=True, slots=True)
class Chosen:
    """`fps` is nominal: what timings or driver promise; 30 where nobody says."""

    agreed: Agreed
    fps: Fraction


def choose(stream: CaptureStream, receiver: Receiver, reading: Reading, modes: Sequence[CaptureMode]) -> Chosen:
    """The signal's own mode where it has one, else the best that the device offers for the wished modes.

    Raises NotSupported with every refusal; OSError as the driver says.
    """
    timings, kinds, node = reading.timings, receiver.kinds, receiver.stream_node
    if timings is not None:
        receiver.configure(kinds[0], timings.width, timings.height)
        return Chosen(agree_on_first(stream, kinds, timings.width, timings.height), timings.fps or _USUAL_FPS)
    wished = modes or USUAL_MODES
    offers = [] if reading.standard else _offers(node, kinds, wished)
    for kind, rate in _ranked(offers, wished):
        try:
            agreed = stream.agree(kind, rate.width, rate.height)
        except NotSupported:
            continue
        return Chosen(agreed, stream.set_rate(rate.fps) or rate.fps)
    width, height = stream.current_size()
    agreed = agree_on_first(stream, kinds, width, height)
    return Chosen(agreed, stream.set_rate(_USUAL_FPS) or reading.fps or _USUAL_FPS)


def _offers(node: Node, kinds: Sequence[Kind], modes: Sequence[CaptureMode]) -> list[tuple[Kind, FrameRate]]:
    return [(kind, rate) for kind in kinds for rate in read_rates(node, kind.number, modes)]


def _ranked(offers: list[tuple[Kind, FrameRate]], modes: Sequence[CaptureMode]) -> list[tuple[Kind, FrameRate]]:
    """Wished modes in order of the wish, each in the first kind that is fast enough; then what moves
    smoothly before what does not, and the most pixels a second first."""
    ranked = []
    for mode in modes:
        fitting = [
            (kind, FrameRate(rate.width, rate.height, min(rate.fps, Fraction(mode.fps))))
            for kind, rate in offers
            if (rate.width, rate.height) == (mode.width, mode.height) and rate.fps >= mode.fps * _ENOUGH
        ]
        ranked += fitting
    return ranked + sorted(offers, key=lambda offer: _worth(offer[1]), reverse=True)


def _worth(rate: FrameRate) -> tuple[bool, Fraction]:
    return rate.fps >= _SMOOTH_FPS, rate.width * rate.height * rate.fps
