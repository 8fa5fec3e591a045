from __future__ import annotations

import threading

from board.gst.limited import within


def test_a_call_that_ends_has_ended() -> None:
    done: list[int] = []
    assert within(10, lambda: done.append(1), name="quick")
    assert done == [1]


def test_a_call_that_never_ends_is_left_behind() -> None:
    release = threading.Event()
    assert not within(0.01, release.wait, name="stuck")
    (left,) = (thread for thread in threading.enumerate() if thread.name == "stuck")
    assert left.daemon
    release.set()
    left.join(10)
    assert not left.is_alive()
