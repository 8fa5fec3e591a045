"""The lab as tests use it: a context with a place for the box, one for the viewer, and a line between them."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path as FilePath
from typing import Any

import pytest

from tests.netlab.namespace import inside
from tests.netlab.path import Path, Step

_ROOT = FilePath(__file__).resolve().parents[2]
BOX_ADDRESS, VIEWER_ADDRESS = "10.77.0.1", "10.77.0.2"


@dataclass(frozen=True, slots=True)
class Place:
    """One end of the line. `inside()` is a context: sockets made and processes started in it belong there."""

    address: str
    namespace: int

    def inside(self) -> contextlib.AbstractContextManager[None]:
        return inside(self.namespace)


class NetLab:
    """Use as a context. The line is perfect until told otherwise; `seed` makes its losses repeatable.

    The namespaces go with the emulator's process and what was started in them, whatever happens to this process.
    """

    def __init__(self, *, seed: int = 1) -> None:
        self._seed = seed
        self._process: subprocess.Popen[bytes] | None = None
        self.box = Place(BOX_ADDRESS, -1)
        self.viewer = Place(VIEWER_ADDRESS, -1)

    def __enter__(self) -> NetLab:
        if os.geteuid() != 0:
            pytest.fail("network namespaces and TUN devices need root: run this as root", pytrace=False)
        addresses = (f"{BOX_ADDRESS}/24", f"{VIEWER_ADDRESS}/24")
        argv = (sys.executable, "-m", "tests.netlab.emulator", *addresses, str(self._seed))
        self._process = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=_ROOT)
        told = self._read()
        folder = f"/proc/{told['pid']}/fd"
        self.box, self.viewer = (
            Place(place.address, os.open(f"{folder}/{told[name]}", os.O_RDONLY | os.O_CLOEXEC))
            for name, place in (("box", self.box), ("viewer", self.viewer))
        )
        return self

    def __exit__(self, *_: object) -> None:
        process = self._process
        assert process is not None
        assert process.stdin is not None
        with contextlib.suppress(BrokenPipeError):
            process.stdin.close()
        process.wait(10)
        assert process.stdout is not None
        process.stdout.close()
        for place in (self.box, self.viewer):
            os.close(place.namespace)

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def set(self, uplink: Path, downlink: Path | None = None, *, cut: bool = False) -> None:
        """From now on; `downlink` is as `uplink` when not given."""
        self.play((Step(0, uplink, uplink if downlink is None else downlink, cut),))

    def play(self, steps: Sequence[Step]) -> int:
        """Replaces what is played. Returns the CLOCK_MONOTONIC ns from which the steps' times count."""
        return int(self.ask({"play": [step.to_json() for step in steps]})["playing_from_ns"])

    def counts(self) -> dict[str, Any]:
        """`uplink` (from the box) and `downlink`: what became of the packets, and the emulator's own lateness."""
        return self.ask({"counts": True})

    def ask(self, order: dict[str, Any]) -> dict[str, Any]:
        """One order of tests/netlab/emulator.py and its answer. Raises RuntimeError when the emulator has ended."""
        assert self._process is not None
        assert self._process.stdin is not None
        with contextlib.suppress(BrokenPipeError):  # reading tells how it ended
            self._process.stdin.write(json.dumps(order).encode() + b"\n")
            self._process.stdin.flush()
        return self._read()

    def _read(self) -> dict[str, Any]:
        assert self._process is not None
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(f"the line's process ended with {self._process.wait(10)}; what it said is on stderr")
        answer: dict[str, Any] = json.loads(line)
        return answer
