"""Whether the board can afford another encode."""

from __future__ import annotations

import threading
from dataclasses import dataclass

from edge.media.lineup import Standing
from edge.model.video import VideoFormat

# What encoders may take together: the rest is for conversion, outputs, viewers and the page
HARDWARE_SHARE = 0.9
SOFTWARE_SHARE = 0.6


@dataclass(frozen=True, slots=True)
class Load:
    """One rung's use of one encoder: `share` of what that manages, 1.0 is all of it or one whole core."""

    encoder: str
    hardware: bool
    share: float


def load_of(standing: Standing, video: VideoFormat) -> Load:
    """By the board profile's word or the trial's measurement, whichever promises less; nothing known counts as all."""
    measured = standing.trial.pixels_per_s if standing.trial else None
    known = [rate for rate in (standing.fact.pixels_per_s, measured) if rate]
    wanted = float(video.width * video.height * video.fps)
    return Load(standing.fact.name, standing.fact.hardware, wanted / min(known) if known else 1.0)


class Budget:
    """One input's part of what the board has; inputs have equal parts. Thread-safe.

    The rung that everything rests on enters its load without asking.
    """

    def __init__(self, *, cores: int, inputs: int = 1) -> None:
        self._cores = cores
        self._inputs = inputs
        self._lock = threading.Lock()
        self._loads: dict[str, Load] = {}

    def enter(self, rung: str, load: Load) -> None:
        with self._lock:
            self._loads[rung] = load

    def leave(self, rung: str) -> None:
        with self._lock:
            self._loads.pop(rung, None)

    def refusal(self, rung: str, load: Load) -> str:
        """Why that load is too much beside the other rungs'; empty when it is not. Nothing is entered."""
        with self._lock:
            others = [one for name, one in self._loads.items() if name != rung]
        if load.hardware:
            beside, all_of_it, what = (
                [one for one in others if one.encoder == load.encoder],
                HARDWARE_SHARE,
                load.encoder,
            )
        else:
            beside, all_of_it = [one for one in others if not one.hardware], SOFTWARE_SHARE * self._cores
            what = f"{self._cores} core(s)"
        taken, room = sum(one.share for one in beside), all_of_it / self._inputs
        if taken + load.share <= room:
            return ""
        return (
            f"a second encode by {load.encoder} needs {load.share:.0%}, and {taken:.0%} is taken "
            f"of the {room:.0%} that this input's encodes may take of {what}"
        )
