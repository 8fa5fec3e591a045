"""A rung: one encode, one thread, every frame at most once."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, replace

from edge.media.epochs import Epoch, Epochs, Wish
from edge.media.keyframe_gate import KeyframeGate
from edge.media.latency import LatencyBook
from edge.media.relay import Relay
from edge.media.unit_count import UnitCount
from edge.model import sei
from edge.model.annexb import first_slice_offset
from edge.model.errors import EncoderFailed, Unavailable
from edge.model.frame import AccessUnit, Encoded, Frame, Stamps, pts_of
from edge.model.video import Codec, Step, VideoFormat
from edge.ports import Clock, Shrinker
from edge.runtime.component import Context
from edge.runtime.mailbox import LatestOnly

_TAKE_S = 0.2
_IDLE_NS = 2_000_000_000
_LEAST_BPS = 150_000
_HELD_BACK = 8  # more pictures than an encoder may hold back


@dataclass(frozen=True, slots=True)
class RungReport:
    """`step`: how much less than the source it shows; `degraded`: for want of bit rate.

    `shares`: why it has no encode of its own, empty when it has. `held`: pictures left out while a path drained.
    """

    name: str
    codec: Codec
    encoder: str
    hardware: bool
    target_bps: int
    measured_bps: int
    fps: float
    width: int
    height: int
    step: Step
    degraded: bool
    keyframes: int
    units: int
    sessions: int
    dropped: int
    keyframes_wanted: int
    keyframes_refused: int
    held: int
    shares: str
    refusal: str


class Rung:
    """`put` frames in (their leases are taken over); units go to `publish`.

    `in_use` says whether anybody receives; without, nothing is encoded and the encoder is closed. `relay` stands in
    where `epochs` says that the board cannot afford this encode. `first`: the format for which encoders are tried
    before the first picture comes; without, when it comes.
    """

    def __init__(
        self,
        *,
        name: str,
        epochs: Epochs,
        wish: Wish,
        gate: KeyframeGate,
        publish: Callable[[AccessUnit], None],
        shrinker: Shrinker,
        latency: LatencyBook,
        clock: Clock,
        in_use: Callable[[], bool] = lambda: True,
        relay: Relay | None = None,
        first: VideoFormat | None = None,
    ) -> None:
        self.name = name
        self._epochs = epochs
        self._gate = gate
        self._publish = publish
        self._shrinker = shrinker
        self._latency = latency
        self._clock = clock
        self._in_use = in_use
        self._relay = relay
        self._first = first
        self._mailbox = LatestOnly()
        self._lock = threading.Lock()
        self._wish = wish
        self._owed_cut = False
        self._hold_until_ns = 0
        self._held = 0
        self._turn = 0
        self._used_ns = 0
        self._last_pts = -1
        self._within: dict[int, tuple[Frame, Stamps]] = {}
        self._count = UnitCount(clock=clock)

    def put(self, frame: Frame) -> None:
        if self._in_use():
            self._used_ns = self._clock.mono_ns()
            self._mailbox.put(frame)
        else:
            frame.lease.release()

    def aim(self, wish: Wish) -> None:
        """Have that from the next frame on: in the running encoder where it can, else in a new epoch."""
        with self._lock:
            self._wish = wish

    @property
    def lowest_bps(self) -> int:
        """The least that makes sense to aim at."""
        return max(_LEAST_BPS, self._epochs.lowest_bps)

    @property
    def follows_live(self) -> bool:
        """Whether another rate needs no new epoch."""
        return self._epochs.follows_live

    def hold(self, duration_ns: int) -> None:
        """Encode nothing for so long. Any thread."""
        self._hold_until_ns = self._clock.mono_ns() + duration_ns

    def work(self, ctx: Context) -> None:
        ctx.ready()
        if self._first is not None:
            self._epochs.lineup.prepare(self._first, self._wish.target)
        try:
            while not ctx.stopping:
                frame = self._mailbox.take(_TAKE_S)
                ctx.progress()
                if frame is None:
                    self._rest()
                    continue
                try:
                    self._take(frame)
                finally:
                    frame.lease.release()
        finally:
            self._epochs.end()

    def report(self) -> RungReport:
        epoch, shares = self._epochs.running, self._relay.reason if self._relay else ""
        video = epoch.format.video if epoch else None
        return RungReport(
            name=self.name,
            codec=epoch.format.codec if epoch else Codec.H264,
            encoder=epoch.fact.name if epoch else "",
            hardware=epoch.fact.hardware if epoch else False,
            target_bps=self._wish.target.bitrate_bps,
            measured_bps=self._count.bitrate_bps(),
            fps=self._count.fps(),
            width=video.width if video else 0,
            height=video.height if video else 0,
            step=self._epochs.step,
            degraded=self._epochs.degraded,
            keyframes=self._count.keyframes,
            units=self._count.units,
            sessions=self._epochs.sessions,
            dropped=self._mailbox.dropped,
            keyframes_wanted=self._gate.requested,
            keyframes_refused=self._gate.refused,
            held=self._held,
            shares=shares,
            refusal=self._epochs.refusal,
        )

    def _rest(self) -> None:
        """Nobody looks: the encoder's memory, and the hardware's time, are for others."""
        if not self._in_use() and self._clock.mono_ns() - self._used_ns > _IDLE_NS:
            self._epochs.end()
            if self._relay:
                self._relay.stop()

    def _take(self, frame: Frame) -> None:
        frame = frame.marked(discontinuity=frame.discontinuity or self._owed_cut)
        self._owed_cut = frame.discontinuity
        if pts_of(frame.stamps.captured_ns) <= self._last_pts:
            return  # overtaken at a cut between slate and live: time never runs backwards
        if self._clock.mono_ns() < self._hold_until_ns:
            self._held += 1
            return
        with self._lock:
            wish = self._wish
        for _ in range(len(self._epochs.lineup.standings())):
            epoch = self._epochs.have(wish, frame.format)
            if epoch is None or not self._has_its_turn(frame):
                return
            try:
                self._encode(frame, epoch)
            except Unavailable as error:
                self._within.clear()
                self._epochs.broke(error)  # and the same picture once more, by the next encoder
            else:
                self._owed_cut = False
                return
        self._epochs.give_up()

    def _has_its_turn(self, frame: Frame) -> bool:
        self._turn += 1
        return frame.discontinuity or self._turn % self._epochs.step.every == 0

    def _encode(self, frame: Frame, epoch: Epoch) -> None:
        begin_ns = self._clock.mono_ns()
        force_key = frame.discontinuity or self._gate.take()
        smaller = self._reduced(frame, epoch.format.video)
        self._note(frame, replace(frame.stamps, encode_begin_ns=begin_ns))
        try:
            encoded = epoch.encoder.encode(smaller, force_key=force_key)
        finally:
            if smaller.lease is not frame.lease:
                smaller.lease.release()
        end_ns = self._clock.mono_ns()
        self._latency.record("wait", begin_ns - frame.stamps.dequeued_ns)
        self._latency.record("encode", end_ns - begin_ns)
        for one in encoded:
            self._hand_out(one, epoch, end_ns)
        self._last_pts = pts_of(frame.stamps.captured_ns)

    def _reduced(self, frame: Frame, video: VideoFormat) -> Frame:
        """The frame as that is encoded of it, with a lease of its own where it had to be made smaller."""
        if self._epochs.step.side > 1:
            return self._shrinker.shrink(frame, video)
        if frame.format.fps != video.fps:
            return replace(frame, format=replace(frame.format, fps=video.fps))
        return frame

    def _note(self, frame: Frame, stamps: Stamps) -> None:
        """What is to be said of the unit of that frame, which a pipelined encoder puts out later."""
        self._within[pts_of(frame.stamps.captured_ns)] = (frame, stamps)
        while len(self._within) > _HELD_BACK:
            del self._within[next(iter(self._within))]

    def _taken_out(self, pts: int) -> tuple[Frame, Stamps]:
        """The frame of that time, with the cut of any before it that the encoder has left out."""
        frame, stamps = self._within.pop(pts)
        left_out = [self._within.pop(earlier)[0] for earlier in tuple(self._within) if earlier < pts]
        cut = any(one.discontinuity for one in left_out)
        return frame.marked(discontinuity=frame.discontinuity or cut), stamps

    def _hand_out(self, encoded: Encoded, epoch: Epoch, end_ns: int) -> None:
        stream = epoch.format
        if encoded.pts not in self._within or first_slice_offset(stream.codec, encoded.data) is None:
            sentence = f"{epoch.fact.name} put out {len(encoded.data)} bytes that are no picture that it was given"
            raise EncoderFailed(sentence, code="encoder_garbage")
        frame, stamps = self._taken_out(encoded.pts)
        time_sei = sei.TimeSei(
            utc_ns=frame.utc_ns,
            seq=self._count.units,
            live=frame.live,
            clock_synchronised=self._clock.synchronised(),
            discontinuity=frame.discontinuity,
            uncertainty_us=self._clock.uncertainty_us(),
        )
        unit = AccessUnit(
            format=stream,
            seq=self._count.units,
            pts=encoded.pts,
            utc_ns=frame.utc_ns,
            key=encoded.key,
            live=frame.live,
            discontinuity=frame.discontinuity,
            stamps=replace(stamps, encode_end_ns=end_ns),
            data=sei.insert(stream.codec, encoded.data, time_sei),
        )
        self._count.add(unit)
        if unit.key:
            self._gate.note_keyframe()
        self._publish(unit)
