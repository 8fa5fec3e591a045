"""What the fleet benchmark runs on: a Mosquitto that says who connects and when, and a process of simulated boxes."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

from edge.link.local_broker import broker_config
from tests.bench.conditions import cpu_s, rss_mb

REPOSITORY = Path(__file__).parents[2]
_CONNECTED = re.compile(r"^(\d+): New client connected from .* as (\S+) \(")
_SBIN = "/usr/sbin:/usr/local/sbin"


class LoudMosquitto:
    """A broker of its own port, killed and started at will. `connects`: (UTC s by its clock, client id)."""

    def __init__(self, folder: Path) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = int(probe.getsockname()[1])
        self._config = folder / "mosquitto.conf"
        # a fleet talks to one controller: its queue holds what all boxes say at once
        text = broker_config(self.port).replace("max_queued_messages 2000", "max_queued_messages 200000")
        self._config.write_text(f"{text}log_type notice\n")
        self._process: subprocess.Popen[str] | None = None
        self.connects: list[tuple[int, str]] = []

    def start(self) -> None:
        program = shutil.which("mosquitto", path=f"{os.environ.get('PATH', '')}:{_SBIN}")
        assert program is not None, "install the Debian package mosquitto"
        argv = [program, "-c", str(self._config)]
        self._process = subprocess.Popen(argv, stderr=subprocess.PIPE, text=True)
        threading.Thread(target=self._read, args=(self._process,), daemon=True).start()
        while not self._answers():
            time.sleep(0.02)

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def _answers(self) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    def _read(self, process: subprocess.Popen[str]) -> None:
        assert process.stderr is not None
        for line in process.stderr:
            if found := _CONNECTED.search(line):
                self.connects.append((int(found[1]), found[2]))


@contextlib.contextmanager
def fleet_process(
    port: int, folder: Path, boxes: int, *, ramp_s: float, spread_s: float
) -> Iterator[subprocess.Popen[bytes]]:
    """`edge fleet-sim`, commanded from `folder`/home. Their memory is in `folder`/boxes."""
    argv = [sys.executable, "-m", "edge", "fleet-sim", "--boxes", str(boxes), "--broker", f"127.0.0.1:{port}"]
    argv += ["--home", str(folder / "home"), "--state", str(folder / "boxes"), "--trouble", "0"]
    argv += ["--ramp", str(ramp_s), "--spread", str(spread_s)]
    process = subprocess.Popen(argv, cwd=REPOSITORY, stdout=subprocess.DEVNULL)
    try:
        yield process
    finally:
        process.send_signal(signal.SIGINT)
        try:
            process.wait(60)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


class Loads:
    """CPU of processes between two looks, in per cent of one core."""

    def __init__(self, **pids: int) -> None:
        self._pids = pids
        self._began_s = time.monotonic()
        self._cpu_s = {name: cpu_s(pid) for name, pid in pids.items()}

    def __str__(self) -> str:
        passed_s = time.monotonic() - self._began_s
        words = (
            f"{name} {100 * (cpu_s(pid) - self._cpu_s[name]) / passed_s:.1f} % and {rss_mb(pid):.0f} MB"
            for name, pid in self._pids.items()
        )
        return ", ".join(words)


def last_eseqs(folder: Path) -> dict[str, int]:
    """By box the last number that its outbox has given out."""
    found = {}
    for path in sorted((folder / "boxes").glob("*/link.sqlite")):
        with contextlib.closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as db:
            row = db.execute("SELECT value FROM meta WHERE name = 'eseq'").fetchone()
        found[path.parent.name] = int(row[0]) if row else 0
    return found
