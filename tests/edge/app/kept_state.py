"""A box's state folder, and starts of its wishes from it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from edge.app.wishes import Wishes
from edge.config.encode import EncoderConfig
from edge.config.model import Config
from edge.config.output import SrtSinkConfig
from edge.modality.library import Library
from edge.model.sink import SinkKind, SinkSpec
from edge.vault.seal import Sealer

PHRASE = "correct horse battery"
URL = "srt://127.0.0.1:9710?mode=listener"
OTHER_URL = "srt://10.0.0.9:9000?mode=caller"


def spec_of(name: str, **more: Any) -> SinkSpec:
    """As `sink.set` makes it of what is left out."""
    return SinkSpec(**{"name": name, "kind": SinkKind.SRT, "url": OTHER_URL, "latency_ms": 0, **more})


class State:
    """A box's state folder; `wishes()` is a start of the box with one configured output `srt`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.path = folder / "wishes.sealed"
        self.key = folder / "box.key"

    def wishes(self, *srt: Mapping[str, Any], **encoder: Any) -> Wishes:
        entries = srt or ({"url": URL},)
        config = Config(srt=tuple(SrtSinkConfig(**entry) for entry in entries), encoder=EncoderConfig(**encoder))
        return self.start(config)

    def start(self, config: Config) -> Wishes:
        return Wishes(config=config, path=self.path, sealer=Sealer(self.key), library=Library.load(None))

    def write_sealed(self, content: bytes) -> None:
        self.path.write_bytes(Sealer(self.key).seal("wishes", content))

    def on_disk(self) -> bytes:
        """Opened; empty when nothing is kept."""
        return Sealer(self.key).open("wishes", self.path.read_bytes()) if self.path.exists() else b""

    def secret(self, content: bytes, name: str = "passphrase") -> Path:
        path = self.folder / name
        path.write_bytes(content)
        return path


def bitrate_of(wishes: Wishes) -> int:
    return wishes.plan.rungs[0].bitrate_bps


def running_of(wishes: Wishes) -> dict[str, bool]:
    return {sink.name: sink.running for sink in wishes.plan.sinks}


def sink_of(wishes: Wishes, name: str) -> SinkSpec:
    found = wishes.sink(name)
    assert found is not None
    return found
