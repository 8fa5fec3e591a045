"""Between receivers that want keyframes and the encoder that pays for them."""

from __future__ import annotations

import threading

from edge.model.feedback import KeyframeRequest
from edge.ports import Clock


class KeyframeGate:
    """Coalesces requests: at most one keyframe per `spacing_ns`, and per sink one per `budget_ns`.

    A request over its sink's budget is not kept: a sink in need asks again.
    """

    def __init__(self, *, clock: Clock, spacing_ns: int = 250_000_000, budget_ns: int = 1_000_000_000) -> None:
        self._clock = clock
        self._spacing_ns = spacing_ns
        self._budget_ns = budget_ns
        self._lock = threading.Lock()
        self._granted_ns: dict[str, int] = {}
        self._wanted = False
        self._last_key_ns: int | None = None
        self.requested = 0
        self.refused = 0

    def request(self, request: KeyframeRequest) -> None:
        now = self._clock.mono_ns()
        with self._lock:
            self.requested += 1
            granted = self._granted_ns.get(request.sink)
            if granted is not None and now - granted < self._budget_ns:
                self.refused += 1
                return
            self._granted_ns = {name: at for name, at in self._granted_ns.items() if now - at < self._budget_ns}
            self._granted_ns[request.sink] = now
            self._wanted = True

    def take(self) -> bool:
        """Whether the frame about to be encoded shall be a keyframe; asked once per frame."""
        with self._lock:
            if not self._wanted:
                return False
            return self._last_key_ns is None or self._clock.mono_ns() - self._last_key_ns >= self._spacing_ns

    def note_keyframe(self) -> None:
        """A keyframe came out, for whatever cause: it serves everyone who waits."""
        with self._lock:
            self._wanted = False
            self._last_key_ns = self._clock.mono_ns()

    def forget(self, sink: str) -> None:
        with self._lock:
            self._granted_ns.pop(sink, None)
