"""How near decoded pictures are to the originals: PSNR and SSIM of luma by FFmpeg's filters, VMAF by its program."""

from __future__ import annotations

import json
import math
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from av.video.reformatter import Interpolation
from numpy.typing import NDArray

from edge.model.frame import Plane
from edge.model.video import Codec, VideoFormat

Bytes = NDArray[np.uint8]
Mask = NDArray[np.bool_]
_FORMATS = {Codec.H264: "h264", Codec.H265: "hevc"}
_TIME_BASE = Fraction(1, 1000)
_PEAK = 255


@dataclass(frozen=True, slots=True)
class Score:
    """Of luma, in dB and 0..1. A PSNR is that of the mean error of all pictures. `inside_db`: of the part that
    matters; `worst_db`: of the picture where that is worst."""

    psnr_db: float
    ssim: float
    inside_db: float
    worst_db: float


class Scoring:
    """Takes pictures in their order: the original as flat yuv420p, and what became of it."""

    def __init__(self, video: VideoFormat, *, inside: Mask | None = None) -> None:
        self._video = video
        self._inside = inside
        self._graph, self._inputs = _graph(video)
        self._errors: list[float] = []
        self._inner: list[float] = []
        self._ssims: list[float] = []

    def take(self, original: Bytes, decoded: Sequence[Plane], seen_in: VideoFormat) -> None:
        flat = np.concatenate([np.frombuffer(plane.memory, np.uint8) for plane in decoded])
        seen = _scaled(flat, seen_in, self._video)
        if self._inside is not None:
            self._inner.append(_error(original, seen, self._inside))
        for source, picture in zip(self._inputs, (seen, original), strict=True):
            frame = _picture(picture, self._video)
            frame.pts, frame.time_base = len(self._errors), _TIME_BASE
            source.push(frame)
        told = self._graph.vpull().metadata
        self._errors.append(float(told["lavfi.psnr.mse.y"]))
        self._ssims.append(float(told["lavfi.ssim.Y"]))

    @property
    def score(self) -> Score:
        inner = self._inner or self._errors
        return Score(_psnr(self._errors), float(np.mean(self._ssims)), _psnr(inner), _psnr([max(inner)]))


class Vmaf:
    """VMAF of encoded streams against originals that lie raw in a file, by an ffmpeg that has libvmaf."""

    def __init__(self, ffmpeg: Path, *, every: int = 10) -> None:
        self._ffmpeg = ffmpeg
        self._every = every

    def of(self, stream: bytes, codec: Codec, *, raw: Path, video: VideoFormat) -> float:
        """The mean of some pictures, by libvmaf's own model vmaf_v0.6.1 (made for 1080p seen on a television)."""
        with tempfile.TemporaryDirectory() as directory:
            coded, log = Path(directory) / "coded", Path(directory) / "log.json"
            coded.write_bytes(stream)
            size, rate = f"{video.width}x{video.height}", str(video.fps)
            seen = ["-f", _FORMATS[codec], "-r", rate, "-i", str(coded)]
            original = ["-f", "rawvideo", "-pix_fmt", "yuv420p", "-s", size, "-r", rate, "-i", str(raw)]
            scale = f"[0:v]scale={video.width}:{video.height}:flags=bicubic[seen]"
            judge = f"[seen][1:v]libvmaf=n_subsample={self._every}:n_threads=2:log_fmt=json:log_path={log}"
            command = [str(self._ffmpeg), "-v", "error", *seen, *original, "-lavfi", f"{scale};{judge}"]
            subprocess.run([*command, "-f", "null", "-"], check=True, timeout=120)
            return float(json.loads(log.read_text())["pooled_metrics"]["vmaf"]["mean"])


def _psnr(errors: Sequence[float]) -> float:
    """In dB, of mean squared errors."""
    mean = float(np.mean(errors))
    return 10 * math.log10(_PEAK**2 / mean) if mean else math.inf


def _error(original: Bytes, seen: Bytes, inside: Mask) -> float:
    luma, decoded = (picture[: inside.size].reshape(inside.shape)[inside] for picture in (original, seen))
    gap = luma.astype(np.int32) - decoded
    return float(np.mean(gap * gap))


def _picture(flat: Bytes, video: VideoFormat) -> av.VideoFrame:
    return av.VideoFrame.from_ndarray(flat.reshape(video.height * 3 // 2, video.width), format="yuv420p")


def _scaled(flat: Bytes, have: VideoFormat, want: VideoFormat) -> Bytes:
    if (have.width, have.height) == (want.width, want.height):
        return flat
    larger = _picture(flat, have).reformat(want.width, want.height, interpolation=Interpolation.BICUBIC)
    return larger.to_ndarray().reshape(-1)


def _graph(video: VideoFormat) -> tuple[av.filter.Graph, tuple[av.filter.FilterContext, av.filter.FilterContext]]:
    """(graph, its inputs for the decoded and the original picture); each filter writes into the picture's metadata."""
    graph, layout = av.filter.Graph(), av.VideoFormat("yuv420p")
    size = {"width": video.width, "height": video.height}
    seen, original = (graph.add_buffer(**size, format=layout, time_base=_TIME_BASE) for _ in range(2))
    both, psnr, ssim = graph.add("split", "2"), graph.add("psnr"), graph.add("ssim")
    original.link_to(both)
    seen.link_to(psnr, 0, 0)
    both.link_to(psnr, 0, 1)
    psnr.link_to(ssim, 0, 0)
    both.link_to(ssim, 1, 1)
    ssim.link_to(graph.add("buffersink"))
    graph.configure()
    return graph, (seen, original)
