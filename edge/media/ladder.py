"""What is given up, and when, while the bit rate does not suffice for the whole picture.

A picture with fewer pixels that is clear serves a surgeon better than a whole one that is blurred: below the floor of
a step the next lower one is taken at once, and the way back up needs more bits than the floor for a while, so that a
rate at the border does not make the picture jump.
"""

from __future__ import annotations

from dataclasses import dataclass

from edge.model.video import WHOLE, Priority, Step, VideoFormat

# Below so many bits for each pixel a picture of half the sides is the better one, whatever measure one believes and
# however hard the encoder tries: docs/quality.md
BITS_PER_PIXEL = 0.012
_RISE = 1.25
_RISE_AFTER_NS = 5_000_000_000
_LEAST_FPS = 12
_LEAST_WIDTH = 320
_STEPS = {
    Priority.DETAIL: (WHOLE, Step(1, 2), Step(2, 2), Step(4, 2)),
    Priority.MOTION: (WHOLE, Step(2, 1), Step(2, 2), Step(4, 2)),
}
# A picture of half the pixels needs more than half the bits to look as good
_EXPONENT = 0.75


@dataclass(frozen=True, slots=True)
class LadderSpec:
    """`floor_bps`: the clinical floor of the whole picture, 0 where no preset says one. `on` False: never step down."""

    floor_bps: int = 0
    priority: Priority = Priority.DETAIL
    on: bool = True


@dataclass(frozen=True, slots=True)
class LadderState:
    """`enough_since_ns`: since when the bit rate has sufficed for the step above; None while it does not."""

    step: Step = WHOLE
    enough_since_ns: int | None = None


def climb(state: LadderState, spec: LadderSpec, video: VideoFormat, bitrate_bps: int, now_ns: int) -> LadderState:
    """The state from now on. Pure: the same in, the same out."""
    steps = steps_for(spec, video)
    best = next((step for step in steps if bitrate_bps >= floor_of(step, spec, video)), steps[-1])
    if state.step not in steps or steps.index(best) > steps.index(state.step):
        return LadderState(best)
    at = steps.index(state.step)
    if at == 0 or bitrate_bps < _RISE * floor_of(steps[at - 1], spec, video):
        return LadderState(state.step)
    since_ns = state.enough_since_ns if state.enough_since_ns is not None else now_ns
    if now_ns - since_ns >= _RISE_AFTER_NS:
        return LadderState(steps[at - 1])
    return LadderState(state.step, since_ns)


def steps_for(spec: LadderSpec, video: VideoFormat) -> tuple[Step, ...]:
    """From the whole picture down; what would be too small or too slow to be of use is not among them."""
    if not spec.on:
        return (WHOLE,)
    return tuple(step for step in _STEPS[spec.priority] if step.whole or _useful(step.of(video)))


def floor_of(step: Step, spec: LadderSpec, video: VideoFormat) -> float:
    """In bit/s: with less, that step would blur."""
    whole = spec.floor_bps or BITS_PER_PIXEL * _pixels_per_s(video)
    return float(whole * (_pixels_per_s(step.of(video)) / _pixels_per_s(video)) ** _EXPONENT)


def lowest_bps(spec: LadderSpec, video: VideoFormat) -> int:
    """With less, nothing that may be given up keeps the picture from blurring."""
    return round(floor_of(steps_for(spec, video)[-1], spec, video))


def _useful(video: VideoFormat) -> bool:
    return video.fps >= _LEAST_FPS and video.width >= _LEAST_WIDTH


def _pixels_per_s(video: VideoFormat) -> float:
    return float(video.width * video.height * video.fps)
