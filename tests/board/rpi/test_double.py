"""The double takes the same parameters as picamera2 0.3.38."""

from __future__ import annotations

import inspect
from pathlib import Path

import pytest

from tests.board.rpi import picamera2_double

LINES = [
    line
    for line in Path(__file__).with_name("picamera2_api.txt").read_text(encoding="utf-8").splitlines()
    if not line.startswith("#")
]
OURS_BEFORE = {"Picamera2.__init__": "machine camera_num", "Picamera2.camera_controls": "", "MappedArray.array": ""}


@pytest.mark.parametrize("line", LINES)
def test_parameters_are_named_as_in_picamera2(line: str) -> None:
    name, _, parameters = line.rstrip(")").partition("(")
    owner, _, member = name.partition(".")
    found = getattr(getattr(picamera2_double, owner), member)
    if isinstance(found, property):
        assert parameters == ""
        return
    ours = " ".join(one for one in inspect.signature(found).parameters if one != "self")
    assert ours == OURS_BEFORE.get(name, parameters)
