"""What the board's profile knows reaches the receiver that the configuration makes."""

from __future__ import annotations

import pytest

from board.edid.build import build
from board.edid.presets import preset
from edge.app import capture
from edge.app.board_profile import Profiles
from edge.config.source import V4l2Config
from tests.board.kit import HandClock
from tests.board.v4l2.drivers.modes import HD1080P50
from tests.board.v4l2.drivers.unicam import UnicamTc358743


@pytest.mark.parametrize(("board", "wanted"), [("cm4-2lane", "2-lane"), ("cm4-4lane", "4-lane"), ("generic", "2-lane")])
def test_receiver_is_given_the_edid_that_suits_the_lanes_of_the_board(
    board: str, wanted: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = HandClock()
    driver = UnicamTc358743(clock=clock)
    driver.plug(HD1080P50)
    monkeypatch.setattr(capture, "LinuxKernel", lambda: driver.kernel)
    facts = Profiles.load(None).profiles[board].capture
    source = capture.make_capture(V4l2Config(), clock=clock, facts=facts)
    source.open()
    source.close()
    assert driver.bridge.edid == build(preset(wanted))
