"""From what a board may have to encoders that can be opened."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from board.av.catalogue import make_av_encoder
from board.av.planes import PlaneIntake
from board.av.x264 import X264Encoder
from board.gst.encoder import GstEncoder
from board.sim.encoder import SimEncoder
from board.sim.encoder_trouble import EncoderTrouble
from board.v4l2.encoder import V4l2Encoder
from board.v4l2.kernel import LinuxKernel
from edge.config.encode import EncoderConfig
from edge.media.lineup import Candidate
from edge.model.board import EncoderFact, EncoderKind
from edge.model.sps_vui import say_colours
from edge.model.video import Codec, VideoFormat
from edge.ports import Encoder
from edge.runtime.clock import SystemClock


def candidates(
    facts: Sequence[EncoderFact], config: EncoderConfig, *, codec: Codec, trouble: EncoderTrouble
) -> tuple[Candidate, ...]:
    """Of that codec, in the board's order but the configured one first; H.264 after them where another is asked for."""
    ranked = sorted(facts, key=lambda fact: (fact.codec is not codec, fact.name != config.use))
    return tuple(Candidate(fact, _maker(fact, config, trouble)) for fact in ranked if fact.codec in (codec, Codec.H264))


def _maker(fact: EncoderFact, config: EncoderConfig, trouble: EncoderTrouble) -> Callable[[], Encoder]:
    def av() -> Encoder:
        return make_av_encoder(fact, speed=config.speed)

    def gst() -> Encoder:
        return GstEncoder(fact=fact, make_intake=PlaneIntake, clock=SystemClock())

    def m2m() -> Encoder:
        finish = say_colours if fact.codec is Codec.H264 else _as_it_is
        return V4l2Encoder(fact, kernel=LinuxKernel(), clock=SystemClock(), intake_for=PlaneIntake, finish=finish)

    def simulated() -> Encoder:
        return SimEncoder(inner=X264Encoder(speed=config.speed), trouble=trouble)

    return {EncoderKind.V4L2M2M: m2m, EncoderKind.GST: gst, EncoderKind.AV: av, EncoderKind.SIM: simulated}[fact.kind]


def _as_it_is(data: bytes, video: VideoFormat) -> bytes:
    return data
