"""Whether a receiver's memory holds what was written into it."""

from __future__ import annotations

from dataclasses import replace

from board.edid.parse import parse
from edge.model.errors import Invalid


def agrees(there: bytes, wanted: bytes) -> bool:
    """Equal but for the CEC physical address, which some drivers put in by themselves (v4l2_set_edid_phys_addr)."""
    if there == wanted:
        return True
    if len(there) != len(wanted):
        return False
    try:
        one, other = parse(there), parse(wanted)
    except Invalid:
        return False
    return replace(one, physical_address=None) == replace(other, physical_address=None)
