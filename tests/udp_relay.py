"""A path between two UDP ports that delays, drops, damages, holds up or swallows what passes."""

from __future__ import annotations

import contextlib
import heapq
import itertools
import random
import selectors
import socket
import threading
import time
from collections.abc import Callable
from types import TracebackType
from typing import Self

Mangle = Callable[[bytes], bytes | None]
_LOOPBACK = "127.0.0.1"


class Lossy:
    """Drops that part of the packets, by chance from a seed."""

    def __init__(self, loss: float, *, seed: int = 1) -> None:
        self._loss = loss
        self._chance = random.Random(seed)  # noqa: S311 - chance that repeats
        self.dropped = 0

    def __call__(self, packet: bytes) -> bytes | None:
        if self._chance.random() >= self._loss:
            return packet
        self.dropped += 1
        return None


class Bottleneck:
    """A link of that rate with a queue that drops what does not fit."""

    def __init__(self, rate_bps: float, queue_ms: float) -> None:
        self._rate_bps = rate_bps
        self._queue_s = queue_ms / 1000
        self._free_s = 0.0

    def through_at_s(self, size: int, now_s: float) -> float | None:
        """When a packet that comes now is through; None when the queue is full."""
        begin_s = max(now_s, self._free_s)
        if begin_s - now_s > self._queue_s:
            return None
        self._free_s = begin_s + size * 8 / self._rate_bps
        return self._free_s


class UdpRelay:
    """Whoever sends to `port` talks to `target_port`. `delay_s` is one way; `silent` swallows everything, both ways.

    Towards the target `rate_bps` (of UDP payload; None is no limit) has a queue before it that holds `queue_ms` at that
    rate; what does not fit is lost and counted in `overflowed`.
    """

    def __init__(
        self,
        target_port: int,
        *,
        delay_s: float = 0.0,
        mangle: Mangle = lambda packet: packet,
        rate_bps: float | None = None,
        queue_ms: float = 100.0,
    ) -> None:
        self.silent = False
        self.passed = self.overflowed = 0
        self._bottleneck = None if rate_bps is None else Bottleneck(rate_bps, queue_ms)
        self._delay_s = delay_s
        self._mangle = mangle
        self._target = (_LOOPBACK, target_port)
        self._front = self._socket()
        self.port = int(self._front.getsockname()[1])
        self._backs: dict[tuple[str, int], socket.socket] = {}
        self._due: list[tuple[float, int, socket.socket, bytes, tuple[str, int]]] = []
        self._order = itertools.count()
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._front, selectors.EVENT_READ)
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: object, trace: TracebackType | None) -> None:
        self._stopping.set()
        self._thread.join(10)
        for end in (self._front, *self._backs.values()):
            end.close()
        self._selector.close()

    def _run(self) -> None:
        while not self._stopping.is_set():
            wait_s = max(0.0, self._due[0][0] - time.monotonic()) if self._due else 0.1
            for key, _ in self._selector.select(min(wait_s, 0.1)):
                self._take(key)
            while self._due and self._due[0][0] <= time.monotonic():
                _, _, out, packet, to = heapq.heappop(self._due)
                _sent(out, packet, to)

    def _take(self, key: selectors.SelectorKey) -> None:
        end = key.fileobj
        assert isinstance(end, socket.socket)
        for _ in range(64):
            try:
                packet, sender = end.recvfrom(2048)
            except BlockingIOError:
                return
            except ConnectionRefusedError:  # the other end is not there (any more)
                continue
            way = (self._back_of(sender), self._target) if end is self._front else (self._front, key.data)
            self._pass(packet, *way)

    def _pass(self, packet: bytes, out: socket.socket, to: tuple[str, int]) -> None:
        mangled = None if self.silent else self._mangle(packet)
        if mangled is None:
            return
        at_s: float | None = time.monotonic()
        if self._bottleneck is not None and out is not self._front:
            at_s = self._bottleneck.through_at_s(len(mangled), time.monotonic())
        if at_s is None:
            self.overflowed += 1
            return
        self.passed += 1
        heapq.heappush(self._due, (at_s + self._delay_s, next(self._order), out, mangled, to))

    def _back_of(self, caller: tuple[str, int]) -> socket.socket:
        if caller not in self._backs:
            back = self._backs[caller] = self._socket()
            self._selector.register(back, selectors.EVENT_READ, caller)
        return self._backs[caller]

    @staticmethod
    def _socket() -> socket.socket:
        made = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        made.setblocking(False)
        made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
        made.bind((_LOOPBACK, 0))
        return made


def _sent(out: socket.socket, packet: bytes, to: tuple[str, int]) -> None:
    """A full buffer or a closed port loses it, as a network does."""
    with contextlib.suppress(OSError):
        out.sendto(packet, to)
