"""What the measurements of quality have in common: pictures, rates, the encoders as the box opens them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from board.av.encoder import AvEncoder
from board.av.library import Library
from board.av.x264 import X264
from edge.config.encode import EncoderConfig
from edge.model.video import EncodeTarget, Refresh
from edge.ports import Encoder
from tests.bench.quality_clip import Clip
from tests.bench.quality_score import Vmaf

_CONFIG = EncoderConfig()


@dataclass(frozen=True)
class Setting:
    """`field` is for what compares set-ups, `clips` for what compares encoders. `vmaf`: None leaves it out."""

    field: Clip
    clips: tuple[Clip, ...]
    rates_bps: tuple[int, ...]
    work: Path
    vmaf: Vmaf | None = None


def target(
    bitrate_bps: int,
    *,
    refresh: Refresh = _CONFIG.refresh,
    vbv_frames: float = _CONFIG.vbv_frames,
    slices: int = _CONFIG.slices,
) -> EncodeTarget:
    """The default configuration's, at that bit rate."""
    ceiling = max(bitrate_bps, _CONFIG.max_bitrate_bps)
    return EncodeTarget(bitrate_bps, ceiling, _CONFIG.gop_s, refresh, vbv_frames, slices)


def software(library: Library = X264, speed: str = "superfast") -> Callable[[], Encoder]:
    """Of rung `main` without hardware; at the speed that `auto` has up to 1080p30, unless told otherwise."""
    return lambda: AvEncoder(library, name=library.ffmpeg, speed=speed)
