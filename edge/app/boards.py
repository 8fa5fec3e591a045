"""Which source and encoder this box has."""

from __future__ import annotations

from pathlib import Path

from board.av.url_source import UrlSource
from board.av.x264 import X264Encoder
from board.sim.script import FaultScript
from board.sim.source import SimSource
from edge.app.capture import make_camera, make_capture
from edge.config.model import Config, SourceKind
from edge.media.painter import PillowPainter
from edge.model.errors import Invalid
from edge.ports import Clock, Encoder, Source


def make_source(config: Config, *, clock: Clock) -> Source:
    """Raises Invalid on a fault script that cannot be read."""
    if config.source.kind is SourceKind.URL:
        return UrlSource(clock=clock, url=config.source.url.url, loop=config.source.url.loop)
    if config.source.kind is SourceKind.V4L2:
        return make_capture(config.source.v4l2, clock=clock)
    if config.source.kind is SourceKind.PICAMERA:
        return make_camera(config.source.picamera, clock=clock)
    sim = config.source.sim
    return SimSource(
        clock=clock,
        painter=PillowPainter(),
        width=sim.width,
        height=sim.height,
        fps=sim.fps,
        script=_read_script(sim.script),
    )


def make_encoder(config: Config) -> Encoder:
    return X264Encoder(speed=config.encoder.speed)


def _read_script(path: Path | None) -> FaultScript | None:
    if path is None:
        return None
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise Invalid(f"source.sim.script: cannot read {path}: {error}") from error
    return FaultScript.parse(text, where=str(path))
