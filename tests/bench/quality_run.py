"""One encode of a clip by one of our encoders, and what it came to."""

from __future__ import annotations

import resource
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from board.av.decoder import AvDecoder
from edge.model.frame import Encoded, Frame, pts_of
from edge.model.video import Codec, EncodeTarget, VideoFormat
from edge.ports import Encoder
from tests.bench.conditions import percentile
from tests.bench.quality_score import Bytes, Mask, Score, Scoring
from tests.board.kit import frame_of

Framed = Callable[[Bytes, VideoFormat, int], Frame]


@dataclass(frozen=True, slots=True)
class Coded:
    """What an encoder made of a clip. `walls_ms` and `cpu_ms`: each picture's and the median; `delay`: how many
    pictures later than its own a unit came out, at most."""

    codec: Codec
    video: VideoFormat
    units: tuple[Encoded, ...]
    walls_ms: tuple[float, ...]
    cpu_ms: float
    delay: int

    @property
    def bps(self) -> float:
        return sum(self.sizes) * 8 * float(self.video.fps) / len(self.walls_ms)

    @property
    def sizes(self) -> list[int]:
        return [len(unit.data) for unit in self.units]

    @property
    def stream(self) -> bytes:
        return b"".join(unit.data for unit in self.units)

    @property
    def p50_ms(self) -> float:
        return statistics.median(self.walls_ms)

    @property
    def p95_ms(self) -> float:
        return percentile(self.walls_ms, 0.95)

    @property
    def core_share(self) -> float:
        """Of one core, 1.0 is all of it, at the clip's own rate."""
        return self.cpu_ms * float(self.video.fps) / 1e3

    @property
    def largest(self) -> int:
        """Bytes of the largest unit after the first, which no encoder can make small."""
        return max(self.sizes[1:])

    @property
    def mean(self) -> float:
        return statistics.fmean(self.sizes)


def encode(
    make: Callable[[], Encoder],
    pictures: Sequence[Bytes],
    video: VideoFormat,
    target: EncodeTarget,
    *,
    framed: Framed = frame_of,
) -> Coded:
    """As fast as it goes. The CPU of a program that the encoder starts counts when its `close` waits for it."""
    encoder = make()
    encoder.open(video, target)
    order: dict[int, int] = {}
    units: list[Encoded] = []
    walls, cpus, delay, children = [], [], 0, _children_s()
    for index, picture in enumerate(pictures):
        begin, cpu = time.perf_counter(), time.process_time()
        frame = framed(picture, video, index)
        made = encoder.encode(frame, force_key=False)
        walls.append((time.perf_counter() - begin) * 1e3)
        cpus.append((time.process_time() - cpu) * 1e3)
        order[pts_of(frame.stamps.captured_ns)] = index
        delay = max([delay, *(index - order[unit.pts] for unit in made)])
        units += made
    codec = encoder.codec
    encoder.close()
    apart_ms = (_children_s() - children) * 1e3 / len(pictures)
    return Coded(codec, video, tuple(units), tuple(walls), statistics.median(cpus) + apart_ms, delay)


def score(coded: Coded, pictures: Sequence[Bytes], video: VideoFormat, *, inside: Mask | None = None) -> Score:
    """Against the originals in their order: no encoder of ours reorders. Smaller pictures are scaled up to `video`."""
    decoder, scoring = AvDecoder(coded.codec), Scoring(video, inside=inside)
    left = iter(pictures)
    for unit in coded.units:
        for planes in decoder.decode(unit.data):
            scoring.take(next(left), planes, coded.video)
    for planes in decoder.flush():
        scoring.take(next(left), planes, coded.video)
    return scoring.score


def _children_s() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
