"""A media device: a graph that can be read and whose links can be switched."""

from __future__ import annotations

import ctypes
import errno
import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from board.v4l2.abi import media as m
from board.v4l2.abi.codes import LinkFlag, PadFlag
from board.v4l2.abi.requests import MediaIoc
from tests.board.v4l2.drivers.kernel import FakeNode, Misuse, OpenFile, refuse


@dataclass(slots=True)
class GraphEntity:
    id: int
    name: str
    numbers: tuple[int, int]
    interface_id: int
    pads: dict[int, tuple[int, PadFlag]] = field(default_factory=dict)


@dataclass(slots=True)
class PadLink:
    id: int
    source_id: int
    sink_id: int
    enabled: bool
    immutable: bool


class MediaNode(FakeNode):
    """`version` rises with each change of the graph; a test may change it in the middle of a reading (`on_read`)."""

    def __init__(self, *, driver: str, bus: str, streaming: Callable[[], bool] = lambda: False) -> None:
        super().__init__((240, 3))
        self._driver = driver
        self._bus = bus
        self._streaming = streaming
        self._ids = itertools.count(1)
        self.version = 1
        self.entities: list[GraphEntity] = []
        self.links: list[PadLink] = []
        self.on_read: Callable[[], None] = lambda: None
        self.requests |= {
            MediaIoc.DEVICE_INFO: self._identify,
            MediaIoc.G_TOPOLOGY: self._read,
            MediaIoc.SETUP_LINK: self._set_link,
        }  # type: ignore[assignment]

    def entity(
        self, name: str, numbers: tuple[int, int], *, sinks: Sequence[int] = (), sources: Sequence[int] = ()
    ) -> GraphEntity:
        one = GraphEntity(next(self._ids), name, numbers, next(self._ids))
        for index in sinks:
            one.pads[index] = (next(self._ids), PadFlag.SINK)
        for index in sources:
            one.pads[index] = (next(self._ids), PadFlag.SOURCE)
        self.entities.append(one)
        self.version += 1
        return one

    def link(
        self,
        source: GraphEntity,
        source_pad: int,
        sink: GraphEntity,
        sink_pad: int,
        *,
        enabled: bool = False,
        immutable: bool = False,
    ) -> PadLink:
        one = PadLink(next(self._ids), source.pads[source_pad][0], sink.pads[sink_pad][0], enabled, immutable)
        self.links.append(one)
        self.version += 1
        return one

    def _identify(self, file: OpenFile, into: m.DeviceIdentity) -> None:
        into.driver, into.model, into.bus_info = self._driver.encode(), self._driver.encode(), self._bus.encode()

    def _read(self, file: OpenFile, into: m.Topology) -> None:
        into.topology_version = self.version
        entities = [m.V2Entity(id=one.id, name=one.name.encode()) for one in self.entities]
        interfaces = [
            m.V2Interface(id=one.interface_id, major=one.numbers[0], minor=one.numbers[1]) for one in self.entities
        ]
        pads = [
            m.V2Pad(id=number, entity_id=one.id, index=index, flags=flags)
            for one in self.entities
            for index, (number, flags) in one.pads.items()
        ]
        links = [
            m.V2Link(id=one.id, source_id=one.source_id, sink_id=one.sink_id, flags=_flags(one)) for one in self.links
        ]
        links += [
            m.V2Link(
                id=one.interface_id + 1000,
                source_id=one.interface_id,
                sink_id=one.id,
                flags=LinkFlag.INTERFACE_LINK | LinkFlag.ENABLED | LinkFlag.IMMUTABLE,
            )
            for one in self.entities
        ]
        into.num_entities = _hand_over(entities, into.num_entities, into.ptr_entities)
        into.num_interfaces = _hand_over(interfaces, into.num_interfaces, into.ptr_interfaces)
        into.num_pads = _hand_over(pads, into.num_pads, into.ptr_pads)
        into.num_links = _hand_over(links, into.num_links, into.ptr_links)
        self.on_read()

    def _set_link(self, file: OpenFile, wish: m.LinkDescription) -> None:
        source, sink = self._pad(wish.source), self._pad(wish.sink)
        link = next((one for one in self.links if (one.source_id, one.sink_id) == (source, sink)), None)
        if link is None:
            raise refuse(errno.EINVAL)
        on = bool(wish.flags & LinkFlag.ENABLED)
        if link.enabled == on:
            return
        if link.immutable:
            raise refuse(errno.EINVAL)
        if self._streaming():
            raise refuse(errno.EBUSY)
        link.enabled = on

    def _pad(self, wish: m.PadDescription) -> int:
        owner = next((one for one in self.entities if one.id == wish.entity), None)
        if owner is None or wish.index not in owner.pads:
            raise Misuse(f"entity {wish.entity} has no pad {wish.index}")
        return owner.pads[wish.index][0]


def _flags(link: PadLink) -> int:
    return (LinkFlag.ENABLED if link.enabled else 0) | (LinkFlag.IMMUTABLE if link.immutable else 0)


def _hand_over(rows: Sequence[ctypes.Structure], room: int, address: int) -> int:
    """Copy rows to where the program wants them; raises OSError, ENOSPC, when its room is too small."""
    if not address:
        return len(rows)
    if room < len(rows):
        raise refuse(errno.ENOSPC)
    for index, row in enumerate(rows):
        size = ctypes.sizeof(row)
        ctypes.memmove(address + index * size, bytes(row), size)
    return len(rows)
