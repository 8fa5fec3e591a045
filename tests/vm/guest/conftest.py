"""Inside the machine: each test is reported to the host at once, so that a hang or a panic costs only what follows."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.vm import lab
from tests.vm.pictures import moving_grey
from tests.vm.usb_dongle import Dongle

_LOG_LINES = 40


class _KernelLog:
    """What the kernel says from now on (/dev/kmsg)."""

    def __init__(self) -> None:
        self._fd = os.open("/dev/kmsg", os.O_RDONLY | os.O_NONBLOCK)
        os.lseek(self._fd, 0, os.SEEK_END)

    def read(self) -> list[str]:
        lines: list[str] = []
        while True:
            try:
                record = os.read(self._fd, 8192)
            except BrokenPipeError:
                continue  # overwritten meanwhile; the next one is readable
            except BlockingIOError:
                return lines
            lines.append(record.decode(errors="replace").partition(";")[2].splitlines()[0])


class _Reporter:
    """One JSON line for each test: the worst of set-up, call and tear-down."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._log = _KernelLog()
        self._phases: list[pytest.TestReport] = []

    def pytest_runtest_logstart(self) -> None:
        self._phases = []
        self._log.read()

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        self._phases.append(report)

    def pytest_runtest_logfinish(self, nodeid: str) -> None:
        worst = next((one for one in self._phases if not one.passed), self._phases[-1])
        text = "" if worst.passed else self._story()
        seconds = sum(one.duration for one in self._phases)
        line = json.dumps({"id": nodeid, "outcome": worst.outcome, "seconds": seconds, "text": text})
        with self._path.open("a") as file:
            file.write(f"{line}\n")

    def _story(self) -> str:
        bad = [one for one in self._phases if not one.passed]
        told = [f"in {one.when}:\n{_ours(one.longreprtext)}\n{one.capstdout}{one.capstderr}" for one in bad]
        return "\n".join((*told, "kernel:", *self._log.read()[-_LOG_LINES:]))


def _ours(trace: str) -> str:
    """From the first frame of a guest test on; what pytest did before is of no interest."""
    place = trace.find(f'  File "{Path(__file__).parent}')
    return trace[max(place, 0) :]


def pytest_configure(config: pytest.Config) -> None:
    folder = os.environ.get("VM_FOLDER")  # unset while the host collects
    if folder is not None:
        config.pluginmanager.register(_Reporter(Path(folder, "reports")))


@pytest.fixture
def hdmi() -> Iterator[lab.Vivid]:
    """A vivid with one HDMI input, single-planar."""
    with lab.vivid() as device:
        yield device


@pytest.fixture
def dongle() -> Iterator[Dongle]:
    """A USB capture dongle, plugged in, with moving pictures."""
    with lab.usb_dongle(content=moving_grey) as device:
        yield device
