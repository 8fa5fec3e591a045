"""A box with two inputs: whatever befalls one, the other's picture goes on."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.running_box import RunningBox, free_port

_SETS = (
    "source.sim.width=640",
    "source.sim.height=480",
    "source.sim.fps=25",
    "second.enabled=true",
    "second.source.sim.width=320",
    "second.source.sim.height=240",
    "second.source.sim.fps=25",
)
_PROCESS = {"main": "media", "second": "media-second"}
_OTHER = {"main": "second", "second": "main"}
_MEASURE_S = 6


@dataclass(frozen=True, slots=True)
class TwoInputs:
    box: RunningBox
    srt_urls: Mapping[str, str]

    def rung(self, name: str) -> Any:
        return self.box.input(name)["encoder"]["rungs"][0]


@pytest.fixture(scope="module")
def module_two() -> Iterator[TwoInputs]:
    """Each input has an SRT listener; the second's came by command."""
    with (
        tempfile.TemporaryDirectory(prefix="box-", dir="/tmp") as folder,
        RunningBox(Path(folder), *_SETS) as box,
    ):
        box.wait_live()
        url = f"srt://127.0.0.1:{free_port(socket.SOCK_DGRAM)}"
        code, answer = box.command("sink.set", sink="other", url=f"{url}?mode=listener", rung="second")
        assert code == 200, answer
        yield TwoInputs(box, {"main": box.srt_url, "second": url})


@pytest.fixture
def two(module_two: TwoInputs) -> TwoInputs:
    """With both pictures live and both outputs listening."""
    module_two.box.wait_live()
    for sink in ("srt", "other"):
        module_two.box.wait_until(
            lambda sink=sink: module_two.box.sink(sink)["state"] == "idle", what=f"{sink} listens"
        )  # type: ignore[misc]
    return module_two


class Receiver:
    """`edge latency` on an SRT address: it counts what is missing."""

    def __init__(self, url: str) -> None:
        argv = [sys.executable, "-m", "edge", "latency", url, "--sei", "--json", "--seconds", str(_MEASURE_S)]
        self._process = subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def report(self) -> Any:
        out, err = self._process.communicate(timeout=60)
        assert self._process.returncode == 0, err
        return json.loads(out)


def test_each_input_has_a_process_of_its_own(two: TwoInputs) -> None:
    assert set(two.box.pids) == {"media", "media-second", "rtc", "control", "broker"}
    assert set(two.box.status()["health"]["processes"]) == {"media", "media-second", "rtc", "control"}


def test_status_lists_both_and_keeps_the_first_in_its_place(two: TwoInputs) -> None:
    status = two.box.status()
    main, second = status["inputs"]
    assert (main["name"], second["name"]) == ("main", "second")
    assert status["signal"]["format"]["width"] == main["signal"]["format"]["width"] == 640
    assert second["signal"]["format"]["width"] == 320
    assert [rung["name"] for entry in (main, second) for rung in entry["encoder"]["rungs"]] == [
        *("main", "archive", "view"),
        "second",
    ]
    assert {sink["name"]: sink["rung"] for sink in status["sinks"]} == {
        "webrtc": "main",
        "srt": "main",
        "other": "second",
    }


@pytest.mark.parametrize("killed", ["main", "second"])
def test_killed_media_process_costs_the_other_input_nothing(two: TwoInputs, killed: str) -> None:
    other, box = _OTHER[killed], two.box
    before = two.rung(other)
    pids = dict(box.pids)
    receiver = Receiver(two.srt_urls[other])
    sink = {"main": "srt", "second": "other"}[other]
    box.wait_until(lambda: box.sink(sink)["state"] == "live", what="a receiver is there")
    box.kill(_PROCESS[killed])
    box.wait_until(
        lambda: box.pids.get(_PROCESS[killed], pids[_PROCESS[killed]]) != pids[_PROCESS[killed]], what="back"
    )
    report = receiver.report()
    assert report["pictures"] > 3 * 25
    assert (report["missing"], report["gaps"], report["restarts"], report["not_live"]) == (0, 0, 0, 0)
    box.wait_live()
    assert box.pids[_PROCESS[other]] == pids[_PROCESS[other]]
    assert two.rung(other)["sessions"] == before["sessions"], "its encoder was not made anew"
    assert box.input(other)["signal"]["lock_changes"] == 1


@pytest.mark.parametrize("dark", ["main", "second"])
def test_fault_of_one_input_leaves_the_other_live(two: TwoInputs, dark: str) -> None:
    other, box = _OTHER[dark], two.box
    box.fault("no_cable", input=dark)
    box.wait_until(lambda: box.input(dark)["signal"]["state"] == "no_cable", what="the fault is seen")
    status = box.status()
    assert box.input(other)["picture"]["live"] is True
    assert [issue["subject"] for issue in status["issues"] if issue["code"] == "signal_no_cable"] == [
        "" if dark == "main" else "second"
    ]
    assert status["picture"]["live"] is (dark == "second")
    with pytest.raises(urllib.error.HTTPError) as refused:
        _snapshot(two, dark)
    assert json.load(refused.value)["code"] == "no_live_picture"
    assert _snapshot(two, other).startswith(b"\xff\xd8")
    box.fault("clear", input=dark)
    box.wait_live()


def test_bitrate_of_one_rung_leaves_the_other(two: TwoInputs) -> None:
    before = two.rung("main")["target_bps"]
    code, answer = two.box.command("encoder.set", rung="second", bitrate=400_000)
    assert code == 200, answer
    two.box.wait_until(lambda: two.rung("second")["target_bps"] == 400_000, what="the second's bitrate is set")
    assert two.rung("main")["target_bps"] == before


def test_output_can_be_moved_to_the_other_input_and_back(two: TwoInputs) -> None:
    url = f"srt://127.0.0.1:{free_port(socket.SOCK_DGRAM)}?mode=listener"
    for rung in ("main", "second", "main"):
        assert two.box.command("sink.set", sink="moved", url=url, rung=rung)[0] == 200
        two.box.wait_until(
            lambda rung=rung: [two.box.sink("moved")[key] for key in ("rung", "state")] == [rung, "idle"],  # type: ignore[misc]
            what=f"the output listens for {rung}",
        )
    assert two.box.command("sink.remove", sink="moved")[0] == 200


def test_process_that_hangs_keeps_no_wish_from_the_other(two: TwoInputs) -> None:
    hung = two.box.pids["media-second"]
    os.kill(hung, signal.SIGSTOP)
    try:
        assert two.box.command("encoder.set", rung="main", bitrate=900_000)[0] == 200
        two.box.wait_until(lambda: two.rung("main")["target_bps"] == 900_000, what="main obeys", patience_s=5)
        assert two.box.command("encoder.set", rung="main", bitrate=800_000)[0] == 200
        two.box.wait_until(lambda: two.rung("main")["target_bps"] == 800_000, what="main obeys again", patience_s=5)
        two.box.wait_until(lambda: two.box.input("second")["picture"]["live"] is False, what="the hung one is not live")
        assert two.box.status()["picture"]["live"] is True
    finally:
        os.kill(hung, signal.SIGCONT)
    two.box.wait_live()


def test_snapshot_is_of_the_input_that_was_asked_for(two: TwoInputs) -> None:
    code, answer = two.box.command("snapshot.take", id="of-second", input="second")
    assert code == 200, answer
    assert (answer["payload"]["input"], answer["payload"]["width"]) == ("second", 320)


@pytest.mark.parametrize(
    ("op", "args", "code"),
    [
        ("sink.set", {"sink": "x", "url": "srt://127.0.0.1:9", "rung": "third"}, "unknown_rung"),
        ("encoder.set", {"rung": "third", "bitrate": 500_000}, "unknown_rung"),
        ("snapshot.take", {"id": "x", "input": "third"}, "unknown_input"),
        ("sim.fault", {"fault": "clear", "input": "third"}, "unknown_input"),
    ],
)
def test_input_that_there_is_not_is_refused_by_name(
    two: TwoInputs, op: str, args: dict[str, object], code: str
) -> None:
    status, answer = two.box.command(op, **args)
    assert (status, answer["code"]) == (404, code)
    assert "second" in answer["detail"]


def _snapshot(two: TwoInputs, name: str) -> bytes:
    with urllib.request.urlopen(f"{two.box.url}/api/v1/snapshot.jpg?input={name}", timeout=10) as response:
        return bytes(response.read())
