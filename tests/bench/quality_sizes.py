"""How even in size access units are, by buffer, refresh and slices, and what evenness costs."""

from __future__ import annotations

from edge.model.video import EncodeTarget, Refresh
from tests.bench.conditions import say
from tests.bench.quality_run import encode, score
from tests.bench.quality_setting import Setting, software, target
from tests.bench.quality_table import kb, mbps, table

_RATE_BPS = 8_000_000
_HEAD = (
    "refresh, buffer (frames), slices",
    "used Mb/s",
    "first kB",
    "largest after kB",
    "x mean",
    "inside dB",
    "worst picture dB",
    "CPU ms",
)


def report(setting: Setting) -> None:
    clip = setting.field
    say(f"\n### sizes of access units: x264 on the endoscope's field, {_RATE_BPS / 1e6:g} of 20 Mb/s\n")
    say(table(_HEAD, [_row(wish, setting) for wish in _wishes()]))
    say(f"\n{len(clip.pictures)} pictures; one keyframe after the first, or a turn and a bit of intra-refresh")


def _wishes() -> list[EncodeTarget]:
    buffers = [target(_RATE_BPS, refresh=refresh, vbv_frames=frames) for refresh in Refresh for frames in (1, 3, 15)]
    sliced = [target(_RATE_BPS, refresh=refresh, slices=4) for refresh in Refresh]
    return buffers + sliced


def _row(wish: EncodeTarget, setting: Setting) -> tuple[str, ...]:
    clip = setting.field
    coded = encode(software(), clip.pictures, clip.video, wish)
    seen = score(coded, clip.pictures, clip.video, inside=clip.inside)
    return (
        f"{wish.refresh}, {wish.vbv_frames:g}, {wish.slices}",
        mbps(coded.bps),
        kb(coded.sizes[0]),
        kb(coded.largest),
        f"{coded.largest / coded.mean:.2f}",
        f"{seen.inside_db:.2f}",
        f"{seen.worst_db:.2f}",
        f"{coded.cpu_ms:.1f}",
    )
