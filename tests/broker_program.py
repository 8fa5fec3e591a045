"""A broker's program on a port of its own, ended by its own pid."""

from __future__ import annotations

import socket
import subprocess
import time
from abc import ABC, abstractmethod
from collections.abc import Sequence

from tests.running_box import free_port

_OPENS_S = 10.0


def opened(port: int) -> bool:
    """Whether something on this machine listens there."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


class BrokerProgram(ABC):
    """Can be stopped, which is a kill, and started again on the same port. A kind says its command line."""

    def __init__(self) -> None:
        self.port = free_port()
        self._process: subprocess.Popen[bytes] | None = None

    @abstractmethod
    def argv(self) -> Sequence[str]:
        """The program and its arguments, any files of it written."""

    def start(self) -> None:
        argv = self.argv()
        try:
            self._process = subprocess.Popen(argv, stderr=subprocess.DEVNULL)
        except FileNotFoundError:
            raise AssertionError(f"needs {argv[0]}: see image-build/debian-packages.txt") from None
        end_s = time.monotonic() + _OPENS_S
        while not opened(self.port):
            assert time.monotonic() < end_s, f"{argv[0]} did not open port {self.port} within {_OPENS_S:g} s"
            time.sleep(0.02)

    def stop(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None
