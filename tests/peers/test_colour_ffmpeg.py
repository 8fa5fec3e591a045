"""Known colours from every raw layout through mixer, rung and x264, as the real ffmpeg decodes them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from edge.media.canvas import ALARM, DARK, WHITE
from edge.model.frame import AccessUnit
from edge.model.video import Colorimetry, Pixel, Range, VideoFormat
from tests.board.kit import run
from tests.colour_chain import ColourChain
from tests.contract.encoder_contract import SIGNALLED
from tests.raw_bars import bars_frame, patch_codes, patch_means

pytestmark = [pytest.mark.peer, pytest.mark.timeout(120)]
_Planes = tuple[np.ndarray, np.ndarray, np.ndarray]
_LUMA_ERROR, _CHROMA_ERROR = 2.0, 3.0
_SIZE = (640, 360)
_HD = (1920, 1080)
_EVERY_LAYOUT = [(pixel, Colorimetry.BT709, Range.LIMITED, _SIZE) for pixel in Pixel]
_SOURCES = [
    (Pixel.UYVY422, Colorimetry.BT601, Range.LIMITED, _HD),  # a CSI bridge
    (Pixel.UYVY422, Colorimetry.SYCC, Range.LIMITED, _HD),
    (Pixel.UYVY422, Colorimetry.BT709, Range.LIMITED, _HD),
    (Pixel.YUV422P, Colorimetry.SYCC, Range.FULL, _HD),  # a dongle's MJPEG
    (Pixel.YUYV422, Colorimetry.BT601, Range.FULL, _SIZE),
    (Pixel.NV12, Colorimetry.BT709, Range.FULL, _SIZE),
    (Pixel.RGB24, Colorimetry.BT709, Range.FULL, _SIZE),
    (Pixel.BGR24, Colorimetry.SYCC, Range.FULL, _SIZE),
    (Pixel.RGB24, Colorimetry.BT601, Range.LIMITED, _SIZE),
    (Pixel.P010, Colorimetry.BT2020, Range.LIMITED, _SIZE),
    (Pixel.YUV422P10, Colorimetry.BT2020, Range.FULL, _SIZE),
]


def _decoded(units: Sequence[AccessUnit], video: VideoFormat, path: Path) -> list[_Planes]:
    """Each picture as ffmpeg's rawvideo has it, with no conversion (yuvj420p for full range)."""
    path.write_bytes(b"".join(unit.data for unit in units))
    layout = "yuv420p" if video.coded.range is Range.LIMITED else "yuvj420p"
    command = ["-v", "error", "-i", str(path), "-fps_mode", "passthrough", "-pix_fmt", layout, "-f", "rawvideo", "-"]
    pictures = np.frombuffer(run("ffmpeg", command), np.uint8).reshape(len(units), -1)
    luma, half = video.width * video.height, (video.height // 2, video.width // 2)
    return [
        (
            picture[:luma].reshape(video.height, video.width),
            picture[luma : luma * 5 // 4].reshape(half),
            picture[luma * 5 // 4 :].reshape(half),
        )
        for picture in pictures
    ]


def _signalled(path: Path) -> tuple[str, ...]:
    shown = json.loads(run("ffprobe", ["-v", "error", "-show_streams", "-of", "json", str(path)]))["streams"][0]
    return tuple(shown[f"color_{part}"] for part in ("primaries", "transfer", "space", "range"))


@pytest.mark.parametrize(("pixel", "colorimetry", "reach", "size"), _EVERY_LAYOUT + _SOURCES)
def test_ffmpeg_decodes_the_colours_that_the_source_meant_and_the_stream_says_so(
    tmp_path: Path, pixel: Pixel, colorimetry: Colorimetry, reach: Range, size: tuple[int, int]
) -> None:
    video = VideoFormat(*size, Fraction(30), pixel, colorimetry, reach)
    units: list[AccessUnit] = []
    with ColourChain(units.append).running() as chain:
        for index in range(4):
            chain.send(bars_frame(video, index))
    picture = _decoded(units, video, tmp_path / "bars.h264")[-1]
    error = np.abs(patch_means(picture, video.width, video.height) - patch_codes(video))
    assert error[..., 0].max() <= _LUMA_ERROR
    assert error[..., 1:].max() <= _CHROMA_ERROR
    reach_name = "tv" if video.coded.range is Range.LIMITED else "pc"
    assert _signalled(tmp_path / "bars.h264") == (*SIGNALLED[colorimetry], reach_name)


@pytest.mark.parametrize(
    ("pixel", "colorimetry", "reach"),
    [
        (Pixel.UYVY422, Colorimetry.BT601, Range.LIMITED),
        (Pixel.YUV422P, Colorimetry.SYCC, Range.FULL),
        (Pixel.RGB24, Colorimetry.BT709, Range.FULL),
        (Pixel.P010, Colorimetry.BT2020, Range.LIMITED),
    ],
)
def test_slate_after_any_layout_stays_in_the_epoch_and_has_its_own_colours(
    tmp_path: Path, pixel: Pixel, colorimetry: Colorimetry, reach: Range
) -> None:
    video = VideoFormat(*_SIZE, Fraction(30), pixel, colorimetry, reach)
    units: list[AccessUnit] = []
    with ColourChain(units.append, slate_after_ns=1_000_000).running() as chain:
        chain.send(bars_frame(video))
        for _ in range(3):
            chain.send_slate()
        chain.send(bars_frame(video))
    assert [unit.live for unit in units] == [True, False, False, False, True]
    assert len({unit.epoch for unit in units}) == 1
    luma, cb, cr = _decoded(units, video, tmp_path / "slate.h264")[3]
    alarm, dark, white = (ink.coded(colorimetry, video.coded.range) for ink in (ALARM, DARK, WHITE))
    corner = (luma[2:16, 2:16].mean(), cb[1:8, 1:8].mean(), cr[1:8, 1:8].mean())
    assert np.abs(np.subtract(corner, (alarm.y, alarm.cb, alarm.cr))).max() <= _LUMA_ERROR
    assert abs(luma[-20:, :100].mean() - dark.y) <= _LUMA_ERROR
    assert abs(int(np.median(luma[12:38, 320])) - white.y) <= _LUMA_ERROR
