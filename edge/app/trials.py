"""Every encoder that the board may have is tried with real pictures, one after the other."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from board.av.decoder import AvDecoder
from board.sim.encoder_trouble import EncoderTrouble
from edge.app.board_profile import board_of
from edge.app.branches import wish_of
from edge.app.encoders import candidates
from edge.config.model import Config
from edge.media.lineup import Candidate, Lineup, Standing
from edge.media.mixer import FIRST_FORMAT
from edge.media.trial import Trial
from edge.model.video import Codec
from edge.runtime.clock import SystemClock


def try_encoders(config: Config, *, only: Collection[str] = ()) -> Iterator[Standing]:
    """The verdict on each in the board's order, as it is known; `only` those names, all when empty. Blocking."""
    clock = SystemClock()
    trial = Trial(clock=clock, make_decoder=AvDecoder)
    for candidate in _all(config):
        if only and candidate.fact.name not in only:
            continue
        recording = candidate.fact.codec is Codec.H265
        lineup = Lineup(candidates=(candidate,), trial=trial, clock=clock)
        lineup.prepare(FIRST_FORMAT, wish_of(config.archive if recording else config.encoder).target)
        yield lineup.standing(candidate.fact.name)


def _all(config: Config) -> tuple[Candidate, ...]:
    facts = board_of(config).profile.encoders
    trouble = EncoderTrouble(clock=SystemClock())
    live = candidates(facts, config.encoder, codec=Codec.H264, trouble=trouble)
    recording = candidates(facts, config.archive, codec=Codec.H265, trouble=trouble)
    found = {candidate.fact.name: candidate for candidate in (*recording, *live)}
    return tuple(found[fact.name] for fact in facts)
