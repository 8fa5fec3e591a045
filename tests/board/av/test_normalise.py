from __future__ import annotations

import io
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image

from board.av.intake import FrameIntake
from board.av.normalise import Normaliser
from board.av.x264 import X264Encoder
from edge.model.video import Colorimetry, EncodeTarget, Pixel, Range, VideoFormat
from tests.board.kit import run
from tests.raw_bars import bars_frame, patch_codes, patch_means, pattern, planes_of

_BARS = VideoFormat(320, 240, Fraction(30))


def _normalised(picture: av.VideoFrame) -> tuple[av.VideoFrame, VideoFormat]:
    (taken,) = Normaliser(fps=Fraction(30)).take(picture)
    return taken


def _decoded(path: Path) -> av.VideoFrame:
    with av.open(str(path)) as container:
        return next(container.decode(video=0))


def _check(picture: av.VideoFrame, *, off_by: float) -> VideoFormat:
    whole, video = _normalised(picture)
    assert video.pixel is Pixel.YUV420P
    found = patch_means(planes_of(whole), video.width, video.height)
    assert np.abs(found - patch_codes(video)).max() <= off_by
    return video


@pytest.mark.parametrize("subsampling", [0, 1, 2])
@pytest.mark.parametrize("size", [(320, 240), (1280, 720)])
def test_a_jpeg_is_full_range_sycc_whatever_its_size(tmp_path: Path, subsampling: int, size: tuple[int, int]) -> None:
    image = Image.fromarray(np.rint(pattern(replace(_BARS, width=size[0], height=size[1])) * 255).astype(np.uint8))
    image.save(tmp_path / "one.jpg", quality=98, subsampling=subsampling)
    video = _check(_decoded(tmp_path / "one.jpg"), off_by=2)
    assert (video.colorimetry, video.range) == (Colorimetry.SYCC, Range.FULL)


@pytest.mark.parametrize("reach", list(Range))
@pytest.mark.parametrize("colorimetry", list(Colorimetry))
def test_a_stream_of_ours_comes_back_as_what_it_was(tmp_path: Path, colorimetry: Colorimetry, reach: Range) -> None:
    video = replace(_BARS, colorimetry=colorimetry, range=reach)
    encoder = X264Encoder()
    encoder.open(video, EncodeTarget(20_000_000, 20_000_000))
    units = [encoder.encode(bars_frame(video, index), force_key=False)[0] for index in range(3)]
    (tmp_path / "one.h264").write_bytes(b"".join(unit.data for unit in units))
    found = _check(_decoded(tmp_path / "one.h264"), off_by=3)
    assert (found.colorimetry, found.range) == (colorimetry, reach)


@pytest.mark.peer
@pytest.mark.parametrize("pix_fmt", ["yuv422p10le", "yuv420p10le", "yuv444p", "yuv422p"])
def test_ten_bit_and_fuller_chroma_come_down_to_the_same_colours(tmp_path: Path, pix_fmt: str) -> None:
    raw = np.rint(pattern(_BARS) * 255).astype(np.uint8).tobytes()
    says = ["-color_primaries", "bt709", "-color_trc", "bt709", "-colorspace", "bt709", "-color_range", "tv"]
    matrix = ["-vf", f"scale=out_color_matrix=bt709:out_range=tv:flags=accurate_rnd+full_chroma_int,format={pix_fmt}"]
    source = ["-f", "rawvideo", "-pix_fmt", "rgb24", "-s", "320x240", "-i", "-"]
    run("ffmpeg", ["-v", "error", *source, *matrix, *says, "-c:v", "ffv1", str(tmp_path / "one.mkv")], stdin=raw)
    video = _check(_decoded(tmp_path / "one.mkv"), off_by=2)
    assert (video.colorimetry, video.range) == (Colorimetry.BT709, Range.LIMITED)


def test_rgb_becomes_limited_range_by_one_matrix(tmp_path: Path) -> None:
    file = io.BytesIO()
    Image.fromarray(np.rint(pattern(_BARS) * 255).astype(np.uint8)).save(file, "PNG")
    (tmp_path / "one.png").write_bytes(file.getvalue())
    video = _check(_decoded(tmp_path / "one.png"), off_by=1.1)
    assert (video.colorimetry, video.range) == (Colorimetry.BT601, Range.LIMITED)


def test_a_picture_that_is_as_wanted_keeps_its_memory() -> None:
    picture = av.VideoFrame(64, 48, "yuv420p")
    assert _normalised(picture)[0] is picture


def test_what_it_gives_is_taken_by_the_intake_without_another_conversion(tmp_path: Path) -> None:
    Image.fromarray(np.rint(pattern(_BARS) * 255).astype(np.uint8)).save(tmp_path / "one.jpg", subsampling=2)
    whole, video = _normalised(_decoded(tmp_path / "one.jpg"))
    assert whole.format.name == FrameIntake(video).pix_fmt


def test_an_odd_side_loses_its_last_line() -> None:
    picture = av.VideoFrame(65, 49, "yuv420p")
    picture.time_base = Fraction(1, 30)
    whole, video = _normalised(picture)
    assert (video.width, video.height, whole.width, whole.height) == (64, 48, 64, 48)
