"""From which bit rate down a smaller or slower picture is the better one: what the ladder's threshold rests on."""

from __future__ import annotations

from board.av.shrink import FrameShrinker
from edge.model.frame import Frame
from edge.model.video import Step, VideoFormat
from tests.bench.conditions import say
from tests.bench.quality_clip import Clip
from tests.bench.quality_run import encode, score
from tests.bench.quality_score import Bytes
from tests.bench.quality_setting import Setting, software, target
from tests.bench.quality_table import mbps, table
from tests.board.kit import frame_of

_RATES_BPS = {
    "ultrafast": (1_500_000, 2_000_000, 3_000_000, 4_000_000),
    "superfast": (1_000_000, 1_500_000, 2_000_000, 3_000_000),
}
_STEPS = (("whole", Step()), ("half the frames", Step(1, 2)), ("half the sides", Step(2, 1)))
_HEAD = (
    "x264, asked Mb/s",
    "bit/pixel",
    *(f"{name}: {unit}" for name, _ in _STEPS for unit in ("used", "inside dB", "SSIM")),
)


def report(setting: Setting) -> None:
    say("\n### steps of the ladder: the endoscope's field; small pictures are scaled up again to be compared\n")
    rows = [_row(speed, rate_bps, setting.field) for speed, rates in _RATES_BPS.items() for rate_bps in rates]
    say(table(_HEAD, rows))


def _row(speed: str, rate_bps: int, clip: Clip) -> list[str]:
    pixels_per_s = clip.video.width * clip.video.height * clip.video.fps
    cells = [f"{speed}, {rate_bps / 1e6:g}", f"{rate_bps / float(pixels_per_s):.4f}"]
    for _, step in _STEPS:
        seen_at = clip if step.every == 1 else clip.halved_rate()
        small = Step(step.side).of(seen_at.video)
        make, framed = software(speed=speed), _Shrunk(seen_at.video)
        coded = encode(make, seen_at.pictures, small, target(rate_bps), framed=framed)
        seen = score(coded, seen_at.pictures, seen_at.video, inside=clip.inside)
        cells += [mbps(coded.bps), f"{seen.inside_db:.2f}", f"{seen.ssim:.4f}"]
    return cells


class _Shrunk:
    """Frames of the size that is encoded, out of whole pictures, as a rung makes them."""

    def __init__(self, whole: VideoFormat) -> None:
        self._whole = whole
        self._shrinker = FrameShrinker()

    def __call__(self, picture: Bytes, video: VideoFormat, index: int) -> Frame:
        frame = frame_of(picture, self._whole, index)
        return frame if video == self._whole else self._shrinker.shrink(frame, video)
