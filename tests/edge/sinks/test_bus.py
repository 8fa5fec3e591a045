from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from edge.model.feedback import Demotion, Feedback, KeyframeRequest
from edge.model.frame import AccessUnit
from edge.ports import Fans, Sink
from edge.runtime import unit_wire
from edge.runtime.component import Context
from edge.sinks.bus import BusServer, ReceiverLeft
from tests.fakes import FakeClock, make_unit


class _Outlet:
    """Holds what is attached."""

    def __init__(self) -> None:
        self.changed = threading.Condition()
        self.sinks: dict[str, Sink] = {}

    def attach(self, sink: Sink) -> None:
        with self.changed:
            self.sinks[sink.name] = sink
            self.changed.notify_all()

    def detach(self, name: str) -> None:
        with self.changed:
            sink = self.sinks.pop(name, None)
            if sink is not None:
                sink.close()
            self.changed.notify_all()

    def wait_for(self, count: int) -> None:
        with self.changed:
            assert self.changed.wait_for(lambda: len(self.sinks) == count, 10)


class _Bus:
    def __init__(self, path: Path) -> None:
        self.path = path
        self.outlet = _Outlet()
        self.feedback: list[Feedback] = []
        self.heard = threading.Event()
        self.ctx = Context()
        server = BusServer(path=path, outlet=self.outlet, on_feedback=self._on_feedback)
        self.thread = threading.Thread(target=server.work, args=(self.ctx,))

    def connect(self) -> socket.socket:
        connection = socket.socket(socket.AF_UNIX)
        connection.settimeout(10)
        connection.connect(str(self.path))
        return connection

    def _on_feedback(self, feedback: Feedback) -> None:
        self.feedback.append(feedback)
        self.heard.set()


@pytest.fixture
def bus(short_path: Path) -> Iterator[_Bus]:
    bus = _Bus(short_path / "units")
    bus.thread.start()
    while not bus.ctx.is_ready:
        bus.ctx.sleep(0.01)
    yield bus
    bus.ctx.ask_to_stop()
    bus.thread.join(10)
    assert not bus.thread.is_alive()


def _read_unit(connection: socket.socket, reader: unit_wire.UnitReader) -> AccessUnit:
    while True:
        head = connection.recv(4, socket.MSG_WAITALL)
        (size,) = unit_wire.LENGTH.unpack(head)
        unit = reader.feed(connection.recv(size, socket.MSG_WAITALL))
        if unit is not None:
            return unit


def test_each_connection_is_a_sink_that_gets_the_units(bus: _Bus) -> None:
    with bus.connect() as first, bus.connect() as second:
        bus.outlet.wait_for(2)
        unit = make_unit(FakeClock(), seq=3, key=True)
        for sink in bus.outlet.sinks.values():
            sink.open(unit.format)
            sink.write(unit)
        assert _read_unit(first, unit_wire.UnitReader()) == unit
        assert _read_unit(second, unit_wire.UnitReader()) == unit


def test_feedback_comes_back_even_in_pieces(bus: _Bus) -> None:
    request = KeyframeRequest("viewer-1", "pli")
    with bus.connect() as connection:
        for byte in unit_wire.pack_feedback(request):
            connection.sendall(bytes((byte,)))
        assert bus.heard.wait(10)
    assert bus.feedback == [request]


def test_a_demotion_reaches_the_process_between_units(bus: _Bus) -> None:
    with bus.connect() as connection:
        bus.outlet.wait_for(1)
        sink = next(iter(bus.outlet.sinks.values()))
        assert isinstance(sink, Fans)
        sink.demote(Demotion("viewer-1", demoted=True))
        (size,) = unit_wire.LENGTH.unpack(connection.recv(unit_wire.LENGTH.size, socket.MSG_WAITALL))
        message = connection.recv(size, socket.MSG_WAITALL)
    assert unit_wire.UnitReader().feed(message) == Demotion("viewer-1", demoted=True)


def test_receiver_that_leaves_is_detached(bus: _Bus) -> None:
    with bus.connect():
        bus.outlet.wait_for(1)
        sink = next(iter(bus.outlet.sinks.values()))
    bus.outlet.wait_for(0)
    with pytest.raises(ReceiverLeft):
        sink.write(make_unit(FakeClock()))


def test_sink_that_gave_up_on_its_receiver_does_not_harm_the_next(bus: _Bus) -> None:
    for _ in range(3):
        with bus.connect():
            bus.outlet.wait_for(1)
            next(iter(bus.outlet.sinks.values())).close()
            bus.outlet.wait_for(0)
    with bus.connect() as good:
        good.sendall(unit_wire.pack_feedback(KeyframeRequest("v", "join")))
        assert bus.heard.wait(10)


def test_receiver_that_talks_garbage_is_detached_and_the_others_stay(bus: _Bus) -> None:
    with bus.connect() as good, bus.connect() as bad:
        bus.outlet.wait_for(2)
        bad.sendall(b"\xff" * 32)
        bus.outlet.wait_for(1)
        good.sendall(unit_wire.pack_feedback(KeyframeRequest("v", "join")))
        assert bus.heard.wait(10)
