"""What the media process costs beside ffmpeg doing the same encode: `python -m tests.bench overhead`.

In turn, pair by pair, CPU per encoded picture (a busy machine lets both encode fewer): of edge-media
(simulated source, encode, SRT to one receiver, units for the other processes), and of `ffmpeg -re`
with the same x264 settings and one SRT receiver, fed from a file that holds two seconds of the
simulated board's pictures. Neither figure holds the receiver.
"""

from __future__ import annotations

import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from board.sim.source import SimSource
from edge.media.painter import PillowPainter
from edge.model.frame import Frame
from edge.runtime.clock import SystemClock
from tests.bench.conditions import conditions, cpu_s, say
from tests.running_box import RunningBox
from tests.srt_peers import free_udp_port

_WIDTH, _HEIGHT, _FPS, _BITRATE_BPS, _GOP_S = 1920, 1080, 60, 8_000_000, 2
_SPEED = "ultrafast"  # what `auto` is above 1080p30
_VBV_BITS = _BITRATE_BPS * 3 // _FPS
_CLIP_FRAMES = 2 * _FPS
_SETTLE_S, _MEASURE_S, _PAIRS = 6, 30, 3
_RECEIVE = (
    "import sys\n"
    "from edge.sinks.srt_receiver import SrtReceiver\n"
    "from edge.sinks.srt_url import parse_srt_url\n"
    "for payload in SrtReceiver(parse_srt_url(sys.argv[1])): pass\n"
)


@dataclass(frozen=True, slots=True)
class Cost:
    """CPU ms per picture, and pictures per second."""

    ms: float
    fps: float


def main() -> None:
    if shutil.which("ffmpeg") is None:
        raise SystemExit("this measurement needs the program ffmpeg: apt install ffmpeg")
    with tempfile.TemporaryDirectory(prefix="box-", dir="/tmp") as folder:
        clip = _write_clip(Path(folder) / "clip.yuv")
        pairs = [(_ours(Path(folder) / str(turn)), _theirs(clip)) for turn in range(_PAIRS)]
    ratios = [ours.ms / theirs.ms for ours, theirs in pairs]
    say(f"{_WIDTH}x{_HEIGHT} at {_FPS} fps, {_BITRATE_BPS / 1e6:.0f} Mbit/s, x264 {_SPEED} zerolatency, one thread")
    for (ours, theirs), ratio in zip(pairs, ratios, strict=True):
        say(f"  edge-media {_words(ours)}, ffmpeg {_words(theirs)}: ratio {ratio:.2f}")
    say(f"  median ratio {statistics.median(ratios):.2f} of {_PAIRS} pairs of {_MEASURE_S} s")
    say("  edge-media draws its pictures, ffmpeg reads them from a file in memory")
    say(f"  {conditions()}")


def _words(cost: Cost) -> str:
    return f"{cost.ms:.2f} ms per picture at {cost.fps:.1f} fps"


def _ours(folder: Path) -> Cost:
    rate = f"encoder.bitrate_bps={_BITRATE_BPS}", f"encoder.max_bitrate_bps={_BITRATE_BPS}", f"encoder.gop_s={_GOP_S}"
    with RunningBox(folder, f"source.sim.fps={_FPS}", *rate) as box:
        box.wait_live()
        with _receiving(box.srt_url):
            return _cost(box.pids["media"], lambda: int(box.status()["encoder"]["rungs"][0]["units"]))


def _theirs(clip: Path) -> Cost:
    port, progress = free_udp_port(), clip.with_name("progress")
    argv = [*_ffmpeg(clip, progress), f"srt://127.0.0.1:{port}?mode=listener&latency=120000"]
    process = subprocess.Popen(argv, stdin=subprocess.DEVNULL)
    try:
        with _receiving(f"srt://127.0.0.1:{port}"):
            return _cost(process.pid, lambda: _last_frame(progress))
    finally:
        process.kill()
        process.wait()


def _ffmpeg(clip: Path, progress: Path) -> Sequence[str]:
    """All of the command but the address."""
    told = ("ffmpeg", "-loglevel", "error", "-progress", str(progress), "-stats_period", "0.1")
    pictures = ("-f", "rawvideo", "-pix_fmt", "yuv420p", "-s", f"{_WIDTH}x{_HEIGHT}", "-r", str(_FPS), "-i", str(clip))
    rate = ("-b:v", str(_BITRATE_BPS), "-maxrate", str(_BITRATE_BPS), "-bufsize", str(_VBV_BITS))
    x264 = ("-c:v", "libx264", "-preset", _SPEED, "-tune", "zerolatency", "-profile:v", "baseline")
    shape = ("-threads", "1", "-g", str(_GOP_S * _FPS), "-bf", "0", "-x264-params", "scenecut=0:repeat-headers=1")
    return (*told, "-re", "-stream_loop", "-1", *pictures, *x264, *rate, *shape, "-f", "mpegts")


def _last_frame(progress: Path) -> int:
    """The newest `frame=N` of FFmpeg's progress file."""
    return int(progress.read_text().rpartition("frame=")[2].split()[0])


def _cost(pid: int, pictures: Callable[[], int]) -> Cost:
    time.sleep(_SETTLE_S)
    before, before_s, began_s = pictures(), cpu_s(pid), time.monotonic()
    time.sleep(_MEASURE_S)
    count, used_s, passed_s = pictures() - before, cpu_s(pid) - before_s, time.monotonic() - began_s
    return Cost(1000 * used_s / count, count / passed_s)


@contextmanager
def _receiving(url: str) -> Iterator[None]:
    """A process of its own that takes what comes and throws it away."""
    process = subprocess.Popen([sys.executable, "-c", _RECEIVE, url])
    try:
        yield
        if process.poll() is not None:
            raise SystemExit(f"the receiver of {url} ended early: the figure would not hold its traffic")
    finally:
        process.kill()
        process.wait()


def _write_clip(path: Path) -> Path:
    """Two seconds as the simulated board draws them."""
    source = SimSource(clock=SystemClock(), painter=PillowPainter(), width=_WIDTH, height=_HEIGHT, fps=_FPS)
    source.open()
    written = 0
    with path.open("wb") as file:
        while written < _CLIP_FRAMES:
            frame = source.read(1.0)
            if isinstance(frame, Frame):
                for plane, width in zip(frame.lease.planes, (_WIDTH, _WIDTH // 2, _WIDTH // 2), strict=True):
                    rows = range(0, len(plane.memory), plane.stride)
                    file.writelines(plane.memory[at : at + width] for at in rows)
                frame.lease.release()
                written += 1
    source.close()
    return path


if __name__ == "__main__":
    main()
