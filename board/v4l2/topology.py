"""What a media device is made of: entities, their pads and links, and the device node of each."""

from __future__ import annotations

import ctypes
import errno
import glob
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from board.v4l2.abi import media as m
from board.v4l2.abi.codes import LinkFlag, PadFlag
from board.v4l2.abi.requests import MediaIoc
from board.v4l2.kernel import Kernel
from board.v4l2.node import Node, gone
from edge.model.errors import DeviceGone

ListPaths = Callable[[], Iterable[str]]
_TRIES = 8  # the graph changes while drivers come up, but not for ever


@dataclass(frozen=True, slots=True)
class Entity:
    """`node` is the device node's (major, minor); None when it has none."""

    id: int
    name: str
    node: tuple[int, int] | None = None


@dataclass(frozen=True, slots=True)
class Pad:
    id: int
    entity_id: int
    index: int
    source: bool


@dataclass(frozen=True, slots=True)
class Link:
    """From a source pad to a sink pad; an immutable one is always enabled."""

    source: Pad
    sink: Pad
    enabled: bool
    immutable: bool


@dataclass(frozen=True, slots=True)
class MediaGraph:
    """One reading of a media device. Look-ups are by name: numbers change with every boot."""

    path: str
    driver: str
    bus: str
    version: int
    entities: tuple[Entity, ...]
    pads: tuple[Pad, ...]
    links: tuple[Link, ...]

    def entity(self, prefix: str) -> Entity:
        """The one whose name begins so. Raises DeviceGone naming what there is."""
        found = self.find(prefix)
        if found is None:
            names = ", ".join(one.name for one in self.entities) or "none"
            raise DeviceGone(f"{self.path} ({self.driver}) has no entity {prefix.strip()!r}; there is {names}")
        return found

    def find(self, prefix: str) -> Entity | None:
        """An exact name comes before a longer one."""
        fitting = [one for one in self.entities if one.name.startswith(prefix)]
        return min(fitting, key=lambda one: len(one.name), default=None)

    def link(self, source: Entity, sink: Entity) -> Link:
        """The first link between two entities. Raises DeviceGone when there is none."""
        for one in self.links:
            if (one.source.entity_id, one.sink.entity_id) == (source.id, sink.id):
                return one
        raise DeviceGone(f"{self.path}: no link leads from {source.name} to {sink.name}")

    def name_of(self, pad: Pad) -> str:
        """`"csi2":4`, as media-ctl writes it."""
        owner = next(one for one in self.entities if one.id == pad.entity_id)
        return f'"{owner.name}":{pad.index}'

    def describe(self, link: Link) -> str:
        return f"{self.name_of(link.source)} -> {self.name_of(link.sink)}"

    def node_path(self, entity: Entity) -> str:
        """Its device node under a name that holds its numbers. Raises DeviceGone when it has none."""
        if entity.node is None:
            raise DeviceGone(f"{self.path}: {entity.name} has no device node")
        return "/dev/char/{}:{}".format(*entity.node)


def media_paths() -> Sequence[str]:
    """/dev/media*, in order of their numbers."""
    return sorted(glob.glob("/dev/media[0-9]*"), key=lambda path: (len(path), path))


def media_devices(kernel: Kernel, driver: str, list_paths: ListPaths = media_paths) -> Iterator[MediaGraph]:
    """The graphs of every media device of that driver. A device that cannot be asked is passed over."""
    for path in list_paths():
        try:
            with Node(path, kernel=kernel) as node:
                if _text(node.do(MediaIoc.DEVICE_INFO, m.DeviceIdentity()).driver) == driver:
                    yield read_graph(node)
        except (DeviceGone, OSError):
            continue


def read_graph(node: Node) -> MediaGraph:
    """Read in two passes, again when the graph has changed between them. Raises DeviceGone."""
    try:
        identity = node.do(MediaIoc.DEVICE_INFO, m.DeviceIdentity())
        for _ in range(_TRIES):
            graph = _read_once(node, _text(identity.driver), _text(identity.bus_info))
            if graph is not None:
                return graph
    except OSError as error:
        raise gone(node.path, "its topology cannot be read", error) from error
    raise DeviceGone(f"{node.path}: its topology does not come to rest")


def _read_once(node: Node, driver: str, bus: str) -> MediaGraph | None:
    """None when the graph changed between counting and reading (ENOSPC: it grew)."""
    counts = node.do(MediaIoc.G_TOPOLOGY, m.Topology())
    entities = (m.V2Entity * counts.num_entities)()
    interfaces = (m.V2Interface * counts.num_interfaces)()
    pads = (m.V2Pad * counts.num_pads)()
    links = (m.V2Link * counts.num_links)()
    filled = m.Topology(
        num_entities=len(entities),
        ptr_entities=ctypes.addressof(entities),
        num_interfaces=len(interfaces),
        ptr_interfaces=ctypes.addressof(interfaces),
        num_pads=len(pads),
        ptr_pads=ctypes.addressof(pads),
        num_links=len(links),
        ptr_links=ctypes.addressof(links),
    )
    try:
        node.do(MediaIoc.G_TOPOLOGY, filled)
    except OSError as error:
        if error.errno == errno.ENOSPC:
            return None
        raise
    if filled.topology_version != counts.topology_version:
        return None
    numbers = {one.id: (one.major, one.minor) for one in interfaces}
    nodes = {one.sink_id: numbers.get(one.source_id) for one in links if one.flags & LinkFlag.INTERFACE_LINK}
    found = {one.id: Pad(one.id, one.entity_id, one.index, bool(one.flags & PadFlag.SOURCE)) for one in pads}
    return MediaGraph(
        path=node.path,
        driver=driver,
        bus=bus,
        version=filled.topology_version,
        entities=tuple(Entity(one.id, _text(one.name), nodes.get(one.id)) for one in entities),
        pads=tuple(found.values()),
        links=tuple(
            Link(
                found[one.source_id],
                found[one.sink_id],
                enabled=bool(one.flags & LinkFlag.ENABLED),
                immutable=bool(one.flags & LinkFlag.IMMUTABLE),
            )
            for one in links
            if one.source_id in found and one.sink_id in found
        ),
    )


def _text(raw: bytes) -> str:
    return raw.split(b"\0")[0].decode("utf-8", "replace")
