"""Takes a USB device away from its driver and brings it back, as if it were plugged in anew."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

_OFF_S = 0.5


class UsbRebind:
    """Through the `authorized` file of the device in sysfs (Documentation/usb/authorization.rst of Linux)."""

    def __init__(self, *, sysfs: Path = Path("/sys"), sleep: Callable[[float], None] = time.sleep) -> None:
        self._sysfs = sysfs
        self._sleep = sleep

    def __call__(self, path: str) -> bool:
        """Whether the device of that node is on USB and could be taken away and brought back."""
        switch = self._switch(path)
        if switch is None:
            return False
        try:
            switch.write_text("0")
            self._sleep(_OFF_S)
            switch.write_text("1")
        except OSError:
            return False
        return True

    def _switch(self, path: str) -> Path | None:
        """The nearest USB device above the node's own device (an interface has no such file)."""
        device = (self._sysfs / "class/video4linux" / Path(path).name / "device").resolve()
        for folder in (device, *device.parents):
            if (folder / "authorized").is_file() and (folder / "idVendor").is_file():
                return folder / "authorized"
            if folder == self._sysfs:
                break
        return None
