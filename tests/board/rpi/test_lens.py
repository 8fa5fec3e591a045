"""Settings become libcamera's controls, within what this camera can do."""

from __future__ import annotations

from typing import Any

import pytest

from board.rpi.lens import CameraSettings, Focus, WhiteBalance
from edge.model.errors import Invalid, NotSupported
from tests.board.rpi.picamera2_double import LIMITS


@pytest.mark.parametrize(
    ("settings", "controls"),
    [
        (CameraSettings(), {}),
        (CameraSettings(focus=Focus.CONTINUOUS), {"AfMode": 2}),
        (CameraSettings(focus=Focus.AUTO), {"AfMode": 1, "AfTrigger": 0}),
        (CameraSettings(lens_dioptres=10), {"AfMode": 0, "LensPosition": 10.0}),
        (CameraSettings(exposure_us=5000, gain=2), {"ExposureTime": 5000, "AnalogueGain": 2.0}),
        (CameraSettings(white_balance=WhiteBalance.DAYLIGHT), {"AwbEnable": True, "AwbMode": 5}),
        (CameraSettings(colour_gains=(1.5, 2.0)), {"AwbEnable": False, "ColourGains": (1.5, 2.0)}),
    ],
)
def test_each_setting_has_its_control(settings: CameraSettings, controls: dict[str, Any]) -> None:
    assert settings.controls(LIMITS) == controls


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        (CameraSettings(lens_dioptres=20), "LensPosition 20 is outside 0 to 15"),
        (CameraSettings(lens_dioptres=float("nan")), "LensPosition nan is outside"),
        (CameraSettings(exposure_us=1), "ExposureTime 1 is outside 26 to 66666"),
        (CameraSettings(gain=0.5), "AnalogueGain 0.5 is outside 1 to 16"),
        (CameraSettings(colour_gains=(1.0, 99.0)), "ColourGains 99 is outside 0 to 32"),
        (CameraSettings(focus=Focus.AUTO, lens_dioptres=1), "lens_dioptres needs manual focus, not auto"),
        (
            CameraSettings(white_balance=WhiteBalance.AUTO, colour_gains=(1, 1)),
            "colour_gains and white_balance exclude each other",
        ),
    ],
)
def test_bad_settings_name_the_control_and_its_limits(settings: CameraSettings, words: str) -> None:
    with pytest.raises(Invalid, match=words):
        settings.controls(LIMITS)


def test_a_camera_without_a_lens_motor_says_so() -> None:
    fixed = {name: limit for name, limit in LIMITS.items() if not name.startswith(("Af", "Lens"))}
    with pytest.raises(NotSupported, match="this camera has no AfMode"):
        CameraSettings(focus=Focus.CONTINUOUS).controls(fixed)


def test_limits_may_be_missing_or_one_for_each_element() -> None:
    settings = CameraSettings(colour_gains=(1.5, 2.0))
    assert settings.controls({"AwbEnable": (None, None, None), "ColourGains": ([0.0, 0.0], [8.0, 8.0], None)})
    with pytest.raises(Invalid, match="ColourGains 9"):
        CameraSettings(colour_gains=(9, 1)).controls({**LIMITS, "ColourGains": ([0.0, 0.0], [8.0, 8.0], None)})
