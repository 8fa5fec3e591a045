"""The picture shown when there is none, and the banner over one that no longer moves."""

from __future__ import annotations

from dataclasses import replace

from edge.media.canvas import ALARM, DARK, GREY, WHITE, Canvas
from edge.media.layout import first_plane, sparse_bytes, yuv420p
from edge.model.frame import Frame, Lease
from edge.model.signal import SignalState
from edge.model.video import VideoFormat
from edge.ports import Painter

_TITLES = {
    SignalState.NO_DEVICE: "NO CAPTURE DEVICE",
    SignalState.NO_CABLE: "NO CABLE",
    SignalState.NO_SIGNAL: "NO SIGNAL",
    SignalState.NO_LOCK: "NO SIGNAL LOCK",
    SignalState.OUT_OF_RANGE: "SIGNAL OUT OF RANGE",
    SignalState.LOCKED: "NO PICTURE FROM THE SOURCE",
}


def title_of(state: SignalState) -> str:
    """What the slate says of a signal state; LOCKED means that frames stopped all the same."""
    return _TITLES[state]


def slate_format(live: VideoFormat) -> VideoFormat:
    """A slate has the size, rate and colours of the coded picture that it stands for, so that the epoch goes on."""
    return live.coded


class SlatePainter:
    """Draws slates; one picture is drawn per text and second, then only lent again."""

    def __init__(self, *, painter: Painter) -> None:
        self._painter = painter
        self._key: tuple[object, ...] = ()
        self._canvas: Canvas | None = None

    def lease(self, format: VideoFormat, title: str, detail: str, clock_text: str) -> Lease:
        """A slate of that size and colour with the reason and the time (UTC, to the second)."""
        key = (format, title, detail, clock_text)
        if self._canvas is None or key != self._key:
            self._canvas = self._draw(format, title, detail, clock_text)
            self._key = key
        return self._canvas.lease()

    def _draw(self, format: VideoFormat, title: str, detail: str, clock_text: str) -> Canvas:
        canvas = _canvas(format, format.height)
        unit = format.height // 12
        canvas.fill(DARK)
        band = unit * 2 // 2 * 2
        canvas.fill(ALARM, top=0, bottom=band)
        canvas.write_centred(self._painter, "NOT LIVE", top=unit // 3, height_px=unit, ink=WHITE)
        row = canvas.write_centred(self._painter, title, top=unit * 4, height_px=unit, ink=WHITE)
        if detail:
            canvas.write_centred(self._painter, detail, top=row + unit // 2, height_px=unit // 2, ink=GREY)
        canvas.write_centred(self._painter, clock_text, top=unit * 9, height_px=unit, ink=WHITE)
        return canvas


class FrozenBanner:
    """Marks a picture that has stopped changing, without hiding it."""

    def __init__(self, *, painter: Painter) -> None:
        self._painter = painter
        self._kept: tuple[tuple[VideoFormat, str, bytes], Canvas] | None = None

    def over(self, frame: Frame, *, since_text: str) -> Frame:
        """A copy of the picture with a banner at its foot, not live; the given lease is released.

        Whatever the layout, the copy is in the coded format, so that the epoch goes on. It is made
        once per freeze: `since_text` and a sparse sample tell one from the next.
        """
        key = (frame.format, since_text, sparse_bytes(first_plane(frame)))
        if self._kept is None or self._kept[0] != key:
            self._kept = (key, self._draw(frame, since_text))
        frame.lease.release()
        return replace(frame, format=frame.format.coded, lease=self._kept[1].lease(), live=False)

    def _draw(self, frame: Frame, since_text: str) -> Canvas:
        coded = frame.format.coded
        canvas, unit = _canvas(coded, coded.height), max(8, coded.height // 18)
        canvas.copy_from(yuv420p(frame))
        strip = _canvas(coded, unit * 3 // 2 // 2 * 2)
        strip.fill(ALARM)
        text = f"NOT LIVE - PICTURE FROZEN SINCE {since_text}"
        strip.write_centred(self._painter, text, top=unit // 5, height_px=unit, ink=WHITE)
        canvas.put_at_foot(strip)
        return canvas


def _canvas(format: VideoFormat, height: int) -> Canvas:
    return Canvas(format.width, height, colorimetry=format.colorimetry, range=format.range)
