"""The real coturn, for tests: UDP, TCP and TLS on loopback, on ports of its own."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
from pathlib import Path

import pytest

from tests.certificates import Authority
from tests.running_box import end_with_the_tests, free_port

USER, PASSWORD, SECRET = "box", "hunter2hunter2", "north-by-northwest"


class Coturn:
    """Use as a context. With `time_limited` it takes credentials made of SECRET, else USER and PASSWORD."""

    def __init__(self, folder: Path, authority: Authority, *, time_limited: bool = False) -> None:
        self._program = shutil.which("turnserver")
        if self._program is None:
            pytest.fail("turnserver is missing: apt-get install coturn")
        self._log = folder / "turn.log"
        self.port, self.tls_port = free_port(), free_port()
        credentials = (
            ["--use-auth-secret", f"--static-auth-secret={SECRET}"]
            if time_limited
            else ["--lt-cred-mech", f"--user={USER}:{PASSWORD}"]
        )
        self._argv = [
            self._program, "-n", "--no-cli", "--allow-loopback-peers", "--listening-ip=127.0.0.1",
            "--relay-ip=127.0.0.1", f"--listening-port={self.port}", f"--tls-listening-port={self.tls_port}",
            f"--cert={authority.chain}", f"--pkey={authority.key}", "--realm=test.example", "--no-dtls",
            f"--userdb={folder / 'turn.db'}", f"--pidfile={folder / 'turn.pid'}", "--log-file=stdout", "--verbose",
            *credentials,
        ]  # fmt: skip

    def __enter__(self) -> Coturn:
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                self._argv, stdout=log, stderr=log, preexec_fn=end_with_the_tests, env={**os.environ, "LC_ALL": "C"}
            )
        deadline = time.monotonic() + 20
        while not self._answers():
            assert self._process.poll() is None, self.log
            assert time.monotonic() < deadline, self.log
            time.sleep(0.05)
        return self

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    @property
    def log(self) -> str:
        return self._log.read_text(errors="replace")

    def _answers(self) -> bool:
        try:
            socket.create_connection(("127.0.0.1", self.tls_port), 1).close()
            socket.create_connection(("127.0.0.1", self.port), 1).close()
        except OSError:
            return False
        return True
