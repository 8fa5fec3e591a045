"""From what a board may have to encoders that can be opened."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from board.av.catalogue import make_av_encoder
from board.av.planes import PlaneIntake
from board.av.x264 import X264Encoder
from board.gst.encoder import GstEncoder
from board.sim.encoder import SimEncoder
from board.sim.encoder_trouble import EncoderTrouble
from edge.config.encode import EncoderConfig
from edge.media.lineup import Candidate
from edge.model.board import EncoderFact, EncoderKind
from edge.model.video import Codec
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

    def simulated() -> Encoder:
        return SimEncoder(inner=X264Encoder(speed=config.speed), trouble=trouble)

    return {EncoderKind.SIM: simulated, EncoderKind.AV: av, EncoderKind.GST: gst}[fact.kind]
