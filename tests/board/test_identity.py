"""What a machine says is read from captured trees, and hostile ones say nothing."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from board.identity import Bridge, Display, Identity, read_identity

TREES = Path(__file__).parent / "trees"


def tree(root: Path, files: dict[str, bytes]) -> Path:
    for name, content in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return root


def test_a_pi_is_its_device_tree_and_its_bridge() -> None:
    assert read_identity(TREES / "pi4") == Identity(
        compatible=("raspberrypi,4-model-b", "brcm,bcm2711"),
        model="Raspberry Pi 4 Model B Rev 1.5",
        bridges=(Bridge("tc358743", lanes=2, lane_mbps=972),),
    )


def test_a_bridge_deep_in_the_tree_is_found() -> None:
    assert read_identity(TREES / "pi5").bridges == (Bridge("tc358743", lanes=4, lane_mbps=972),)


def test_a_tree_without_proc_is_read_from_sys() -> None:
    assert read_identity(TREES / "xavier-nx").compatible == ("nvidia,p3509-0000+p3668-0000", "nvidia,tegra194")


def test_a_pc_is_its_dmi_and_its_display_devices_alone() -> None:
    identity = read_identity(TREES / "x86-nvidia")
    assert (identity.sys_vendor, identity.product_name, identity.board_name) == (
        "Supermicro",
        "Super Server",
        "X12SCZ-F",
    )
    assert identity.displays == (Display("0x8086", "i915"), Display("0x10de", "nvidia"))


def test_a_display_device_may_have_no_driver(tmp_path: Path) -> None:
    device = "sys/bus/pci/devices/0000:00:02.0"
    root = tree(tmp_path, {f"{device}/class": b"0x030000\n", f"{device}/vendor": b"0x8086\n"})
    assert read_identity(root).displays == (Display("0x8086"),)


def test_a_disabled_bridge_is_not_there(tmp_path: Path) -> None:
    node = "proc/device-tree/soc/i2c/tc358743@f"
    root = tree(
        tmp_path,
        {
            "proc/device-tree/compatible": b"x,y\0",
            f"{node}/status": b"disabled\0",
            f"{node}/port/endpoint/data-lanes": bytes(8),
        },
    )
    assert read_identity(root).bridges == ()


@pytest.mark.parametrize(
    ("lanes", "frequency", "bridge"),
    [
        (b"", b"", Bridge("tc358743")),
        (bytes(4), b"\0\0", Bridge("tc358743", lanes=1)),
        (bytes(4096), (486_000_000).to_bytes(8, "big"), Bridge("tc358743", lane_mbps=972)),
        (bytes(8), b"\xff" * 8, Bridge("tc358743", lanes=2)),
        (bytes(8), (297_000_000).to_bytes(8, "big") * 2, Bridge("tc358743", lanes=2, lane_mbps=594)),
    ],
)
def test_a_damaged_link_of_a_bridge_is_not_said(tmp_path: Path, lanes: bytes, frequency: bytes, bridge: Bridge) -> None:
    end = "proc/device-tree/tc358743@0f/port/endpoint"
    root = tree(
        tmp_path,
        {
            "proc/device-tree/compatible": b"x,y\0",
            f"{end}/data-lanes": lanes,
            f"{end}/link-frequencies": frequency,
        },
    )
    assert read_identity(root).bridges == (bridge,)


HOSTILE: dict[str, dict[str, bytes]] = {
    "nothing": {},
    "empty files": {"proc/device-tree/compatible": b"", "sys/class/dmi/id/sys_vendor": b""},
    "NULs only": {"proc/device-tree/compatible": b"\0\0\0"},
    "binary": {"proc/device-tree/compatible": bytes(range(128, 256)), "sys/class/dmi/id/board_name": b"\xff\xfe\n"},
    "control characters": {"proc/device-tree/compatible": b"\x1b[31mred\0", "proc/device-tree/model": b"a\nb\0"},
    "files for folders": {"proc/device-tree": b"x", "sys/bus/pci": b"x", "sys/class/dmi": b"x"},
    "a folder for a file": {"proc/device-tree/compatible/x": b"x", "sys/class/dmi/id/sys_vendor/x": b"x"},
    "PCI junk": {"sys/bus/pci/devices/a/class": b"\xff", "sys/bus/pci/devices/b/vendor": b"0x8086"},
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_a_hostile_tree_says_nothing(kind: str, tmp_path: Path) -> None:
    assert read_identity(tree(tmp_path, HOSTILE[kind])) == Identity()


def test_a_list_without_nul_is_one_name(tmp_path: Path) -> None:
    root = tree(tmp_path, {"proc/device-tree/compatible": b"raspberrypi,4-model-b"})
    assert read_identity(root).compatible == ("raspberrypi,4-model-b",)


def test_an_endless_file_is_not_read_to_its_end(tmp_path: Path) -> None:
    node = tmp_path / "proc/device-tree"
    node.mkdir(parents=True)
    (node / "compatible").write_bytes(b"x,y\0" * 100_000)
    assert len(read_identity(tmp_path).compatible) == 65_536 // 4


def test_what_may_not_be_read_is_taken_as_not_said(tmp_path: Path) -> None:
    root = tree(tmp_path, {"proc/device-tree/compatible": b"x,y\0"})
    os.symlink("compatible-of-nothing", root / "proc/device-tree/model")  # reads fail, for root too
    os.symlink("driver", root / "proc/device-tree/loop")
    assert read_identity(root) == Identity(compatible=("x,y",))
