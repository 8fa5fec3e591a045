"""The whole box, told by a controller how it shall be, given new keys, and rebooted."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest

from edge.controller.home import Home
from edge.link.envelope import write_envelope
from edge.link.topics import DESIRED_TYPE
from tests.running_box import ROOT, RunningBox

pytestmark = pytest.mark.peer


@pytest.fixture(scope="module")
def box() -> Iterator[RunningBox]:
    light = ("source.sim.width=640", "source.sim.height=360", "source.sim.fps=30")
    with TemporaryDirectory(prefix="box-", dir="/tmp") as folder, RunningBox(Path(folder), *light) as box:
        box.wait_live()
        box.wait_until(lambda: box.status()["link"]["state"] == "online", what="the link")
        yield box


def publish(box: RunningBox, rev: int, **sections: Any) -> None:
    key, name = Home(box.controller_home).key(), box.status()["box"]["id"]
    payload = json.dumps({"v": 1, "box": name, "rev": rev, **sections}).encode()
    envelope = write_envelope(payload, kid=key.kid, sign=key.sign, payload_type=DESIRED_TYPE)
    argv = ["mosquitto_pub", "-p", str(box.ports.mqtt), "-q", "1", "-r", "-t", f"eb/1/{name}/desired", "-s"]
    subprocess.run(argv, input=envelope, check=True, timeout=20)


def send(box: RunningBox, op: str, *words: str) -> subprocess.CompletedProcess[str]:
    argv = [sys.executable, "-m", "edge.controller.cli", "--home", str(box.controller_home), "send", op, *words]
    return subprocess.run(argv, cwd=ROOT, capture_output=True, text=True, timeout=60)


def status_of(box: RunningBox, code: str) -> list[Any]:
    return [issue for issue in box.status()["issues"] if issue["code"] == code]


def test_a_document_makes_the_box_as_it_says_and_status_tells_of_it(box: RunningBox) -> None:
    bitrates = {"main": {"bitrate": 2_000_000}}
    publish(box, 1, sinks={"srt": {"running": False}}, rungs=bitrates, log_level="DEBUG")
    box.wait_until(lambda: box.status()["desired"]["applied_rev"] == 1, what="revision 1")
    box.wait_until(lambda: box.sink("srt")["state"] == "stopped", what="srt stopped")
    box.wait_until(
        lambda: box.status()["encoder"]["rungs"][0]["wished_bps"] == 2_000_000, what="the bit rate of the document"
    )
    for process in ("media", "rtc", "control"):
        line = f"edge-{process} DEBUG edge.runtime.log: from now on DEBUG"
        box.wait_until(lambda said=line: said in box.log, what=line)  # type: ignore[misc]
    assert send(box, "stream.start", "sink=srt").returncode == 0
    box.wait_until(lambda: box.status()["desired"]["drift"] == ["/sinks/srt"], what="the drift")
    assert status_of(box, "desired_rejected") == []


def test_a_flawed_document_is_an_issue_until_a_good_one_comes(box: RunningBox) -> None:
    publish(box, 2, preset="no-such")
    box.wait_until(lambda: bool(status_of(box, "desired_rejected")), what="the issue")
    assert "/preset: no preset 'no-such'" in status_of(box, "desired_rejected")[0]["detail"]
    publish(box, 3)
    box.wait_until(lambda: not status_of(box, "desired_rejected"), what="the end of the issue")
    box.wait_until(lambda: box.sink("srt")["running"], what="srt as configured")


def test_the_test_pattern_stands_in_for_the_picture_and_says_so(box: RunningBox) -> None:
    assert box.command("test.pattern", on=True)[0] == 200
    box.wait_until(lambda: bool(status_of(box, "test_pattern")), what="the issue")
    box.wait_live()
    assert box.status()["source"]["chosen"] == "test-pattern"
    assert box.command("test.pattern", on=False)[0] == 200
    box.wait_until(lambda: box.status()["source"]["chosen"] == "sim", what="the source")
    box.wait_until(lambda: not status_of(box, "test_pattern"), what="the end of the issue")
    box.wait_live()


def test_keys_need_a_signature_and_leave_the_box_commandable(box: RunningBox) -> None:
    known = json.loads((box.folder / "state" / "controllers.json").read_text())["keys"]
    status, problem = box.command("keys.set", keys=known)
    assert (status // 100, problem["code"]) == (4, "signature_needed")
    refused = send(box, "keys.set", "keys=[]")
    assert (refused.returncode, "no_key_left" in refused.stderr) == (1, True)
    done = send(box, "keys.set", f"keys={json.dumps(known)}")
    assert done.returncode == 0, done.stderr


def test_a_reboot_restarts_the_processes_once_and_all_comes_back(box: RunningBox) -> None:
    before = dict(box.pids)
    done = send(box, "system.reboot")
    assert done.returncode == 0, done.stderr
    assert '"restarts": "processes"' in done.stdout
    names = ("media", "rtc", "control")
    box.wait_until(
        lambda: set(before) <= set(box.pids) and all(box.pids[name] != before[name] for name in names),
        what="new processes",
    )
    box.wait_live()
    box.wait_until(lambda: box.status()["link"]["state"] == "online", what="the link")
    after = dict(box.pids)
    assert box.status()["desired"]["applied_rev"] == 3
    assert send(box, "report.get").returncode == 0
    assert dict(box.pids) == after  # the command that came before the restart is not run again
