"""`edge devices` and `edge edid` on devices, without any: the driver ring has them attached."""

from __future__ import annotations

import json

import pytest

from board.v4l2.inventory import Device
from board.v4l2.kernel import LinuxKernel
from edge.app import cli_devices
from edge.app.cli import main
from tests.board.kit import HandClock
from tests.board.v4l2.drivers.unicam import UnicamTc358743


@pytest.fixture
def none_attached(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(LinuxKernel, "paths", lambda self, prefix: [])


@pytest.fixture
def attached(monkeypatch: pytest.MonkeyPatch) -> UnicamTc358743:
    driver = UnicamTc358743(clock=HandClock())
    monkeypatch.setattr(cli_devices, "LinuxKernel", lambda: driver.kernel)
    return driver


@pytest.mark.usefixtures("none_attached")
def test_no_device_is_said_in_a_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["devices"]) == 0
    assert "No video device is attached" in capsys.readouterr().out


def test_a_receiver_with_an_empty_memory_is_told_what_that_means(
    attached: UnicamTc358743, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["devices", "--set", "source.kind=v4l2"]) == 0
    said = capsys.readouterr().out
    assert "Raspberry Pi CSI-2 receiver" in said
    assert "EMPTY: the source sees no screen" in said
    assert "captures this one" in said


def test_json_says_the_same_to_programs(attached: UnicamTc358743, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["devices", "--json", "--set", "source.kind=v4l2"]) == 0
    (device,) = json.loads(capsys.readouterr().out)
    assert (device["driver"], device["chosen"], device["why_not"]) == ("unicam", True, "")


def test_a_node_that_is_refused_is_named_with_the_reason(
    attached: UnicamTc358743, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cli_devices, "inventory", lambda *_: [Device("/dev/video7", None, why_not="access refused")])
    assert main(["devices"]) == 0
    assert "/dev/video7  cannot be looked at: access refused" in capsys.readouterr().out


@pytest.mark.usefixtures("none_attached")
@pytest.mark.parametrize("words", [["show"], ["set", "2-lane"], ["export"]])
def test_an_edid_without_a_device_is_an_error_in_one_line(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["edid", *words]) == 1
    assert capsys.readouterr().err == "edge: no capture device; there is none\n"
