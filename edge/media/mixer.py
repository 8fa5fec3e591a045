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

from edge.media.crop import compact, cropped
from edge.media.framing import Fit, fit
from edge.media.freeze import FreezeWatch
from edge.media.mask import Masker
from edge.media.signal_book import SignalBook
from edge.media.slate import FrozenBanner, SlatePainter, slate_format, title_of
from edge.media.watch import BlackWatch, Hint, hint_of
from edge.model.frame import Frame, Stamps
from edge.model.picture import PictureSpec
from edge.model.video import VideoFormat
from edge.ports import Clock

_STALE_MS = 500.0  # docs/contracts/timing.md: an older picture is not live, whatever the cause
FIRST_FORMAT = VideoFormat(1920, 1080, Fraction(30))


@dataclass(frozen=True, slots=True)
class Feed:
    """A rung's way in; it takes the frame's lease over. `masked` is False only where no picture leaves the house."""

    put: Callable[[Frame], None]
    masked: bool = True


@dataclass(frozen=True, slots=True)
class PictureState:
    """What goes out now. `reason` says why it is not live; `age_ms` is the last live picture's."""

    live: bool
    reason: str
    age_ms: float | None
    hint: Hint | None = None


class Mixer:
    """Hands frames on to every rung; `tick` sends the slate when live frames stay away.

    Masked rungs and the still get nothing of a picture before `frame_as` has said what is to be masked.
    """

    def __init__(
        self,
        *,
        clock: Clock,
        book: SignalBook,
        slate: SlatePainter,
        banner: FrozenBanner,
        slate_after_ns: int,
        rungs: Sequence[Feed],
        black: BlackWatch | None = None,
    ) -> None:
        self._clock = clock
        self._book = book
        self._slate = slate
        self._banner = banner
        self._freeze = FreezeWatch(after_ns=0)
        self._black = black or BlackWatch()
        self._slate_after_ns = slate_after_ns
        self._rungs = tuple(rungs)
        self._spec: PictureSpec | None = None
        self._fit = fit(None, FIRST_FORMAT)
        self._masker = Masker()
        self._lock = threading.Lock()
        self._started_ns = clock.mono_ns()
        self._last_frame_ns: int | None = None
        self._captured_ns: int | None = None
        self._last_slate_ns = 0
        self._on_slate = False
        self._frozen = False
        self._hint: Hint | None = None
        self._was_withheld = self._reframed = False
        self._slate_seq = 0
        self.latest: Frame | None = None

    def frame_as(self, spec: PictureSpec) -> None:
        """Crop, mask and watch pictures that way from the next one on; the newest one is forgotten."""
        with self._lock:
            if spec == self._spec:
                return
            if self._spec is None or spec.freeze_after_ms != self._spec.freeze_after_ms:
                self._freeze = FreezeWatch(after_ns=spec.freeze_after_ms * 1_000_000)
            self._spec = spec
            self._fit = fit(spec, self._fit.source)
            self._reframed = True
            self._keep(None)

    def offer(self, frame: Frame) -> None:
        """A frame from the source; its lease is taken over."""
        still_since_ns = self._freeze.observe(frame)
        hint = hint_of(black=self._black.observe(frame), frozen=still_since_ns is not None)
        with self._lock:
            framed = self._fit_for(frame.format)
            frozen = still_since_ns is not None
            withheld = bool(framed.withheld)
            cut = self._on_slate or self._last_frame_ns is None or self._reframed
            cut = cut or (frozen, withheld) != (self._frozen, self._was_withheld)
            self._on_slate = self._reframed = False
            self._frozen, self._was_withheld, self._hint = frozen, withheld, hint
            self._last_frame_ns = self._clock.mono_ns()
            self._captured_ns = frame.stamps.captured_ns
            frame = frame.marked(discontinuity=frame.discontinuity or cut)
            self._hand_out(frame, framed, still_since_ns)

    def tick(self) -> float:
        """Send a slate if one is due; returns the seconds until it is worth calling again."""
        with self._lock:
            now = self._clock.mono_ns()
            if not self._on_slate:
                left_ns = (self._last_frame_ns or self._started_ns) + self._slate_after_ns - now
                if left_ns > 0:
                    return left_ns / 1e9
            video = slate_format(self._fit_for(self._book.last_good or FIRST_FORMAT).sent)
            period_ns = int(1e9 / video.fps)
            due_ns = self._last_slate_ns + period_ns
            if due_ns > now:
                return (due_ns - now) / 1e9
            self._last_slate_ns = due_ns if now - due_ns < period_ns else now
            cut, self._on_slate = not self._on_slate, True
            signal = self._book.signal
            slate = self._slate_frame(
                video, title_of(signal.state), signal.detail, Stamps(captured_ns=now, dequeued_ns=now), cut=cut
            )
            self._keep(None)
            self._send(slate, self._rungs)
            return max(0.0, (self._last_slate_ns + period_ns - self._clock.mono_ns()) / 1e9)

    def framed(self) -> Fit:
        """What became of the newest picture."""
        with self._lock:
            return self._fit

    def state(self) -> PictureState:
        with self._lock:
            age_ms = None if self._captured_ns is None else (self._clock.mono_ns() - self._captured_ns) / 1e6
            if self._on_slate or self._last_frame_ns is None or not self._book.signal.locked:
                return PictureState(False, self._reason(), age_ms)
            if self._fit.withheld:
                return PictureState(False, f"the picture is withheld: {self._fit.withheld}", age_ms)
            if self._frozen:
                return PictureState(False, "the source repeats one picture", age_ms, self._hint)
            if age_ms is not None and age_ms > _STALE_MS:
                return PictureState(False, f"the source delivers pictures {age_ms:.0f} ms late", age_ms, self._hint)
            return PictureState(True, "", age_ms, self._hint)

    def take_latest(self) -> Frame | None:
        """The newest live or frozen frame, masked, retained for the caller; None from the loss of the signal on."""
        with self._lock:
            hidden = self._on_slate or self._was_withheld
            if hidden or self.latest is None or not self._book.signal.locked:
                return None
            self.latest.lease.retain()
            return self.latest

    def _reason(self) -> str:
        signal = self._book.signal
        return title_of(signal.state).lower() + (f": {signal.detail}" if signal.detail else "")

    def _fit_for(self, video: VideoFormat) -> Fit:
        if self._fit.source != video:
            self._fit = fit(self._spec, video)
        return self._fit

    def _hand_out(self, frame: Frame, framed: Fit, still_since_ns: int | None) -> None:
        """The open picture to rungs that may have it, the masked one to the others and the still."""
        if framed.crop is not None:
            frame = cropped(frame, framed.crop)
        open_rungs = tuple(feed for feed in self._rungs if not feed.masked)
        if open_rungs:
            frame.lease.retain()
            self._send(self._bannered(frame, still_since_ns), open_rungs)
        if framed.withheld:
            masked = self._slate_frame(
                slate_format(framed.sent), "PICTURE WITHHELD", framed.withheld, frame.stamps, cut=frame.discontinuity
            )
            frame.lease.release()
        else:
            masked = self._masker.over(frame, framed.blacks, keep=bool(open_rungs))
            masked = self._bannered(masked, still_since_ns)
        masked.lease.retain()
        self._send(masked, tuple(feed for feed in self._rungs if feed.masked))
        self._keep(masked)

    def _bannered(self, frame: Frame, still_since_ns: int | None) -> Frame:
        if still_since_ns is None:
            return frame
        since = _clock_text(self._clock.utc_ns(still_since_ns))
        return self._banner.over(compact(frame), since_text=since)

    def _slate_frame(self, video: VideoFormat, title: str, detail: str, stamps: Stamps, *, cut: bool) -> Frame:
        self._slate_seq += 1
        shown_at = _clock_text(self._clock.utc_ns())
        return Frame(
            seq=self._slate_seq,
            format=video,
            lease=self._slate.lease(video, title, detail, shown_at),
            stamps=stamps,
            utc_ns=self._clock.utc_ns(stamps.captured_ns),
            live=False,
            discontinuity=cut,
        )

    def _send(self, frame: Frame, feeds: Sequence[Feed]) -> None:
        """The frame's lease is taken over."""
        for feed in feeds:
            frame.lease.retain()
            feed.put(frame)
        frame.lease.release()

    def _keep(self, frame: Frame | None) -> None:
        """As the newest picture; its lease is taken over."""
        before, self.latest = self.latest, frame
        if before is not None:
            before.lease.release()


def _clock_text(utc_ns: int) -> str:
    return time.strftime("%H:%M:%S UTC", time.gmtime(utc_ns // 1_000_000_000))
