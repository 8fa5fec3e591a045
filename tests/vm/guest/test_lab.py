"""The lab's own errors name what was wrong, and the modules that tests may want are there."""

from __future__ import annotations

import re

import pytest

from tests.vm import lab
from tests.vm.lab import LabError


@pytest.mark.parametrize("module", ["snd-aloop", "softdog", "uinput", "dm-flakey", "sch_netem"])
def test_module_loads_and_unloads(module: str) -> None:
    lab.load(module)
    lab.unload(module)


def test_unknown_module_is_named() -> None:
    with pytest.raises(LabError, match=r"modprobe nosuchdriver: .*not found"):
        lab.load("nosuchdriver")


def test_module_that_is_not_loaded_cannot_be_unloaded() -> None:
    with pytest.raises(LabError, match=r"rmmod vivid: .*not currently loaded"):
        lab.unload("vivid")


def test_module_in_use_says_so(hdmi: lab.Vivid, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lab, "PATIENCE_S", 0.0)
    with open(hdmi.node_path, "rb"), pytest.raises(LabError, match=r"rmmod vivid: .*in use"):
        lab.unload("vivid")


def test_node_that_is_not_there_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lab, "PATIENCE_S", 0.0)
    with pytest.raises(LabError, match="a capture node of driver 'uvcvideo' with card 'Scope': not within 0 s"):
        lab.capture_node(driver="uvcvideo", card="Scope")


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("Colour of the Sky", 1, "no control 'Colour of the Sky'; it has User Controls, "),
        ("DV Timings Signal Mode", "Blue", "'DV Timings Signal Mode' has no entry 'Blue'; it has Current DV Timings, "),
        ("DV Timings Signal Mode", 99, "'DV Timings Signal Mode' = 99: Numerical result out of range"),
        ("Brightness", "dark", "'Brightness' is not a menu"),
    ],
)
def test_bad_control_is_named(hdmi: lab.Vivid, name: str, value: int | str, words: str) -> None:
    with pytest.raises(LabError, match=re.escape(f"{hdmi.node_path}: {words}")):
        hdmi.set_control(name, value)


def test_control_reads_back_as_set(hdmi: lab.Vivid) -> None:
    hdmi.set_control("Percentage of Dropped Buffers", 40)
    assert hdmi.control("Percentage of Dropped Buffers") == 40
    hdmi.set_control("DV Timings Signal Mode", "No Lock")
    assert hdmi.control("DV Timings Signal Mode") == 2
