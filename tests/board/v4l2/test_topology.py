"""A media device is read whole, by names, also while it changes."""

from __future__ import annotations

import errno

import pytest

from board.v4l2.abi.requests import MediaIoc
from board.v4l2.node import Node
from board.v4l2.topology import media_devices, read_graph
from edge.model.errors import DeviceGone
from tests.board.kit import HandClock
from tests.board.v4l2.drivers.kernel import FakeKernel
from tests.board.v4l2.drivers.media import MediaNode
from tests.board.v4l2.drivers.rp1_cfe import Rp1Cfe


@pytest.fixture
def driver() -> Rp1Cfe:
    return Rp1Cfe(clock=HandClock())


@pytest.fixture
def node(driver: Rp1Cfe) -> Node:
    return Node(driver.media_path, kernel=driver.kernel)


def test_entities_are_found_by_the_beginning_of_their_names(node: Node) -> None:
    graph = read_graph(node)
    assert graph.entity("tc358743 ").name == "tc358743 11-000f"
    assert graph.entity("csi2").name == "csi2"
    assert graph.find("adv7611") is None
    with pytest.raises(DeviceGone, match=r"/dev/media3 \(rp1-cfe\) has no entity 'adv7611'; there is csi2, pisp-fe"):
        graph.entity("adv7611 ")


def test_an_exact_name_comes_before_a_longer_one() -> None:
    media = MediaNode(driver="rp1-cfe", bus="")
    media.entity("csi2-more", (81, 1))
    media.entity("csi2", (81, 2))
    kernel = FakeKernel(clock=HandClock())
    kernel.add("/dev/media0", media)
    assert read_graph(Node("/dev/media0", kernel=kernel)).entity("csi2").node == (81, 2)


def test_an_entity_leads_to_its_device_node(driver: Rp1Cfe, node: Node) -> None:
    graph = read_graph(node)
    path = graph.node_path(graph.entity("tc358743 "))
    assert path == "/dev/char/81:14"
    Node(path, kernel=driver.kernel).close()
    assert driver.subdev.files == []


def test_links_know_their_pads_and_their_state(node: Node) -> None:
    graph = read_graph(node)
    into = graph.link(graph.entity("tc358743 "), graph.entity("csi2"))
    assert graph.describe(into) == '"tc358743 11-000f":0 -> "csi2":0'
    assert (into.enabled, into.immutable) == (True, True)
    out = graph.link(graph.entity("csi2"), graph.entity("rp1-cfe-csi2_ch0"))
    assert graph.describe(out) == '"csi2":4 -> "rp1-cfe-csi2_ch0":0'
    assert (out.enabled, out.immutable) == (False, False)
    with pytest.raises(DeviceGone, match="no link leads from csi2 to tc358743"):
        graph.link(graph.entity("csi2"), graph.entity("tc358743 "))


@pytest.mark.parametrize("grows", [True, False])
def test_a_graph_that_changes_between_the_passes_is_read_again(driver: Rp1Cfe, node: Node, grows: bool) -> None:
    changes = [1, 2]

    def change() -> None:
        if changes:
            changes.pop()
            driver.media.version += 1
            if grows:
                driver.media.entity(f"late {len(changes)}", (81, 90))

    driver.media.on_read = change
    graph = read_graph(node)
    assert graph.version == driver.media.version
    assert len(graph.entities) == len(driver.media.entities)


def test_a_graph_that_never_rests_is_said_so(driver: Rp1Cfe, node: Node) -> None:
    def change() -> None:
        driver.media.version += 1

    driver.media.on_read = change
    with pytest.raises(DeviceGone, match="does not come to rest"):
        read_graph(node)


def test_a_device_that_fails_says_what_was_being_read(driver: Rp1Cfe, node: Node) -> None:
    driver.kernel.fail(MediaIoc.G_TOPOLOGY, errno.EIO)
    with pytest.raises(DeviceGone, match=r"/dev/media3: its topology cannot be read: Input/output error"):
        read_graph(node)


def test_media_devices_are_told_apart_by_driver(driver: Rp1Cfe) -> None:
    driver.kernel.add("/dev/media0", MediaNode(driver="pispbe", bus="platform:pispbe"))
    found = list(media_devices(driver.kernel, "rp1-cfe"))
    assert [one.path for one in found] == ["/dev/media3"]
    assert driver.kernel.open_paths == []
