"""A driver may put the physical address in, and nothing else."""

from __future__ import annotations

from dataclasses import replace

from board.edid.agreement import agrees
from board.edid.build import build
from board.edid.presets import preset


def test_an_edid_agrees_with_itself() -> None:
    assert agrees(build(preset("2-lane")), build(preset("2-lane")))
    assert agrees(b"no EDID", b"no EDID")


def test_another_physical_address_makes_no_other_edid() -> None:
    known = preset("2-lane")
    moved = bytearray(build(known))
    at = moved.index(b"\x03\x0c\x00") + 3  # HDMI's vendor block: its OUI, then the address
    moved[at] ^= 0x30
    moved[255] = -sum(moved[128:255]) % 256
    assert agrees(bytes(moved), build(known))


def test_anything_else_does() -> None:
    known = preset("2-lane")
    assert not agrees(build(replace(known, name="Another")), build(known))
    assert not agrees(build(preset("4-lane")), build(known))
    assert not agrees(build(known)[:128], build(known))
    assert not agrees(bytes(256), build(known))
