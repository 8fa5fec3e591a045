"""The other end: reads what an SRT sender sends."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Self

from edge.model.errors import PeerGone, TimedOut
from edge.sinks.libsrt import Libsrt
from edge.sinks.srt_socket import SrtOptions, SrtSocket, accepted, dial, listening
from edge.sinks.srt_stats import SrtStats
from edge.sinks.srt_url import SrtAddress, SrtMode

_TICK_S = 0.2


class SrtReceiver:
    """An iterator of payloads (whole MPEG-TS packets from our own sender).

    It connects at the first `open`, `next` or `read`; as a listener it waits for one sender. It
    ends when the sender leaves or `close` is called from any thread. `read` makes it a file.
    Raises TimedOut, PeerGone, Missing, Busy, Invalid as `dial` and `listening` do.
    """

    def __init__(
        self,
        address: SrtAddress,
        *,
        latency_ms: int = 120,
        passphrase: str = "",
        stream_id: str = "",
        libsrt: Libsrt | None = None,
    ) -> None:
        self._address = address
        self._options = SrtOptions(
            latency_ms=latency_ms if address.latency_ms is None else address.latency_ms,
            stream_id=stream_id if address.stream_id is None else address.stream_id,
            passphrase=passphrase,
            adapter=address.adapter,
            local_port=address.local_port,
            rendezvous=address.mode is SrtMode.RENDEZVOUS,
        )
        self._libsrt = libsrt or Libsrt()
        self._socket: SrtSocket | None = None
        self._closed = threading.Event()

    def open(self) -> None:
        """Connect now; nothing when connected already."""
        if self._socket is None and not self._closed.is_set():
            calls = self._address.mode is not SrtMode.LISTENER
            self._socket = self._dial() if calls else self._await_sender()
            if self._closed.is_set() and self._socket is not None:
                self._socket.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        self.open()
        while self._socket is not None and not self._closed.is_set():
            try:
                return self._socket.receive()
            except TimedOut:
                continue
            except PeerGone:
                break
        raise StopIteration

    def read(self, _size: int = -1) -> bytes:
        """The next payload whatever the size asked for (1456 bytes at most); empty at the end."""
        return next(self, b"")

    def close(self) -> None:
        """Harmless when closed already."""
        self._closed.set()
        if self._socket is not None:
            self._socket.close()

    def stats(self) -> SrtStats | None:
        """None while not connected."""
        try:
            return self._socket.stats() if self._socket is not None else None
        except PeerGone:
            return None

    def _dial(self) -> SrtSocket:
        return dial(self._libsrt, self._address.host, self._address.port, self._options)

    def _await_sender(self) -> SrtSocket | None:
        listener = listening(self._libsrt, self._address.host, self._address.port, self._options, backlog=1)
        poll = self._libsrt.watch(listener)
        try:
            while not self._closed.is_set():
                self._libsrt.wait(poll, _TICK_S)
                if (number := self._libsrt.accept(listener)) is not None:
                    return accepted(self._libsrt, number)
            return None
        finally:
            self._libsrt.unwatch(poll)
            self._libsrt.close(listener)
