"""Rungs for tests: real ones, with the encoders that a test gives and no word asked of a trial."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from board.av.shrink import FrameShrinker
from edge.media.budget import Budget
from edge.media.epochs import Epochs, Wish
from edge.media.keyframe_gate import KeyframeGate
from edge.media.latency import LatencyBook
from edge.media.lineup import Candidate, Lineup
from edge.media.relay import Relay
from edge.media.rung import Rung
from edge.media.trial import TrialReport
from edge.model.board import EncoderFact, EncoderKind
from edge.model.frame import AccessUnit
from edge.model.video import WHOLE, EncodeTarget, Step, VideoFormat
from edge.ports import Clock, Encoder


def passed(encoder: Encoder, video: VideoFormat, target: EncodeTarget) -> TrialReport:
    """A trial that was passed, of an encoder that manages 100 pictures of 1080p a second."""
    return TrialReport(video.width, video.height, float(video.fps), frames=24, pixels_per_s=1920 * 1080 * 100)


def fact(name: str = "plain", *, hardware: bool = False, pixels_per_s: int | None = None) -> EncoderFact:
    return EncoderFact(name, EncoderKind.AV, hardware=hardware, library="lib", pixels_per_s=pixels_per_s)


def make_lineup(*makers: Callable[[], Encoder], clock: Clock, names: Sequence[str] = ("plain", "next")) -> Lineup:
    candidates = [Candidate(fact(name), make) for name, make in zip(names, makers, strict=False)]
    return Lineup(candidates=candidates, trial=passed, clock=clock)


def make_rung(
    *makers: Callable[[], Encoder],
    clock: Clock,
    publish: Callable[[AccessUnit], None],
    target: EncodeTarget,
    gate: KeyframeGate | None = None,
    budget: Budget | None = None,
    fixed: Step = WHOLE,
    relay: Relay | None = None,
    name: str = "main",
    in_use: Callable[[], bool] = lambda: True,
) -> Rung:
    """`makers`: of the encoders that it may choose from, the preferred one first."""
    epochs = Epochs(
        rung=name,
        lineup=make_lineup(*makers, clock=clock),
        budget=budget or Budget(cores=4),
        clock=clock,
        fixed=fixed,
        relay=relay,
    )
    return Rung(
        name=name,
        epochs=epochs,
        wish=Wish(target),
        gate=gate or KeyframeGate(clock=clock),
        publish=publish,
        shrinker=FrameShrinker(),
        latency=LatencyBook(clock=clock),
        clock=clock,
        in_use=in_use,
        relay=relay,
    )


def encode_next(rung: Rung) -> None:
    """One turn of the rung's thread: the frame that waits."""
    frame = rung._mailbox.take(0)
    assert frame is not None
    try:
        rung._take(frame)
    finally:
        frame.lease.release()
