"""The receiver's EDID memory."""

from __future__ import annotations

import errno

import pytest

from board.v4l2.edid_memory import read_edid, write_edid
from board.v4l2.node import Node
from tests.board.kit import HandClock
from tests.board.v4l2.drivers.program import EDID
from tests.board.v4l2.drivers.unicam import UnicamTc358743


@pytest.fixture
def node() -> Node:
    driver = UnicamTc358743(clock=HandClock())
    return Node(driver.path, kernel=driver.kernel)


def test_an_empty_memory_reads_as_nothing(node: Node) -> None:
    assert read_edid(node, 0) == b""


@pytest.mark.parametrize("blocks", [1, 2, 8])
def test_what_was_written_is_read_back(node: Node, blocks: int) -> None:
    content = (EDID * 4)[: 128 * blocks]
    write_edid(node, 0, content)
    assert read_edid(node, 0) == content


def test_nothing_clears_it(node: Node) -> None:
    write_edid(node, 0, EDID)
    write_edid(node, 0, b"")
    assert read_edid(node, 0) == b""


@pytest.mark.parametrize(("pad", "blocks", "number"), [(0, 9, errno.E2BIG), (1, 1, errno.EINVAL)])
def test_a_refusal_is_the_drivers_own(node: Node, pad: int, blocks: int, number: int) -> None:
    with pytest.raises(OSError, match=r"Errno") as refused:
        write_edid(node, pad, bytes(128 * blocks))
    assert refused.value.errno == number
