"""One lock: the stream from the start of a mode to its end."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

from board.av.unpack import Decoder, JpegPictures, V210Decoder
from board.v4l2.choice import Chosen, choose
from board.v4l2.pictures import Damage, FrameNumbers, Overrule, Pictures
from board.v4l2.probe import Reading
from board.v4l2.receiver import Receiver
from board.v4l2.stream import CaptureStream, why
from edge.model.errors import DeviceGone
from edge.model.frame import Frame
from edge.model.picture import CaptureMode
from edge.ports import Clock

_DECODERS: Mapping[str, Callable[[int, int], Decoder]] = {"v210": V210Decoder, "mjpeg": JpegPictures}


class Session:
    """Starts in the constructor.

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
        damage: Damage,
        numbers: FrameNumbers,
        generation: int,
    ) -> None:
        self._receiver = receiver
        self._damage = damage
        self._stream = CaptureStream(receiver.stream_node, receiver.card)
        self.broken = False
        try:
            chosen = self._agree(reading, modes)
            self._pictures = Pictures(
                agreed=chosen.agreed,
                fps=chosen.fps,
                overrule=overrule.over(receiver.profile),
                clock=clock,
                generation=generation,
                damage=damage,
                sequence=numbers,
                decoder=_decoder(chosen),
            )
            self._stream.start(chosen.agreed)
        except OSError as error:
            self._stream.stop()
            receiver.check_alive()
            raise DeviceGone(f"{receiver.path}: capture does not start: {why(error)}", code="start_failed") from error

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

    def take(self, *, trusted: bool) -> Iterator[Frame]:
        """The pictures that are there now; passed over unless `trusted`. Raises OSError when the device has gone."""
        if self.broken:
            return
        if self._pictures.interlaced:
            filled = self._stream.next_one()
        else:
            filled, passed = self._stream.newest()
            self._damage.passed += passed
        if filled is None:
            return
        for frame in self._pictures.frames_of(filled, self._stream):
            if trusted:
                yield frame
            else:
                frame.lease.release()
                self._damage.passed += 1

    def stop(self) -> None:
        self._stream.stop()

    def _agree(self, reading: Reading, modes: Sequence[CaptureMode]) -> Chosen:
        self._receiver.adopt(reading)
        return choose(self._stream, self._receiver, reading, modes)


def _decoder(chosen: Chosen) -> Decoder | None:
    layout = chosen.agreed.layout
    make = _DECODERS.get(layout.kind.codec)
    return make(layout.width, layout.height) if make is not None else None
