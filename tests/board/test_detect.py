"""Each captured tree is taken for its board, with the reason; what nobody knows is generic."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from board.detect import choose, fitted
from board.identity import Bridge, Display, Identity, read_identity
from edge.app.board_profile import Profiles
from edge.model.board import BoardMatch, BoardProfile, CaptureFact, EncoderFact, EncoderKind

TREES = Path(__file__).parent / "trees"
SOFTWARE = (EncoderFact("x264", EncoderKind.AV, library="libx264"),)
GENERIC = BoardProfile("generic", "Unknown", SOFTWARE)

BOARDS = {
    "pi4": "pi4",
    "pi4-slow-lanes": "pi4",
    "cm4": "cm4-2lane",
    "cm4-2lane": "cm4-2lane",
    "cm4-4lane": "cm4-4lane",
    "pi5": "pi5",
    "pi5-2lane": "pi5",
    "cm5": "pi5",
    "zero2w": "zero2w",
    "orin-nano": "orin-nano",
    "orin-nano-8gb": "orin-nano",
    "orin-nano-super": "orin-nano",
    "orin-nx": "orin-nx",
    "agx-orin": "agx-orin",
    "xavier-nx": "xavier-nx",
    "x86-intel": "x86-intel",
    "x86-amd": "x86-amd",
    "x86-nvidia": "x86-nvidia",
    "x86-nouveau": "x86-intel",
    "rock-5b": "generic",
    "virtual": "generic",
}


@pytest.fixture(scope="module")
def shipped() -> Mapping[str, BoardProfile]:
    return Profiles.load(None).profiles


def board(id: str, match: BoardMatch | None, *, own: bool = False) -> BoardProfile:
    return BoardProfile(id, id.upper(), SOFTWARE, match, own=own)


def chosen(identity: Identity, *profiles: BoardProfile) -> str:
    return choose(identity, (*profiles, GENERIC)).profile.id


def test_every_tree_has_its_board_here() -> None:
    assert {path.name for path in TREES.iterdir() if path.is_dir()} == set(BOARDS)


@pytest.mark.parametrize(("tree", "id"), BOARDS.items(), ids=BOARDS)
def test_tree_is_taken_for_its_board(tree: str, id: str, shipped: Mapping[str, BoardProfile]) -> None:
    found = choose(read_identity(TREES / tree), tuple(shipped.values()))
    assert (found.profile.id, bool(found.why)) == (id, True)


def test_every_board_that_can_be_found_has_a_tree(shipped: Mapping[str, BoardProfile]) -> None:
    assert {one.id for one in shipped.values() if one.match is not None} <= set(BOARDS.values())


@pytest.mark.parametrize(
    ("tree", "why"),
    [
        ("pi4", "the device tree says raspberrypi,4-model-b"),
        (
            "cm4-4lane",
            "the device tree says raspberrypi,4-compute-module and its bridge chip has 4 lanes there",
        ),
        ("x86-nvidia", "it has a display device of 0x10de and the kernel's driver for it is nvidia"),
        ("rock-5b", "no profile fits a machine that has the device tree radxa,rock-5b, rockchip,rk3588"),
    ],
)
def test_the_reason_names_what_was_read(tree: str, why: str, shipped: Mapping[str, BoardProfile]) -> None:
    assert choose(read_identity(TREES / tree), tuple(shipped.values())).why == why


def test_an_unknown_pc_is_described_by_its_makers_names_and_its_graphics(shipped: Mapping[str, BoardProfile]) -> None:
    why = choose(read_identity(TREES / "virtual"), tuple(shipped.values())).why
    assert why.startswith("no profile fits a machine that has no device tree, DMI QEMU, Standard PC (Q35 + ICH9, 2009)")
    assert why.endswith("display devices: 0x1234 (bochs-drm)")


def test_lanes_that_cannot_be_counted_are_taken_as_few_with_a_note(shipped: Mapping[str, BoardProfile]) -> None:
    found = choose(read_identity(TREES / "cm4"), tuple(shipped.values()))
    (note,) = found.notes
    assert note.startswith("the device tree does not say how many lanes a bridge chip has: the fewest are assumed; ")
    assert note.endswith("board.profile overrules that")
    counted = choose(read_identity(TREES / "cm4-2lane"), tuple(shipped.values()))
    assert counted.notes == ()


def test_the_live_tree_cuts_the_lanes_of_the_board(shipped: Mapping[str, BoardProfile]) -> None:
    found = choose(read_identity(TREES / "pi5-2lane"), tuple(shipped.values()))
    assert found.profile.capture[0].lanes == 2
    assert found.notes == ("the device tree gives the tc358743 2 lanes, this board has 4",)
    assert shipped["pi5"].capture[0].lanes == 4


def test_the_live_tree_slows_the_lanes_of_the_board(shipped: Mapping[str, BoardProfile]) -> None:
    found = choose(read_identity(TREES / "pi4-slow-lanes"), tuple(shipped.values()))
    assert found.profile.capture[0].lane_mbps == 594
    assert found.notes == ("the device tree sets the lanes of the tc358743 to 594 Mbit/s",)


def test_a_tree_with_more_lanes_than_the_board_adds_none() -> None:
    fact = CaptureFact("unicam", "tc358743", lanes=2)
    four = Identity(bridges=(Bridge("tc358743", lanes=4, lane_mbps=972),))
    found = fitted(replace(GENERIC, capture=(fact,)), four, why="so")
    assert found.profile.capture == (fact,)
    assert found.notes == ("the device tree gives the tc358743 4 lanes, this board has 2",)


def test_of_two_bridges_the_slower_counts() -> None:
    both = Identity(bridges=(Bridge("tc358743", 4, 972), Bridge("tc358743", 1, 972), Bridge("lt6911", 1, 594)))
    found = fitted(replace(GENERIC, capture=(CaptureFact("unicam", "tc358743", lanes=4),)), both, why="so")
    assert (found.profile.capture[0].lanes, found.profile.capture[0].lane_mbps) == (1, 972)


def test_the_more_particular_name_of_the_device_tree_decides() -> None:
    identity = Identity(compatible=("maker,carrier", "maker,module", "maker,soc"))
    soc, module = board("a", BoardMatch(("maker,soc",))), board("b", BoardMatch(("maker,mod*",)))
    assert chosen(identity, soc, module) == chosen(identity, module, soc) == "b"


def test_of_equals_the_one_with_more_conditions_then_ones_own_decides() -> None:
    pc = Identity(sys_vendor="Maker", product_name="Box 7", displays=(Display("0x8086", "i915"),))
    one = board("a", BoardMatch(sys_vendor="Maker"))
    two = board("b", BoardMatch(sys_vendor="Maker", product_name="Box*"))
    assert chosen(pc, one, two) == "b"
    assert chosen(pc, one, board("z", BoardMatch(sys_vendor="Ma*"), own=True)) == "z"


def test_the_maker_of_a_pc_goes_before_its_graphics() -> None:
    pc = Identity(sys_vendor="Maker", displays=(Display("0x10de", "nvidia"),))
    graphics = board("a", BoardMatch(pci_vendor="0x10de", pci_driver="nvidia"))
    assert chosen(pc, graphics, board("b", BoardMatch(sys_vendor="Maker"))) == "b"


def test_all_that_a_match_names_must_fit() -> None:
    pc = Identity(sys_vendor="Maker", board_name="X1")
    assert chosen(pc, board("a", BoardMatch(sys_vendor="Maker", board_name="X2"))) == "generic"
    assert chosen(pc, board("a", BoardMatch(sys_vendor="Maker", board_name="X1"))) == "a"


def test_vendor_and_driver_must_be_of_one_device() -> None:
    match = BoardMatch(pci_vendor="0x10de", pci_driver="nvidia")
    mixed = Identity(displays=(Display("0x10de", "nouveau"), Display("0x8086", "nvidia")))
    assert chosen(mixed, board("a", match)) == "generic"


def test_graphics_do_not_name_a_machine_with_a_device_tree() -> None:
    arm = Identity(compatible=("maker,arm",), displays=(Display("0x1002", "amdgpu"),))
    assert chosen(arm, board("a", BoardMatch(pci_vendor="0x1002"))) == "generic"


def test_a_profile_without_match_is_never_found() -> None:
    assert chosen(Identity(compatible=("any,thing",)), board("a", None)) == "generic"
