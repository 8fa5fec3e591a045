"""Where live pictures and slates meet: a last frame never looks live.

Two threads come here: the capture loop with frames, the slate loop with the passing of time.
So a source that hangs inside a driver call cannot keep the slate away.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction

from edge.media.freeze import FreezeWatch
from edge.media.signal_book import SignalBook
from edge.media.slate import FrozenBanner, SlatePainter, slate_format, title_of
from edge.media.watch import BlackWatch, Hint, hint_of
from edge.model.frame import Frame, Stamps
from edge.model.video import VideoFormat
from edge.ports import Clock

_STALE_MS = 500.0  # docs/contracts/timing.md: an older picture is not live, whatever the cause
FIRST_FORMAT = VideoFormat(1920, 1080, Fraction(30))


@dataclass(frozen=True, slots=True)
class PictureState:
    """What goes out now. `reason` says why it is not live; `age_ms` is the last live picture's."""

    live: bool
    reason: str
    age_ms: float | None
    hint: Hint | None = None


class Mixer:
    """Hands frames on to every rung; `tick` sends the slate when live frames stay away."""

    def __init__(
        self,
        *,
        clock: Clock,
        book: SignalBook,
        slate: SlatePainter,
        banner: FrozenBanner,
        freeze: FreezeWatch,
        slate_after_ns: int,
        rungs: Sequence[Callable[[Frame], None]],
        black: BlackWatch | None = None,
    ) -> None:
        self._clock = clock
        self._book = book
        self._slate = slate
        self._banner = banner
        self._freeze = freeze
        self._black = black or BlackWatch()
        self._slate_after_ns = slate_after_ns
        self._rungs = tuple(rungs)
        self._lock = threading.Lock()
        self._started_ns = clock.mono_ns()
        self._last_frame_ns: int | None = None
        self._captured_ns: int | None = None
        self._last_slate_ns = 0
        self._on_slate = False
        self._frozen = False
        self._hint: Hint | None = None
        self._slate_seq = 0
        self.latest: Frame | None = None

    def offer(self, frame: Frame) -> None:
        """A frame from the source; its lease is taken over."""
        still_since_ns = self._freeze.observe(frame)
        hint = hint_of(black=self._black.observe(frame), frozen=still_since_ns is not None)
        if still_since_ns is not None:
            since = _clock_text(self._clock.utc_ns(still_since_ns))
            frame = self._banner.over(frame, since_text=since)
        with self._lock:
            cut = self._on_slate or self._last_frame_ns is None or self._frozen != (not frame.live)
            self._on_slate, self._frozen, self._hint = False, not frame.live, hint
            self._last_frame_ns = self._clock.mono_ns()
            self._captured_ns = frame.stamps.captured_ns
            self._send(frame.marked(discontinuity=frame.discontinuity or cut))

    def tick(self) -> float:
        """Send a slate if one is due; returns the seconds until it is worth calling again."""
        with self._lock:
            now = self._clock.mono_ns()
            if not self._on_slate:
                left_ns = (self._last_frame_ns or self._started_ns) + self._slate_after_ns - now
                if left_ns > 0:
                    return left_ns / 1e9
            video = slate_format(self._book.last_good or FIRST_FORMAT)
            period_ns = int(1e9 / video.fps)
            due_ns = self._last_slate_ns + period_ns
            if due_ns > now:
                return (due_ns - now) / 1e9
            self._last_slate_ns = due_ns if now - due_ns < period_ns else now
            cut, self._on_slate = not self._on_slate, True
            self._send(self._slate_frame(video, now, cut=cut))
            return max(0.0, (self._last_slate_ns + period_ns - self._clock.mono_ns()) / 1e9)

    def state(self) -> PictureState:
        with self._lock:
            age_ms = None if self._captured_ns is None else (self._clock.mono_ns() - self._captured_ns) / 1e6
            if self._on_slate or self._last_frame_ns is None or not self._book.signal.locked:
                return PictureState(False, self._reason(), age_ms)
            if self._frozen:
                return PictureState(False, "the source repeats one picture", age_ms, self._hint)
            if age_ms is not None and age_ms > _STALE_MS:
                return PictureState(False, f"the source delivers pictures {age_ms:.0f} ms late", age_ms, self._hint)
            return PictureState(True, "", age_ms, self._hint)

    def take_latest(self) -> Frame | None:
        """The newest live or frozen frame, retained for the caller; None from the loss of the signal on."""
        with self._lock:
            if self._on_slate or self.latest is None or not self._book.signal.locked:
                return None
            self.latest.lease.retain()
            return self.latest

    def _reason(self) -> str:
        signal = self._book.signal
        return title_of(signal.state).lower() + (f": {signal.detail}" if signal.detail else "")

    def _slate_frame(self, video: VideoFormat, now: int, *, cut: bool) -> Frame:
        signal = self._book.signal
        utc_ns = self._clock.utc_ns(now)
        self._slate_seq += 1
        return Frame(
            seq=self._slate_seq,
            format=video,
            lease=self._slate.lease(video, title_of(signal.state), signal.detail, _clock_text(utc_ns)),
            stamps=Stamps(captured_ns=now, dequeued_ns=now),
            utc_ns=utc_ns,
            live=False,
            discontinuity=cut,
        )

    def _send(self, frame: Frame) -> None:
        for rung in self._rungs:
            frame.lease.retain()
            rung(frame)
        before, self.latest = self.latest, frame
        if before is not None:
            before.lease.release()


def _clock_text(utc_ns: int) -> str:
    return time.strftime("%H:%M:%S UTC", time.gmtime(utc_ns // 1_000_000_000))
