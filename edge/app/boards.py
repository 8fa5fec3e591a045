"""Which source this box has."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from board.av.url_source import UrlSource
from board.sim.script import FaultScript
from board.sim.source import SimSource
from edge.app.capture import make_camera, make_capture
from edge.config.source import SourceConfig, SourceKind
from edge.media.painter import PillowPainter
from edge.model.board import CaptureFact
from edge.model.errors import Invalid
from edge.model.inputs import TEST_PATTERN
from edge.ports import Clock, Source


def source_named(name: str, *, config: SourceConfig, clock: Clock, facts: Sequence[CaptureFact] = ()) -> Source:
    """Of that kind, whatever kind is configured; or the test pattern, which is the simulated board's without its
    faults. Raises Invalid."""
    if name == TEST_PATTERN:
        sim = config.sim.model_copy(update={"script": None})
        return make_source(config.model_copy(update={"kind": SourceKind.SIM, "sim": sim}), clock=clock)
    return make_source(config.model_copy(update={"kind": SourceKind(name)}), clock=clock, facts=facts)


def make_source(config: SourceConfig, *, clock: Clock, facts: Sequence[CaptureFact] = ()) -> Source:
    """`facts`: the board's receivers. Raises Invalid on a fault script that cannot be read."""
    if config.kind is SourceKind.URL:
        return UrlSource(clock=clock, url=config.url.url, loop=config.url.loop)
    if config.kind is SourceKind.V4L2:
        return make_capture(config.v4l2, clock=clock, facts=facts)
    if config.kind is SourceKind.PICAMERA:
        return make_camera(config.picamera, clock=clock)
    sim = config.sim
    return SimSource(
        clock=clock,
        painter=PillowPainter(),
        width=sim.width,
        height=sim.height,
        fps=sim.fps,
        grain=sim.grain,
        script=_read_script(sim.script),
    )


def _read_script(path: Path | None) -> FaultScript | None:
    if path is None:
        return None
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise Invalid(f"source.sim.script: cannot read {path}: {error}") from error
    return FaultScript.parse(text, where=str(path))
