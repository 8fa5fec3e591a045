"""Every encoder of this machine against the others, at the same bit rates on the same pictures."""

from __future__ import annotations

from collections.abc import Callable

from board.av.x264 import X264
from board.av.x265 import X265
from edge.ports import Encoder
from tests.bench.conditions import say
from tests.bench.quality_clip import Clip
from tests.bench.quality_run import encode, score
from tests.bench.quality_setting import Setting, software, target
from tests.bench.quality_table import kb, mbps, table
from tests.board.gst.elements import encoder_of, x264

# One line for each encoder: its name in the table, and how to make it
BACK_ENDS: tuple[tuple[str, Callable[[], Encoder]], ...] = (
    ("x264 ultrafast", software(X264, "ultrafast")),
    ("x264 superfast", software(X264, "superfast")),
    ("x264 veryfast", software(X264, "veryfast")),
    ("x265 ultrafast", software(X265, "ultrafast")),
    ("gst x264enc ultrafast", lambda: encoder_of(x264())),
)
_HEAD = (
    "encoder, asked Mb/s",
    "used Mb/s",
    "PSNR-Y",
    "inside",
    "SSIM",
    "VMAF",
    "encode p50 ms",
    "p95 ms",
    "core",
    "delay",
    "largest kB",
    "x mean",
)


def report(setting: Setting) -> None:
    for clip in setting.clips:
        size = f"{clip.video.width}x{clip.video.height} at {clip.video.fps}/s"
        say(f"\n### {clip.name}: {size}, {len(clip.pictures)} pictures")
        say(f"{clip.says}\n")
        rows = [_row(name, make, clip, rate_bps, setting) for rate_bps in setting.rates_bps for name, make in BACK_ENDS]
        say(table(_HEAD, rows))


def _row(name: str, make: Callable[[], Encoder], clip: Clip, rate_bps: int, setting: Setting) -> tuple[str, ...]:
    coded = encode(make, clip.pictures, clip.video, target(rate_bps))
    seen = score(coded, clip.pictures, clip.video, inside=clip.inside)
    vmaf = "-"
    if setting.vmaf is not None:
        raw = clip.raw(setting.work)
        vmaf = f"{setting.vmaf.of(coded.stream, coded.codec, raw=raw, video=clip.video):.1f}"
    return (
        f"{name}, {rate_bps / 1e6:g}",
        mbps(coded.bps),
        f"{seen.psnr_db:.2f}",
        f"{seen.inside_db:.2f}",
        f"{seen.ssim:.4f}",
        vmaf,
        f"{coded.p50_ms:.1f}",
        f"{coded.p95_ms:.1f}",
        f"{coded.core_share:.2f}",
        str(coded.delay),
        kb(coded.largest),
        f"{coded.largest / coded.mean:.1f}",
    )
