"""The simulated board's encoder: a real one in software that can be told to break down like hardware."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from board.sim.encoder_trouble import EncoderFault, EncoderTrouble
from edge.model.errors import EncoderFailed
from edge.model.frame import Encoded, Frame, pts_of
from edge.model.video import Codec, EncodeTarget, Trait, VideoFormat
from edge.ports import ENCODE_DEADLINE_S, Encoder, Retarget

_SLOW_S = 0.03
_GARBAGE = bytes(range(7, 250)) * 4


class SimEncoder:
    """`inner` does the work while nothing is wrong."""

    def __init__(self, *, inner: Encoder, trouble: EncoderTrouble, sleep: Callable[[float], None] = time.sleep) -> None:
        self._inner = inner
        self._trouble = trouble
        self._sleep = sleep

    @property
    def name(self) -> str:
        return f"sim-{self._inner.name}"

    @property
    def hardware(self) -> bool:
        return False

    @property
    def codec(self) -> Codec:
        return self._inner.codec

    @property
    def traits(self) -> frozenset[Trait]:
        return self._inner.traits

    def open(self, video: VideoFormat, target: EncodeTarget) -> None:
        """Raises EncoderFailed while it is told to fail, and as `inner` does."""
        if self._trouble.now() is EncoderFault.FAILS:
            raise EncoderFailed(f"{self.name}: told not to open")
        self._inner.open(video, target)

    def encode(self, frame: Frame, *, force_key: bool) -> Sequence[Encoded]:
        fault = self._trouble.now()
        if fault is EncoderFault.FAILS:
            raise EncoderFailed(f"{self.name}: told to fail")
        if fault is EncoderFault.STALLS:
            self._sleep(ENCODE_DEADLINE_S)
            raise EncoderFailed(f"{self.name}: no picture within {ENCODE_DEADLINE_S:g} s", code="encoder_stalled")
        if fault is EncoderFault.SLOW:
            self._sleep(_SLOW_S)
        encoded = self._inner.encode(frame, force_key=force_key)
        if fault is EncoderFault.GARBAGE:
            return [Encoded(pts_of(frame.stamps.captured_ns), force_key, _GARBAGE)]
        return encoded

    def retarget(self, target: EncodeTarget) -> Retarget:
        return self._inner.retarget(target)

    def close(self) -> None:
        self._inner.close()
