"""Mixer, rung and x264 as in the media process, fed with raw bars: what comes out is what receivers get."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace

from board.av.x264 import X264Encoder
from edge.media.keyframe_gate import KeyframeGate
from edge.media.mixer import Feed, Mixer
from edge.media.signal_book import SignalBook
from edge.media.slate import FrozenBanner, SlatePainter
from edge.model.frame import AccessUnit, Frame, Stamps
from edge.model.picture import PictureSpec
from edge.model.video import EncodeTarget
from edge.runtime.clock import SystemClock
from edge.runtime.component import Context
from tests.fakes import BlockPainter
from tests.media_rungs import make_rung

_TARGET = EncodeTarget(bitrate_bps=20_000_000, max_bitrate_bps=20_000_000)


class ColourChain:
    """`send` one frame at a time; `publish` gets its unit in the rung's thread."""

    def __init__(self, publish: Callable[[AccessUnit], object], *, slate_after_ns: int = 10**12) -> None:
        self._clock = SystemClock()
        self._publish = publish
        self._out = threading.Semaphore(0)
        self.book = SignalBook(clock=self._clock)
        self.gate = KeyframeGate(clock=self._clock)
        self._rung = make_rung(X264Encoder, clock=self._clock, publish=self._hand_on, target=_TARGET, gate=self.gate)
        self.mixer = Mixer(
            clock=self._clock,
            book=self.book,
            slate=SlatePainter(painter=BlockPainter()),
            banner=FrozenBanner(painter=BlockPainter()),
            slate_after_ns=slate_after_ns,
            rungs=(Feed(self._rung.put),),
        )
        self.mixer.frame_as(PictureSpec(freeze_after_ms=0))  # the bars stand still

    def send(self, frame: Frame) -> None:
        """The frame as captured now; returns when its unit has been published."""
        now = self._clock.mono_ns()
        frame = replace(frame, stamps=Stamps(now, now), utc_ns=self._clock.utc_ns(now))
        self.book.note_frame(frame)
        self.mixer.offer(frame)
        assert self._out.acquire(timeout=20), "no unit came of a frame"

    def send_slate(self) -> None:
        """The next slate, as soon as it is due; returns when its unit has been published."""
        while (wait_s := self.mixer.tick()) > 0 and not self._out.acquire(timeout=wait_s):
            pass

    @contextmanager
    def running(self) -> Iterator[ColourChain]:
        ctx = Context()
        thread = threading.Thread(target=self._rung.work, args=(ctx,))
        thread.start()
        try:
            yield self
        finally:
            ctx.ask_to_stop()
            thread.join(10)

    def _hand_on(self, unit: AccessUnit) -> None:
        self._publish(unit)
        self._out.release()
