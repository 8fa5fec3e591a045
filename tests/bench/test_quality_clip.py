from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from edge.model.video import VideoFormat
from tests.bench import quality_clip
from tests.bench.quality_clip import Larder, endoscope, scaled_pictures

_VIDEO = VideoFormat(320, 180, Fraction(60))


def _written(path: Path, count: int) -> Path:
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=25, options={"preset": "ultrafast"})
        stream.width, stream.height, stream.pix_fmt = 160, 90, "yuv420p"
        for index in range(count):
            grey = np.full((135, 160), 60 + 20 * index, np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(grey, format="yuv420p")))
        container.mux(stream.encode(None))
    return path


def test_a_files_pictures_come_in_the_size_asked_for(tmp_path: Path) -> None:
    pictures = list(scaled_pictures(_written(tmp_path / "clip.mp4", 3), _VIDEO))
    assert [len(picture) for picture in pictures] == [320 * 180 * 3 // 2] * 3
    assert [round(float(picture[: 320 * 180].mean())) for picture in pictures] == [60, 80, 100]


def test_a_clip_is_written_once_as_raw_pictures(tmp_path: Path) -> None:
    clip = endoscope(2, video=_VIDEO)
    raw = clip.raw(tmp_path)
    assert raw.read_bytes() == b"".join(picture.tobytes() for picture in clip.pictures)
    raw.write_bytes(b"")
    assert clip.raw(tmp_path).read_bytes() == b"", "it is not written again"


def test_half_the_rate_is_every_other_picture() -> None:
    clip = endoscope(4, video=_VIDEO)
    slower = clip.halved_rate()
    assert slower.video.fps == 30
    assert [id(picture) for picture in slower.pictures] == [id(clip.pictures[0]), id(clip.pictures[2])]


def test_an_ffmpeg_that_the_packages_lack_is_named(tmp_path: Path) -> None:
    packages = tmp_path / "packages"
    packages.mkdir()
    wishes = Path(quality_clip.__file__).with_name("quality.txt")
    (packages / "wishes").write_text(wishes.read_text())
    with pytest.raises(RuntimeError, match=r"imageio-ffmpeg has no ffmpeg for this platform"):
        _ = Larder(tmp_path).ffmpeg
