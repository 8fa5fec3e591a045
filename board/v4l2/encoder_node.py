"""Which node is the encoder: by what it says of itself and by what it makes, never by its number."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from board.v4l2.abi.codes import BufType
from board.v4l2.card import Card, read_formats
from board.v4l2.fill import DIRECT
from board.v4l2.finder import look_around
from board.v4l2.kernel import Kernel
from board.v4l2.layout import KINDS, Kind
from board.v4l2.m2m_format import Sides
from board.v4l2.node import Node
from edge.model.errors import DeviceGone

_KINDS = tuple(kind for kind in KINDS.values() if kind.pixel in DIRECT)


@dataclass(frozen=True, slots=True)
class EncoderNode:
    """`kinds`: the raw formats that it takes and we have, ours in order of preference."""

    path: str
    card: Card
    sides: Sides
    kinds: tuple[Kind, ...]


def find_encoder(kernel: Kernel, code: str, *, driver: str = "", card: str = "") -> EncoderNode:
    """The first node that makes `code` (as in V4L2_PIX_FMT_*); of that driver and card where they are given.

    Raises DeviceGone that says of every node why it is not the one.
    """
    reasons = []
    for seen in look_around(kernel):
        if seen.card is None:
            reasons.append(seen.trouble)
        elif (driver and seen.card.driver != driver) or (card and seen.card.name != card):
            reasons.append(f"{seen.path} is {seen.card.name or seen.card.driver}")
        else:
            found = _look(kernel, seen.path, seen.card, code)
            if isinstance(found, EncoderNode):
                return found
            reasons.append(found)
    wanted = " ".join(word for word in (driver, card) if word) or "node"
    raise DeviceGone(f"no {wanted} that makes {code}: {'; '.join(reasons) or 'there is no video node'}")


def _look(kernel: Kernel, path: str, card: Card, code: str) -> EncoderNode | str:
    """The node, or why it is none."""
    if not card.converts:
        return f"{path} ({card.name}) is no codec"
    sides = Sides.of(card)
    try:
        with Node(path, kernel=kernel) as node:
            makes, takes = read_formats(node, sides.coded), read_formats(node, sides.raw)
    except DeviceGone as error:
        return str(error)
    except OSError as error:
        return f"{path}: ENUM_FMT: {error.strerror}"
    if code not in makes:
        return f"{path} ({card.name}) makes {_some(makes)}, not {code}"
    kinds = tuple(kind for kind in _usable(sides.raw) if kind.code in takes)
    if not kinds:
        return f"{path} ({card.name}) takes {_some(takes)}, which we have not"
    return EncoderNode(path, card, sides, kinds)


def _usable(buf_type: BufType) -> Iterator[Kind]:
    return (kind for kind in _KINDS if kind.buffers == 1 or buf_type.multiplanar)


def _some(codes: tuple[str, ...]) -> str:
    return ", ".join(codes[:4]) + (", ..." if len(codes) > 4 else "") if codes else "nothing"
