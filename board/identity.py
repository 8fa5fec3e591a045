"""What a machine says of itself below its root: device tree, DMI, display devices, bridge chips."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_TREES = ("sys/firmware/devicetree/base", "proc/device-tree")  # the second is a link to the first, absolute
_DMI = "sys/class/dmi/id"
_PCI = "sys/bus/pci/devices"
_DISPLAY_CLASS = "0x03"  # PCI's base class of display controllers
_BRIDGE = re.compile(r"(?P<chip>tc358743|tc358840|lt6911uxc|lt6911uxe|lt6911c?)@[0-9a-f,]+")
_LONGEST_FILE = 65_536
_DEEPEST = 12  # Pi 5 has the bridge six levels down
_CELL, _CELL64 = 4, 8  # bytes of the device tree's numbers, big-endian
_LANES, _LANE_MBPS = range(1, 5), range(300, 4501)  # what CSI-2 has; anything else is damaged


@dataclass(frozen=True, slots=True)
class Display:
    """A display device on PCI: its vendor as `0x8086`, and the kernel driver that has it, if any."""

    vendor: str
    driver: str = ""


@dataclass(frozen=True, slots=True)
class Bridge:
    """A bridge chip in the live device tree, its CSI-2 lanes and their rate; None where it does not say."""

    chip: str
    lanes: int | None = None
    lane_mbps: int | None = None


@dataclass(frozen=True, slots=True)
class Identity:
    """All that could be read; `compatible` goes from the most particular name to the most general."""

    compatible: tuple[str, ...] = ()
    model: str = ""
    sys_vendor: str = ""
    product_name: str = ""
    board_name: str = ""
    displays: tuple[Display, ...] = ()
    bridges: tuple[Bridge, ...] = ()


def read_identity(root: Path = Path("/")) -> Identity:
    """Blocking; opens no device. Raises nothing: what is missing or damaged is taken as not said."""
    tree = next((root / path for path in _TREES if (root / path / "compatible").is_file()), root / _TREES[0])
    dmi = root / _DMI
    return Identity(
        compatible=_strings(_content(tree / "compatible")),
        model=" ".join(_strings(_content(tree / "model"))),
        sys_vendor=_line(dmi / "sys_vendor"),
        product_name=_line(dmi / "product_name"),
        board_name=_line(dmi / "board_name"),
        displays=tuple(_displays(root / _PCI)),
        bridges=tuple(_bridges(tree)),
    )


def _content(path: Path) -> bytes:
    """Empty where it cannot be read; never more than a file of this kind has."""
    try:
        with path.open("rb") as file:
            return file.read(_LONGEST_FILE)
    except (OSError, ValueError):
        return b""


def _strings(content: bytes) -> tuple[str, ...]:
    """The device tree's list of texts, each ended by NUL; what is not printable ASCII is left out."""
    return tuple(text for part in content.split(b"\0") if (text := _printable(part.strip())))


def _line(path: Path) -> str:
    return _printable(_content(path).strip())


def _printable(raw: bytes) -> str:
    text = raw.decode("ascii", errors="replace")
    return text if text.isascii() and text.isprintable() else ""


def _displays(devices: Path) -> Iterator[Display]:
    for device in _children(devices):
        vendor = _line(device / "vendor")
        if vendor and _line(device / "class").startswith(_DISPLAY_CLASS):
            yield Display(vendor, _driver(device))


def _driver(device: Path) -> str:
    try:
        return os.path.basename(os.readlink(device / "driver"))
    except OSError:
        return ""


def _bridges(tree: Path) -> Iterator[Bridge]:
    """The tree itself may be a symbolic link, inside there are none."""
    base = os.path.realpath(tree)
    for folder, names, _ in os.walk(base):
        if folder.count(os.sep) - base.count(os.sep) >= _DEEPEST:
            names.clear()
        names.sort()
        for found in filter(None, map(_BRIDGE.fullmatch, names)):
            node = Path(folder, found[0])
            if _strings(_content(node / "status"))[:1] in ((), ("okay",), ("ok",)):
                yield _bridge(found["chip"], node)


def _bridge(chip: str, node: Path) -> Bridge:
    for folder, _, files in os.walk(node):
        if "data-lanes" in files:
            end = Path(folder)
            lanes = len(_content(end / "data-lanes")) // _CELL
            # a lane carries two bits in each turn of its clock
            link_hz = int.from_bytes(_content(end / "link-frequencies")[:_CELL64], "big")
            lane_mbps = 2 * link_hz // 1_000_000
            return Bridge(chip, lanes if lanes in _LANES else None, lane_mbps if lane_mbps in _LANE_MBPS else None)
    return Bridge(chip)


def _children(folder: Path) -> list[Path]:
    try:
        return sorted(folder.iterdir())
    except OSError:
        return []
