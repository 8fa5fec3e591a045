"""The receiver's EDID memory: what the source reads of us."""

from __future__ import annotations

import ctypes
import errno

from board.v4l2.abi import structs as s
from board.v4l2.abi.codes import EDID_BLOCK_BYTES
from board.v4l2.abi.requests import Vidioc
from board.v4l2.node import Node

_BLOCKS = 256


def read_edid(node: Node, pad: int) -> bytes:
    """All blocks; empty when none is set. Raises OSError: ENOTTY where there is no EDID memory."""
    room = (ctypes.c_uint8 * (_BLOCKS * EDID_BLOCK_BYTES))()
    edid = s.Edid(pad=pad, start_block=0, blocks=_BLOCKS, edid=ctypes.cast(room, ctypes.POINTER(ctypes.c_uint8)))
    try:
        node.do(Vidioc.G_EDID, edid)
    except OSError as error:
        if error.errno == errno.ENODATA:
            return b""
        raise
    return bytes(room[: edid.blocks * EDID_BLOCK_BYTES])


def write_edid(node: Node, pad: int, content: bytes) -> None:
    """Whole blocks; empty clears it, and the source then sends nothing.

    Raises OSError: ENOTTY where there is no EDID memory, E2BIG when it is too long, EBUSY where
    a driver does not take one while it streams.
    """
    room = (ctypes.c_uint8 * max(1, len(content))).from_buffer_copy(content or b"\0")
    blocks = len(content) // EDID_BLOCK_BYTES
    edid = s.Edid(pad=pad, start_block=0, blocks=blocks, edid=ctypes.cast(room, ctypes.POINTER(ctypes.c_uint8)))
    node.do(Vidioc.S_EDID, edid)
