"""Where the box's processes meet on disk."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from edge.config.model import PathsConfig
from edge.model.errors import Invalid
from edge.model.inputs import Input

_UNIX_PATH_MAX = 107  # sockaddr_un.sun_path holds 108 bytes with its terminating zero (unix(7))


@dataclass(frozen=True, slots=True)
class Places:
    """Absolute paths below `state_dir` (survives) and `run_dir` (sockets)."""

    state: Path
    run: Path

    @classmethod
    def of(cls, paths: PathsConfig) -> Places:
        """Makes the folders, readable by their owner only. Raises Invalid when that cannot be."""
        places = cls(state=paths.state_dir.absolute(), run=paths.run_dir.absolute())
        longest = str(places.units("archive"))
        if len(longest.encode()) > _UNIX_PATH_MAX:
            raise Invalid(f"paths.run_dir: {places.run} is too long for Unix sockets; choose a shorter one")
        for name, folder in (("paths.state_dir", places.state), ("paths.run_dir", places.run)):
            try:
                folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            except OSError as error:
                raise Invalid(f"{name}: cannot make {folder}: {error.strerror}") from error
        return places

    def media_ipc(self, input: Input) -> Path:
        return self.run / f"{media_process(input)}.sock"

    @property
    def rtc_ipc(self) -> Path:
        return self.run / "rtc.sock"

    def units(self, rung: str) -> Path:
        return self.run / f"units-{rung}.sock"

    @property
    def dtls(self) -> Path:
        """Key and certificate for WebRTC."""
        return self.state / "dtls.pem"

    @property
    def snapshots(self) -> Path:
        return self.state / "snapshots"


def media_process(input: Input) -> str:
    """What the media process of that input is called in status, logs and issues."""
    return "media" if input is Input.MAIN else f"media-{input}"
