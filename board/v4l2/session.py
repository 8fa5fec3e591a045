"""One lock: the stream from the start of a mode to its end."""

from __future__ import annotations

from collections.abc import Sequence

from board.av.unpack import Decoder, JpegPictures, V210Decoder
from board.v4l2.buffers import Filled
from board.v4l2.choice import Chosen, choose
from board.v4l2.layout import Layout
from board.v4l2.pictures import DAMAGED, Overrule, Pictures
from board.v4l2.probe import Reading
from board.v4l2.receiver import Receiver
from board.v4l2.refusal import why
from board.v4l2.stream import CaptureStream
from board.v4l2.tally import Tally
from edge.model.errors import DeviceGone, NotSupported
from edge.model.frame import Frame
from edge.model.picture import CaptureMode
from edge.ports import Clock


class Session:
    """Starts in the constructor. `broken`: the stream has failed and gives no more; stop it and start another.

    `gave`: at least one picture came out of it.

    Raises NotSupported when device and we have no format in common for this mode, DeviceGone
    (`start_failed`) when the driver refuses to stream, OSError when the device has gone.
    """

    def __init__(
        self,
        receiver: Receiver,
        reading: Reading,
        *,
        modes: Sequence[CaptureMode],
        overrule: Overrule,
        clock: Clock,
        tally: Tally,
        generation: int,
    ) -> None:
        self._receiver = receiver
        self._damage = tally.damage
        self._stream = CaptureStream(receiver.stream_node, receiver.card)
        self.broken = self.gave = False
        try:
            chosen = self._agree(reading, modes)
            self._pictures = Pictures(
                agreed=chosen.agreed,
                fps=chosen.fps,
                overrule=overrule.over(receiver.profile),
                clock=clock,
                generation=generation,
                tally=tally,
                decoder=_decoder(chosen.agreed.layout),
            )
            self._stream.start(chosen.agreed)
        except OSError as error:
            receiver.check_alive()
            raise DeviceGone(receiver.why_no_start(error), code="start_failed") from error

    @property
    def code(self) -> str:
        """The pixel format's four letters."""
        return self._pictures.agreed.layout.kind.code

    @property
    def interlaced(self) -> bool:
        return self._pictures.interlaced

    @property
    def on_loan(self) -> int:
        return self._stream.on_loan

    @property
    def starved(self) -> bool:
        """Whether all buffers are on loan, so that no picture can come."""
        return self._stream.starved

    def take(self, *, trusted: bool) -> list[Frame]:
        """The pictures that are there now; passed over unless `trusted`. Raises OSError when the device has gone."""
        filled = self._next()
        if filled is None:
            return []
        if not trusted:
            self._pass_over(filled)
            return []
        frames = self._pictures.frames_of(filled, self._stream)
        self.gave = self.gave or bool(frames)
        return frames

    def stop(self) -> None:
        self._stream.stop()

    def _next(self) -> Filled | None:
        if self.broken:
            return None
        try:
            # fields must not be passed over
            return self._stream.take() if self._pictures.interlaced else self._newest()
        except OSError as error:
            self._receiver.check_alive()
            self.broken = True
            self._damage.last = f"the stream has failed: {why(error)}"
            return None

    def _newest(self) -> Filled | None:
        """The newest sound picture: what waits behind it is late already."""
        newest: Filled | None = None
        try:
            while (filled := self._stream.take()) is not None:
                if filled.damaged:
                    self._stream.buffer(filled).give_back()
                    self._damage.note_corrupt(DAMAGED)
                    continue
                if newest is not None:
                    self._pass_over(newest)
                newest = filled
        except OSError:
            if newest is not None:
                self._pass_over(newest)
            raise
        return newest

    def _pass_over(self, filled: Filled) -> None:
        self._stream.buffer(filled).give_back()
        self._damage.passed += 1

    def _agree(self, reading: Reading, modes: Sequence[CaptureMode]) -> Chosen:
        self._receiver.adopt(reading)
        return choose(self._stream, self._receiver, reading, modes)


def _decoder(layout: Layout) -> Decoder | None:
    """Raises NotSupported for a codec that nobody here can decode."""
    if not layout.kind.codec:
        return None
    if layout.kind.codec == "v210":
        return V210Decoder(layout.width, layout.height, stride=layout.strides[0])
    if layout.kind.codec == "mjpeg":
        return JpegPictures(layout.width, layout.height)
    raise NotSupported(f"no decoder for {layout.kind.code}")
