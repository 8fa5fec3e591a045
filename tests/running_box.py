"""A whole box for tests: `edge run` in its own folder, on ports of its own."""

from __future__ import annotations

import ctypes
import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent


def free_port(kind: socket.SocketKind = socket.SOCK_STREAM) -> int:
    with socket.socket(socket.AF_INET, kind) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def end_with_the_tests() -> None:
    """In the child: SIGTERM when the test run dies, however it dies (prctl(2), PR_SET_PDEATHSIG)."""
    ctypes.CDLL(None).prctl(1, signal.SIGTERM)


@dataclass(frozen=True, slots=True)
class Ports:
    web: int
    mqtt: int
    srt: int

    @classmethod
    def free(cls) -> Ports:
        return cls(free_port(), free_port(), free_port(socket.SOCK_DGRAM))


class RunningBox:
    """Use as a context. `sets` are `--set` options; what it logs is in `log`."""

    def __init__(self, folder: Path, *sets: str, ports: Ports | None = None) -> None:
        self.folder = folder
        self.ports = ports or Ports.free()
        self.url = f"http://127.0.0.1:{self.ports.web}"
        self.srt_url = f"srt://127.0.0.1:{self.ports.srt}"
        self.controller_home = folder / "controller"
        self._log_path = folder / "log"
        self._config = folder / "edge.toml"
        self._sets = sets
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> RunningBox:
        self.folder.mkdir(parents=True, exist_ok=True)
        self._config.write_text(
            f'[paths]\nstate_dir = "{self.folder}/state"\nrun_dir = "{self.folder}/run"\n'
            "[board]\ntry_encoders = false\n"  # seconds of both cores for what few tests look at
            f"[web]\nport = {self.ports.web}\n[mqtt]\nport = {self.ports.mqtt}\n"
            f'[[srt]]\nname = "srt"\nurl = "{self.srt_url}?mode=listener"\n'
        )
        options: Sequence[str] = [part for one in self._sets for part in ("--set", one)]
        argv = [sys.executable, "-m", "edge", "run", "--config", str(self._config), *options]
        with self._log_path.open("ab") as log:
            self._process = subprocess.Popen(
                argv, stdout=log, stderr=log, cwd=self.folder, start_new_session=True, preexec_fn=end_with_the_tests
            )
        return self

    def __exit__(self, *_: object) -> None:
        process = self._process
        if process is not None and process.poll() is None:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    @property
    def log(self) -> str:
        return self._log_path.read_text(errors="replace")

    @property
    def pids(self) -> Mapping[str, int]:
        """The children that run now, by name."""
        assert self._process is not None
        children = Path(f"/proc/{self._process.pid}/task/{self._process.pid}/children").read_text().split()
        found = {}
        for child in children:
            words = Path(f"/proc/{child}/cmdline").read_text().split("\0")
            name = _process_name(words)
            if name is not None:
                found[name] = int(child)
        return found

    def kill(self, name: str) -> None:
        os.kill(self.pids[name], signal.SIGKILL)

    def get(self, path: str) -> Any:
        with urllib.request.urlopen(self.url + path, timeout=10) as response:
            return json.load(response)

    def status(self) -> Any:
        return self.get("/api/v1/status")

    def command(self, op: str, **args: object) -> tuple[int, Any]:
        """HTTP status and body; a refusal is an answer, not an exception."""
        body = json.dumps({"op": op, "args": args}).encode()
        request = urllib.request.Request(
            self.url + "/api/v1/commands", body, {"Content-Type": "application/json"}, method="POST"
        )
        try:
            with urllib.request.urlopen(request, timeout=20) as response:
                return response.status, json.load(response)
        except urllib.error.HTTPError as error:
            with error:
                return error.code, json.load(error)

    def fault(self, kind: str, seconds: float | None = None, **more: object) -> None:
        code, answer = self.command("sim.fault", fault=kind, seconds=seconds, **more)
        assert code == 200, answer

    def input(self, name: str) -> Any:
        return next(entry for entry in self.status()["inputs"] if entry["name"] == name)

    def sink(self, name: str) -> Any:
        return next(sink for sink in self.status()["sinks"] if sink["name"] == name)

    def wait_until(self, condition: Callable[[], bool], *, what: str, patience_s: float = 30) -> None:
        """Ask until true; what it could not ask counts as not yet. Fails with the box's log."""
        deadline = time.monotonic() + patience_s
        while time.monotonic() < deadline:
            try:
                if condition():
                    return
            except (OSError, LookupError, StopIteration, ValueError):
                pass
            time.sleep(0.1)
        raise AssertionError(f"within {patience_s} s not: {what}\n--- the box said:\n{self.log[-4000:]}")

    def wait_live(self) -> None:
        """Until every input is."""
        self.wait_until(
            lambda: all(entry["picture"]["live"] is True for entry in self.status()["inputs"]), what="live pictures"
        )


def _process_name(words: Sequence[str]) -> str | None:
    if words[0].endswith("mosquitto"):
        return "broker"
    if "media" in words:
        return "media-second" if "second" in words else "media"
    return next((name for name in ("rtc", "control") if name in words), None)
