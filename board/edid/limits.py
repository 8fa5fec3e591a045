"""Fits a description to a board, and locks it to one mode."""

from __future__ import annotations

from dataclasses import dataclass, replace

from board.edid.description import Description
from board.edid.dtd import UNFIT, fits_dtd
from board.edid.modes import SAFE_MODE, Mode, mode
from board.edid.receiver import Receiver
from edge.model.errors import NotSupported


@dataclass(frozen=True, slots=True)
class Dropped:
    """A mode that the board cannot carry. `reason` goes on after its name."""

    mode: Mode
    reason: str

    def __str__(self) -> str:
        return f"{self.mode.name} {self.reason}"


@dataclass(frozen=True, slots=True)
class Limited:
    description: Description
    dropped: tuple[Dropped, ...]


def limit(description: Description, receiver: Receiver) -> Limited:
    """Leaves the modes that the receiver carries; the first that can takes the place of a dropped preferred one.

    Raises NotSupported when it carries not even 640x480p60.
    """
    safe = mode(SAFE_MODE)
    if refusal := receiver.refusal(safe.timing):
        raise NotSupported(f"the board carries not even the obligatory {safe.name}: it {refusal}")
    kept: list[Mode] = []
    dropped: list[Dropped] = []
    for each in description.offered:
        refusal = receiver.refusal(each.timing)
        if refusal:
            dropped.append(Dropped(each, refusal))
        else:
            kept.append(each)
    preferred = next(each for each in kept if fits_dtd(each.timing))
    fitted = replace(description, preferred=preferred, modes=tuple(kept), receiver=receiver)
    return Limited(fitted, tuple(dropped))


def lock(description: Description, wanted: Mode) -> Description:
    """Offers that mode, known to the description before or not, and beside it only the obligatory 640x480p60.

    Raises NotSupported when the receiver cannot carry it, or no EDID can prefer it.
    """
    refusal = description.receiver.refusal(wanted.timing)
    if refusal:
        raise NotSupported(f"cannot lock to {wanted.name}: it {refusal}")
    if not fits_dtd(wanted.timing):
        raise NotSupported(f"cannot lock to {wanted.name}: it {UNFIT}, which a preferred mode needs")
    return replace(description, preferred=wanted, modes=(), limits=None)
