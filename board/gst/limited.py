"""A call into a driver that may never come back."""

from __future__ import annotations

import threading
from collections.abc import Callable


def within(limit_s: float, action: Callable[[], object], *, name: str) -> bool:
    """Whether `action` ended in that time. It runs in a thread of its own, which is left behind when it does not.

    A state change of a GStreamer pipeline joins the threads of its elements, and a broken driver keeps those for ever.
    Nothing can stop such a thread; it costs its memory until the process ends. `action` should raise nothing.
    """
    thread = threading.Thread(target=action, name=name, daemon=True)
    thread.start()
    thread.join(limit_s)
    return not thread.is_alive()
