"""The way from an HDMI bridge to the stream node on receivers that leave it to us (Raspberry Pi 5: rp1-cfe)."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from dataclasses import dataclass

from board.v4l2.abi import media as m
from board.v4l2.abi.codes import SUBDEV_ACTIVE, Colorspace, Field, LinkFlag, MbusCode, PadFlag
from board.v4l2.abi.requests import MediaIoc, Vidioc
from board.v4l2.kernel import Kernel
from board.v4l2.node import Node, means_gone
from board.v4l2.topology import Entity, Link, ListPaths, MediaGraph, Pad, media_devices, media_paths, read_graph
from edge.model.errors import DeviceGone, NotSupported, Unavailable

DRIVER = "rp1-cfe"
BRIDGE = "tc358743 "
_RECEIVER = "csi2"
_STREAM = "rp1-cfe-csi2_ch0"
_YUV = frozenset((MbusCode.UYVY8_1X16,))


@dataclass(frozen=True, slots=True)
class Pipeline:
    """One bridge and its stream node, found by the names of their entities.

    Frames come from `stream_path`; DV timings, EDID, controls and events belong to `timings_path`.
    """

    kernel: Kernel
    media_path: str
    bus: str
    bridge: str
    stream_path: str
    timings_path: str

    @classmethod
    def find(
        cls,
        kernel: Kernel,
        *,
        driver: str = DRIVER,
        bridge: str = BRIDGE,
        bus: str = "",
        list_paths: ListPaths = media_paths,
    ) -> Pipeline:
        """The first that has such a bridge; `bus` as in `platform:1f00110000.csi` tells two of them apart.

        `bridge` is what the entity's name begins with. Raises DeviceGone saying what there is.
        """
        graphs = [one for one in media_devices(kernel, driver, list_paths) if bus in ("", one.bus)]
        for graph in graphs:
            chip = graph.find(bridge)
            if chip is not None:
                stream = graph.node_path(graph.entity(_STREAM))
                return cls(kernel, graph.path, graph.bus, chip.name, stream, graph.node_path(chip))
        if graphs:
            raise DeviceGone(f"no {bridge.strip()} on {driver}: {_chips(graphs)}; is its overlay loaded?")
        raise DeviceGone(f"no media device {driver}{f' on {bus}' if bus else ''}")

    def configure(self, width: int, height: int, code: MbusCode) -> None:
        """Set links and pads for pictures of that size; the bridge's DV timings must be set before.

        What is already as it should be is left alone. Raises NotSupported when a pad makes
        something else of it, DeviceGone (`pipeline_refused`) naming the link or pad and what the driver said.
        """
        with Node(self.media_path, kernel=self.kernel) as media:
            graph = read_graph(media)
            chip, receiver, into, out = self._parts(graph)
            self._set_links(media, graph, out)
        wanted = m.MbusFormat(width=width, height=height, code=code, field=Field.NONE, colorspace=_colorspace(code))
        given = self._set_pad(graph, chip, into.source, wanted)
        # link validation compares the colour space too, and csi2 starts out as "raw"
        self._set_pad(graph, receiver, into.sink, given)
        self._set_pad(graph, receiver, out.source, given)

    def diagnose(self, error: OSError, lanes: str = "") -> str:
        """Why STREAMON was refused, in words: the link that is off, or the pads that differ.

        Raises nothing. `lanes`: what is known of the CSI-2 lanes that this mode needs.
        """
        said = os.strerror(error.errno or 0)
        try:
            found = "; ".join(self._faults())
        except (Unavailable, OSError) as trouble:
            found = str(trouble)
        if not found and error.errno == errno.EPIPE:
            found = "two ends of a link are set to different formats"
        if not found and error.errno == errno.EINVAL:
            found = lanes or "the mode may need more CSI-2 lanes than are wired, or the stream node has another format"
        return f"{self.stream_path}: {said}: {found}" if found else f"{self.stream_path}: {said}"

    def _parts(self, graph: MediaGraph) -> tuple[Entity, Entity, Link, Link]:
        """Bridge, receiver, the link between them, the link to the stream node."""
        chip, receiver, stream = graph.entity(self.bridge), graph.entity(_RECEIVER), graph.entity(_STREAM)
        return chip, receiver, graph.link(chip, receiver), graph.link(receiver, stream)

    def _set_links(self, media: Node, graph: MediaGraph, ours: Link) -> None:
        """Ours on, all others off: a node that is linked in but does not stream holds everybody up."""
        for one in graph.links:
            if one.enabled and not one.immutable and one != ours:
                self._set_link(media, graph, one, on=False)
        if not ours.enabled:
            self._set_link(media, graph, ours, on=True)

    def _set_link(self, media: Node, graph: MediaGraph, link: Link, *, on: bool) -> None:
        wish = m.LinkDescription(
            source=_described(link.source), sink=_described(link.sink), flags=LinkFlag.ENABLED if on else 0
        )
        try:
            media.do(MediaIoc.SETUP_LINK, wish)
        except OSError as error:
            raise _refused(f"link {graph.describe(link)} cannot be switched {'on' if on else 'off'}", error) from error

    def _set_pad(self, graph: MediaGraph, owner: Entity, pad: Pad, wanted: m.MbusFormat) -> m.MbusFormat:
        """What the pad is set to then."""
        name = graph.name_of(pad)
        with Node(graph.node_path(owner), kernel=self.kernel) as node:
            try:
                now = _read_pad(node, pad)
                if _differences(now, wanted):
                    wish = m.SubdevFormat(which=SUBDEV_ACTIVE, pad=pad.index, format=wanted)
                    now = node.do(Vidioc.SUBDEV_S_FMT, wish).format
            except OSError as error:
                raise _refused(f"pad {name} does not take {_show(wanted)}", error) from error
        if _differences(now, wanted):
            raise NotSupported(f"pad {name} makes {_show(now)} of {_show(wanted)}")
        return now

    def _faults(self) -> Iterator[str]:
        """What is wrong with the pipeline as it stands."""
        with Node(self.media_path, kernel=self.kernel) as media:
            graph = read_graph(media)
        chip, receiver, into, out = self._parts(graph)
        if not out.enabled:
            yield f"link {graph.describe(out)} is off"
        for one in graph.links:
            if one.enabled and not one.immutable and one != out:
                yield f"link {graph.describe(one)} is on"
        with Node(graph.node_path(chip), kernel=self.kernel) as node:
            sent = _read_pad(node, into.source)
        with Node(graph.node_path(receiver), kernel=self.kernel) as node:
            for pad in (into.sink, out.source):
                taken = _read_pad(node, pad)
                if _differences(taken, sent):
                    yield f"{graph.name_of(into.source)} sends {_show(sent)}, {graph.name_of(pad)} has {_show(taken)}"


def _described(pad: Pad) -> m.PadDescription:
    return m.PadDescription(entity=pad.entity_id, index=pad.index, flags=PadFlag.SOURCE if pad.source else PadFlag.SINK)


def _read_pad(node: Node, pad: Pad) -> m.MbusFormat:
    found: m.MbusFormat = node.do(Vidioc.SUBDEV_G_FMT, m.SubdevFormat(which=SUBDEV_ACTIVE, pad=pad.index)).format
    return found


def _differences(one: m.MbusFormat, other: m.MbusFormat) -> tuple[str, ...]:
    names = ("width", "height", "code", "field", "colorspace")
    return tuple(name for name in names if getattr(one, name) != getattr(other, name))


def _colorspace(code: MbusCode) -> Colorspace:
    """What the bridge says of its own output (tc358743.c): YUV is BT.601 whatever the size."""
    return Colorspace.SMPTE170M if code in _YUV else Colorspace.SRGB


def _show(format: m.MbusFormat) -> str:
    return f"{_word(MbusCode, format.code)} {format.width}x{format.height} {_word(Colorspace, format.colorspace)}"


def _word(codes: type[MbusCode] | type[Colorspace], number: int) -> str:
    try:
        return codes(number).name
    except ValueError:
        return f"{number:#x}"


def _refused(what: str, error: OSError) -> DeviceGone:
    said = os.strerror(error.errno or 0)
    return DeviceGone(f"{what}: {said}", code="device_gone" if means_gone(error) else "pipeline_refused")


def _chips(graphs: list[MediaGraph]) -> str:
    return "; ".join(f"{one.bus} has {', '.join(entity.name for entity in one.entities)}" for one in graphs)
