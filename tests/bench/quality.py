"""How good pictures are for their bits, by encoder and set-up, and what that costs: the tables of docs/quality.md.

Run: make bench-quality, or python -m tests.bench quality [--quick]. --quick takes small pictures and fetches nothing:
it shows that the measurement works, not how good anything is.
"""

from __future__ import annotations

import sys
import time
from dataclasses import replace

from tests.bench import quality_back_ends, quality_sizes, quality_steps, quality_surround
from tests.bench.conditions import conditions, say
from tests.bench.quality_clip import FULL_HD, Larder, bunny, endoscope, work_directory
from tests.bench.quality_score import Vmaf
from tests.bench.quality_setting import Setting

_RATES_BPS = (2_000_000, 4_000_000, 8_000_000, 20_000_000)
_FIELD_PICTURES, _FILM_PICTURES = 132, 60
_PARTS = (quality_back_ends, quality_sizes, quality_steps, quality_surround)


def main(arguments: list[str] | None = None) -> None:
    words = sys.argv[1:] if arguments is None else arguments
    begin = time.monotonic()
    setting = _quick() if "--quick" in words else _whole()
    for part in _PARTS:
        part.report(setting)
    say(f"\n{conditions()}; {time.monotonic() - begin:.0f} s in all")


def _whole() -> Setting:
    work = work_directory()
    larder = Larder(work)
    field = endoscope(_FIELD_PICTURES)
    clips = (field, bunny(_FILM_PICTURES, larder))
    return Setting(field, clips, _RATES_BPS, work, Vmaf(larder.ffmpeg))


def _quick() -> Setting:
    field = endoscope(10, video=replace(FULL_HD, width=480, height=270))
    return Setting(field, (field,), _RATES_BPS[:1], work_directory())
