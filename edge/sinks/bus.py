"""Access units to other processes of the box: a sink per connection on a Unix stream socket."""

from __future__ import annotations

import contextlib
import itertools
import os
import selectors
import socket
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from edge.model.errors import Fault, PeerGone
from edge.model.feedback import Demotion, Feedback
from edge.model.frame import AccessUnit
from edge.model.video import StreamFormat
from edge.ports import Outlet
from edge.runtime import unit_wire
from edge.runtime.component import Context

_SEND_S = 0.5
_BUFFER = 4 << 20


class ReceiverLeft(PeerGone):
    """That connection is over; the receiver makes a new one when it is back."""

    code = "receiver_left"
    final = True


class BusSink:
    """One connected process. `write` blocks at most half a second."""

    def __init__(self, *, name: str, connection: socket.socket) -> None:
        self.name = name
        self._connection = connection
        self._sending = threading.Lock()
        connection.settimeout(_SEND_S)

    def open(self, format: StreamFormat) -> None:
        self._send(unit_wire.pack_format(format))

    def write(self, unit: AccessUnit) -> None:
        self._send(unit_wire.pack_unit(unit))

    def demote(self, demotion: Demotion) -> None:
        """Tell the process of one of its receivers; any thread. Raises ReceiverLeft."""
        self._send(unit_wire.pack_demotion(demotion))

    def close(self) -> None:
        """Ends the conversation; the server, which watches the descriptor, alone closes it."""
        with contextlib.suppress(OSError):
            self._connection.shutdown(socket.SHUT_RDWR)

    def detail(self) -> Mapping[str, Any]:
        return {}

    def _send(self, message: bytes) -> None:
        try:
            with self._sending:
                self._connection.sendall(message)
        except OSError as error:
            raise ReceiverLeft(f"{self.name} went away: {error}") from error


class _Inbox:
    """Bytes of one connection on their way to whole feedback messages."""

    def __init__(self, sink: BusSink) -> None:
        self.sink = sink
        self._pending = b""

    def feed(self, received: bytes) -> list[Feedback]:
        """Raises Fault on a message that is not feedback."""
        self._pending += received
        found = []
        while len(self._pending) >= unit_wire.LENGTH.size:
            (size,) = unit_wire.LENGTH.unpack_from(self._pending)
            if size > 4096:
                raise Fault(f"feedback message of {size} bytes is over the limit")
            end = unit_wire.LENGTH.size + size
            if len(self._pending) < end:
                break
            found.append(unit_wire.unpack_feedback(self._pending[unit_wire.LENGTH.size : end]))
            self._pending = self._pending[end:]
        return found


class BusServer:
    """Body of a thread: accepts processes at `path`, attaches a sink for each, reads their feedback."""

    def __init__(self, *, path: Path, outlet: Outlet, on_feedback: Callable[[Feedback], None]) -> None:
        self._path = path
        self._outlet = outlet
        self._on_feedback = on_feedback
        self._numbers = itertools.count(1)

    def work(self, ctx: Context) -> None:
        with self._listen() as listener, selectors.DefaultSelector() as selector:
            selector.register(listener, selectors.EVENT_READ)
            ctx.ready()
            try:
                self._serve(ctx, listener, selector)
            finally:
                for key in tuple(selector.get_map().values()):
                    if key.data is not None:
                        self._part(key, selector)

    def _serve(self, ctx: Context, listener: socket.socket, selector: selectors.BaseSelector) -> None:
        while not ctx.stopping:
            for key, _ in selector.select(0.2):
                if key.fileobj is listener:
                    self._accept(listener, selector)
                else:
                    self._read(key, selector)

    def _listen(self) -> socket.socket:
        self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with contextlib.suppress(FileNotFoundError):
            self._path.unlink()
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        listener.bind(str(self._path))
        os.chmod(self._path, 0o600)
        listener.listen()
        return listener

    def _accept(self, listener: socket.socket, selector: selectors.BaseSelector) -> None:
        connection, _ = listener.accept()
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _BUFFER)
        sink = BusSink(name=f"bus-{next(self._numbers)}", connection=connection)
        selector.register(connection, selectors.EVENT_READ, _Inbox(sink))
        self._outlet.attach(sink)

    def _read(self, key: selectors.SelectorKey, selector: selectors.BaseSelector) -> None:
        inbox: _Inbox = key.data
        try:
            received = key.fileobj.recv(65536)  # type: ignore[union-attr]
            if not received:
                raise ConnectionResetError
            for feedback in inbox.feed(received):
                self._on_feedback(feedback)
        except TimeoutError:
            return
        except (OSError, Fault):
            self._part(key, selector)

    def _part(self, key: selectors.SelectorKey, selector: selectors.BaseSelector) -> None:
        selector.unregister(key.fileobj)
        self._outlet.detach(key.data.sink.name)
        key.fileobj.close()  # type: ignore[union-attr]
