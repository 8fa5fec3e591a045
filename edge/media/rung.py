"""A rung: one encoder, one thread, every frame at most once."""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, replace

from edge.media.keyframe_gate import KeyframeGate
from edge.media.latency import LatencyBook
from edge.model import sei
from edge.model.errors import Rejected
from edge.model.frame import AccessUnit, Encoded, Frame, Stamps, pts_of
from edge.model.video import Codec, EncodeTarget, StreamFormat, VideoFormat
from edge.ports import Clock, Encoder, Retarget
from edge.runtime.component import Context
from edge.runtime.mailbox import LatestOnly

_LOG = logging.getLogger(__name__)
_TAKE_S = 0.2
_EPOCH_STEP_NS = 100_000_000  # epochs count tenths of a second, so that a restart never meets an old one


@dataclass(frozen=True, slots=True)
class RungReport:
    name: str
    codec: Codec
    encoder: str
    hardware: bool
    target_bps: int
    measured_bps: int
    fps: float
    keyframes: int
    units: int
    sessions: int
    dropped: int
    keyframes_wanted: int
    keyframes_refused: int
    refusal: str


class Rung:
    """`put` frames in (their leases are taken over); units go to `publish`."""

    def __init__(
        self,
        *,
        name: str,
        make_encoder: Callable[[], Encoder],
        target: EncodeTarget,
        gate: KeyframeGate,
        publish: Callable[[AccessUnit], None],
        latency: LatencyBook,
        clock: Clock,
    ) -> None:
        self.name = name
        self._make_encoder = make_encoder
        self._target = target
        self._wanted_target = target
        self._gate = gate
        self._publish = publish
        self._latency = latency
        self._clock = clock
        self._mailbox = LatestOnly()
        self._lock = threading.Lock()
        self._encoder: Encoder | None = None
        self._format: StreamFormat | None = None
        self._epoch = 0
        self._owed_cut = False
        self._refused: tuple[VideoFormat, EncodeTarget] | None = None
        self._refusal = ""
        self._last_pts = -1
        self._units = self._keyframes = self._sessions = 0
        self._sizes: deque[tuple[int, int]] = deque(maxlen=600)

    def put(self, frame: Frame) -> None:
        self._mailbox.put(frame)

    def aim(self, target: EncodeTarget) -> None:
        """Have that target from the next frame on: in the running encoder where it can, else in a new epoch."""
        with self._lock:
            self._wanted_target = target

    def work(self, ctx: Context) -> None:
        ctx.ready()
        try:
            while not ctx.stopping:
                frame = self._mailbox.take(_TAKE_S)
                ctx.progress()
                if frame is not None:
                    try:
                        self._encode(frame)
                    finally:
                        frame.lease.release()
        finally:
            self._drop_encoder()

    def report(self) -> RungReport:
        now = self._clock.mono_ns()
        recent = [(at, size) for at, size in tuple(self._sizes) if now - at <= 2_000_000_000]
        span_s = max((now - recent[0][0]) / 1e9, 0.1) if recent else 1.0
        encoder = self._encoder
        return RungReport(
            name=self.name,
            codec=Codec.H264,
            encoder=encoder.name if encoder else "",
            hardware=encoder.hardware if encoder else False,
            target_bps=self._wanted_target.bitrate_bps,
            measured_bps=int(sum(size for _, size in recent) * 8 / span_s),
            fps=round(len(recent) / span_s, 2),
            keyframes=self._keyframes,
            units=self._units,
            sessions=self._sessions,
            dropped=self._mailbox.dropped,
            keyframes_wanted=self._gate.requested,
            keyframes_refused=self._gate.refused,
            refusal=self._refusal,
        )

    def _encode(self, frame: Frame) -> None:
        frame = frame.marked(discontinuity=frame.discontinuity or self._owed_cut)
        self._owed_cut = frame.discontinuity
        if pts_of(frame.stamps.captured_ns) <= self._last_pts:
            return  # overtaken at a cut between slate and live: time never runs backwards
        encoder = self._encoder_for(frame.format.coded)
        if encoder is None:
            return
        self._owed_cut = False
        begin_ns = self._clock.mono_ns()
        force_key = frame.discontinuity or self._gate.take()
        encoded = encoder.encode(frame, force_key=force_key)
        end_ns = self._clock.mono_ns()
        self._last_pts = pts_of(frame.stamps.captured_ns)
        stamps = replace(frame.stamps, encode_begin_ns=begin_ns, encode_end_ns=end_ns)
        self._latency.record("wait", begin_ns - frame.stamps.dequeued_ns)
        self._latency.record("encode", end_ns - begin_ns)
        for one in encoded:
            self._hand_out(one, frame, stamps)

    def _hand_out(self, encoded: Encoded, frame: Frame, stamps: Stamps) -> None:
        stream = self._format
        if stream is None:
            return
        time_sei = sei.TimeSei(
            utc_ns=frame.utc_ns,
            seq=self._units,
            live=frame.live,
            clock_synchronised=self._clock.synchronised(),
            discontinuity=frame.discontinuity,
            uncertainty_us=self._clock.uncertainty_us(),
        )
        unit = AccessUnit(
            format=stream,
            seq=self._units,
            pts=encoded.pts,
            utc_ns=frame.utc_ns,
            key=encoded.key,
            live=frame.live,
            discontinuity=frame.discontinuity,
            stamps=stamps,
            data=sei.insert(stream.codec, encoded.data, time_sei),
        )
        self._count(unit)
        self._publish(unit)

    def _count(self, unit: AccessUnit) -> None:
        self._units += 1
        self._sizes.append((unit.stamps.encode_end_ns, len(unit.data)))
        if unit.key:
            self._keyframes += 1
            self._gate.note_keyframe()

    def _encoder_for(self, video: VideoFormat) -> Encoder | None:
        """The encoder of that coded format; None while it refuses, the refusal is in the report."""
        with self._lock:
            wanted = self._wanted_target
        encoder = self._encoder
        if encoder is None or self._format is None or self._format.video != video or not self._follows(encoder, wanted):
            if self._refused == (video, wanted):
                return None
            self._drop_encoder()
            encoder = self._new_encoder(video, wanted)
        self._target = wanted
        return encoder

    def _follows(self, encoder: Encoder, wanted: EncodeTarget) -> bool:
        return wanted == self._target or encoder.retarget(wanted) is Retarget.LIVE

    def _new_encoder(self, video: VideoFormat, target: EncodeTarget) -> Encoder | None:
        encoder = self._make_encoder()
        self._refused, self._refusal = None, ""
        try:
            encoder.open(video, target)
        except Rejected as error:
            self._refused, self._refusal = (video, target), str(error)
            _LOG.error("rung %s: %s", self.name, error)
            return None
        self._epoch = max(self._epoch + 1, self._clock.utc_ns() // _EPOCH_STEP_NS & 0xFFFFFFFF)
        self._format = StreamFormat(rung=self.name, epoch=self._epoch, codec=Codec.H264, video=video)
        self._encoder = encoder
        self._sessions += 1
        _LOG.info(
            "rung %s: %s at %dx%d %.5g fps, epoch %d",
            self.name,
            encoder.name,
            video.width,
            video.height,
            float(video.fps),
            self._epoch,
        )
        return encoder

    def _drop_encoder(self) -> None:
        if self._encoder is not None:
            self._encoder.close()
        self._encoder = None
