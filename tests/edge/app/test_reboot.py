from __future__ import annotations

import asyncio
import signal
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from edge.app import reboot
from edge.app.reboot import Reboot, is_machine_ours, reboot_machine, restart_processes
from edge.config.model import Config
from edge.config.source import SourceConfig, SourceKind, V4l2Config
from edge.model.command import Command, Result
from edge.model.errors import Unavailable
from edge.runtime.command_bus import CommandBus
from edge.runtime.component import Context


class Rig:
    def __init__(self) -> None:
        self.story: list[str] = []
        self.on_disk = asyncio.Event()
        self.error: Unavailable | None = None
        self.begun = asyncio.Event()
        self.bus = CommandBus()
        self.reboot = Reboot(
            begin=self._begin, written=self._written, tell=self._tell, whole_machine=False, grace_s=0.0
        )
        self.reboot.register(self.bus)

    async def _begin(self) -> None:
        self.story.append("reboot")
        self.begun.set()
        if self.error is not None:
            raise self.error

    async def _written(self) -> None:
        await self.on_disk.wait()
        self.story.append("written")

    def _tell(self, code: str, facts: Mapping[str, Any]) -> None:
        self.story.append(f"{code}: {facts['reason']}")

    async def ask(self, **args: Any) -> Result:
        return await self.bus.submit(Command("1", "system.reboot", args))


async def test_the_machine_goes_only_once_the_result_is_on_disk() -> None:
    rig, ctx = Rig(), Context()
    running = asyncio.ensure_future(rig.reboot.run(ctx))
    result = await rig.ask()
    assert (result.st, result.payload) == ("done", {"restarts": "processes"})
    for _ in range(5):
        await asyncio.sleep(0)
    assert rig.story == []
    rig.on_disk.set()
    await rig.begun.wait()
    assert rig.story == ["written", "reboot"]
    ctx.ask_to_stop()
    await running


async def test_an_argument_is_refused_and_nothing_restarts() -> None:
    rig = Rig()
    assert (await rig.ask(now=True)).code == "invalid"
    assert rig.story == []


async def test_a_reboot_that_does_not_begin_is_told_and_a_failure() -> None:
    rig = Rig()
    rig.on_disk.set()
    rig.error = Unavailable("no systemctl", code="reboot_failed")
    await rig.ask()
    with pytest.raises(Unavailable, match="no systemctl"):
        await rig.reboot.run(Context())
    assert rig.story == ["written", "reboot", "reboot.failed: no systemctl"]


async def test_processes_are_ended_by_pid_and_one_that_is_gone_is_no_error() -> None:
    process = subprocess.Popen(["sleep", "60"])  # noqa: ASYNC220
    gone = subprocess.Popen(["true"])  # noqa: ASYNC220
    gone.wait()
    await restart_processes((None, gone.pid, process.pid))
    assert process.wait(10) == -signal.SIGTERM


async def test_without_systemctl_no_machine_is_rebooted(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(Unavailable, match="systemctl") as caught:
        await reboot_machine()
    assert caught.value.code == "reboot_failed"


async def test_systemctl_that_refuses_is_a_failure_with_its_code(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    program = tmp_path / "systemctl"
    program.write_text('#!/bin/sh\n[ "$1" = reboot ] && exit 4\n')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(Unavailable, match="ended with 4"):
        await reboot_machine()


def test_only_a_real_box_that_init_started_reboots_the_machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    real = Config(source=SourceConfig(kind=SourceKind.V4L2, v4l2=V4l2Config()))
    monkeypatch.setattr(reboot.os, "getppid", lambda: 1)
    monkeypatch.setattr(reboot, "_SYSTEMD", tmp_path)
    assert is_machine_ours(real)
    assert not is_machine_ours(Config())
    monkeypatch.setattr(reboot, "_SYSTEMD", tmp_path / "not there")
    assert not is_machine_ours(real)
    monkeypatch.setattr(reboot, "_SYSTEMD", tmp_path)
    monkeypatch.setattr(reboot.os, "getppid", lambda: 4711)
    assert not is_machine_ours(real)
