"""A USB device is taken away and brought back through its own switch, and nothing else is touched."""

from __future__ import annotations

from pathlib import Path

import pytest

from board.v4l2.usb import UsbRebind


@pytest.fixture
def sysfs(tmp_path: Path) -> Path:
    """A dongle at usb1/1-2 with its interface 1-2:1.0, which video0 hangs on; video1 hangs on a platform device."""
    interface = tmp_path / "devices/usb1/1-2/1-2:1.0"
    interface.mkdir(parents=True)
    for device in (tmp_path / "devices/usb1", tmp_path / "devices/usb1/1-2"):
        (device / "idVendor").write_text("534d\n")
        (device / "authorized").write_text("1\n")
    (interface / "authorized").write_text("1\n")
    platform = tmp_path / "devices/platform/vivid.0"
    platform.mkdir(parents=True)
    for name, device in (("video0", interface), ("video1", platform)):
        node = tmp_path / "class/video4linux" / name
        node.mkdir(parents=True)
        (node / "device").symlink_to(device)
    return tmp_path


def test_the_device_above_the_interface_is_switched_off_and_on(sysfs: Path) -> None:
    seen: list[str] = []
    switch = sysfs / "devices/usb1/1-2/authorized"
    rebind = UsbRebind(sysfs=sysfs, sleep=lambda seconds: seen.append(switch.read_text()))
    assert rebind("/dev/video0")
    assert seen == ["0"]
    assert switch.read_text() == "1"
    assert (sysfs / "devices/usb1/authorized").read_text() == "1\n"
    assert (sysfs / "devices/usb1/1-2/1-2:1.0/authorized").read_text() == "1\n"


@pytest.mark.parametrize("path", ["/dev/video1", "/dev/video9"])
def test_what_is_not_on_usb_is_left_alone(sysfs: Path, path: str) -> None:
    assert not UsbRebind(sysfs=sysfs, sleep=lambda seconds: None)(path)


def test_a_switch_that_refuses_is_no_error(sysfs: Path) -> None:
    switch = sysfs / "devices/usb1/1-2/authorized"

    def gone(seconds: float) -> None:
        switch.unlink()
        switch.mkdir()

    assert not UsbRebind(sysfs=sysfs, sleep=gone)("/dev/video0")
