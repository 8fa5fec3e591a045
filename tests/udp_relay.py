"""A bad network path for one UDP port on loopback: delay, loss, a rate limit with a queue before it, and cuts."""

from __future__ import annotations

import heapq
import itertools
import random
import selectors
import socket
import threading
import time
from types import TracebackType
from typing import Self

_TICK_S = 0.05
_LARGEST = 65_536
_BUFFER = 4 << 20


class UdpRelay:
    """Passes datagrams on between whoever calls `port` and the port behind; several callers are kept apart.

    Towards the port behind: `rate_bps` (of UDP payload; None is no limit) behind a queue that holds `queue_ms` at
    that rate and drops what does not fit, `loss` (a share, by a seeded dice), `delay_ms`. The way back is only delayed.
    `cut()` lets nothing through in either direction until `heal()`.
    """

    def __init__(
        self,
        behind: int,
        *,
        delay_ms: float = 0.0,
        loss: float = 0.0,
        rate_bps: float | None = None,
        queue_ms: float = 100.0,
        seed: int = 1,
    ) -> None:
        self.port = 0
        self.passed = self.lost = self.overflowed = 0
        self._behind = ("127.0.0.1", behind)
        self._delay_s, self._loss = delay_ms / 1000, loss
        self._rate_bps, self._queue_s = rate_bps, queue_ms / 1000
        self._dice = random.Random(seed)  # noqa: S311 - no secret
        self._front = _bound()
        self._selector = selectors.DefaultSelector()
        self._backs: dict[tuple[str, int], socket.socket] = {}
        self._due: list[tuple[float, int, socket.socket, tuple[str, int], bytes]] = []
        self._order = itertools.count()
        self._free_s = 0.0
        self._is_cut = self._closing = False
        self._thread = threading.Thread(target=self._run, name="udp-relay", daemon=True)

    def cut(self) -> None:
        self._is_cut = True

    def heal(self) -> None:
        self._is_cut = False

    def __enter__(self) -> Self:
        self.port = int(self._front.getsockname()[1])
        self._selector.register(self._front, selectors.EVENT_READ, None)
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: object, trace: TracebackType | None) -> None:
        self._closing = True
        self._thread.join(10)
        assert not self._thread.is_alive(), "the relay did not stop"
        self._selector.close()
        for one in (self._front, *self._backs.values()):
            one.close()

    def _run(self) -> None:
        while not self._closing:
            wait_s = self._due[0][0] - time.monotonic() if self._due else _TICK_S
            for key, _ in self._selector.select(max(0.0, min(wait_s, _TICK_S))):
                self._drain(key.fileobj, key.data)  # type: ignore[arg-type]
            while self._due and self._due[0][0] <= time.monotonic():
                _, _, out, to, datagram = heapq.heappop(self._due)
                _sent(out, datagram, to)

    def _drain(self, ready: socket.socket, caller: tuple[str, int] | None) -> None:
        """`caller`: whose answers these are; None where they come from callers."""
        for _ in range(64):
            try:
                datagram, sender = ready.recvfrom(_LARGEST)
            except (BlockingIOError, ConnectionRefusedError):
                return
            if self._is_cut:
                continue
            now_s = time.monotonic()
            if caller is not None:
                self._later(now_s, self._front, caller, datagram)
            elif (free_s := self._through(datagram, now_s)) is not None:
                self._later(free_s, self._back(sender), self._behind, datagram)

    def _through(self, datagram: bytes, now_s: float) -> float | None:
        """When it has passed the bottleneck; None when it never does."""
        if self._loss and self._dice.random() < self._loss:
            self.lost += 1
            return None
        if self._rate_bps is not None:
            begin_s = max(now_s, self._free_s)
            if begin_s - now_s > self._queue_s:
                self.overflowed += 1
                return None
            self._free_s = now_s = begin_s + len(datagram) * 8 / self._rate_bps
        self.passed += 1
        return now_s

    def _later(self, at_s: float, out: socket.socket, to: tuple[str, int], datagram: bytes) -> None:
        heapq.heappush(self._due, (at_s + self._delay_s, next(self._order), out, to, datagram))

    def _back(self, caller: tuple[str, int]) -> socket.socket:
        if caller not in self._backs:
            self._backs[caller] = _bound()
            self._selector.register(self._backs[caller], selectors.EVENT_READ, caller)
        return self._backs[caller]


def _bound() -> socket.socket:
    one = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _BUFFER)
    one.setblocking(False)
    one.bind(("127.0.0.1", 0))
    return one


def _sent(out: socket.socket, datagram: bytes, to: tuple[str, int]) -> None:
    """A full socket buffer or a closed port loses it, as a network does."""
    try:
        out.sendto(datagram, to)
    except OSError:
        return
