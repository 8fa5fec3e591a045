from __future__ import annotations

import ssl

from edge.link.desired import LinkWish
from edge.link.engine import Broker
from edge.link.network import Network
from edge.link.route import Route
from tests.fakes import FakeClock

HOME = Broker("10.0.0.1", 8883)
AWAY = LinkWish(broker=("10.0.0.2", 8884), reconnect_spread_s=30.0)
NEW_HOME = Broker("10.0.0.9", 8883)


def network(clock: FakeClock | None = None, *, own: bool = False) -> tuple[Network, Route]:
    route = Route(HOME, own=own)
    return Network(route=route, spread_s=5.0, clock=clock or FakeClock()), route


def test_as_configured_until_a_document_says_otherwise() -> None:
    net, route = network()
    assert (net.broker, net.spread_s, net.on_trial, route.arrived()) == (HOME, 5.0, False, False)
    assert not net.changes(LinkWish())
    assert not net.changes(LinkWish(broker=("10.0.0.1", 8883)))
    assert net.changes(AWAY)


def test_a_trial_moves_the_link_and_holds_nothing_yet() -> None:
    net, route = network()
    net.try_out(AWAY)
    assert (net.broker, net.on_trial, route.arrived()) == (Broker("10.0.0.2", 8884), True, True)
    assert net.spread_s == 5.0
    net.revert()
    assert (net.broker, net.on_trial, route.arrived()) == (HOME, False, True)


def test_what_was_tried_can_be_adopted_without_another_move() -> None:
    net, route = network()
    net.try_out(AWAY)
    assert route.arrived()
    net.adopt(AWAY)
    assert (net.broker.host, net.spread_s, net.on_trial, route.arrived()) == ("10.0.0.2", 30.0, False, False)
    net.adopt(LinkWish())
    assert (net.broker, net.spread_s, route.arrived()) == (HOME, 5.0, True)


def test_a_trial_has_180_s() -> None:
    clock = FakeClock()
    net, _ = network(clock)
    net.try_out(AWAY)
    clock.advance(179_000)
    assert net.left_s == 1.0
    clock.advance(2_000)
    assert net.left_s == 0.0


def test_going_back_without_a_trial_is_nothing() -> None:
    net, route = network()
    net.revert()
    assert not route.arrived()


def test_a_pairing_elsewhere_ends_what_a_document_said_of_the_broker() -> None:
    net, route = network()
    net.adopt(AWAY)
    assert net.broker.host == "10.0.0.2"
    route.move(NEW_HOME)
    assert net.broker == NEW_HOME
    route.move(HOME)
    assert net.broker.host == "10.0.0.2", "the pairing came to nothing"


def test_a_pairing_elsewhere_ends_a_trial() -> None:
    net, route = network()
    net.try_out(AWAY)
    route.move(NEW_HOME)
    assert (net.broker, net.on_trial) == (NEW_HOME, False)


def test_the_boxs_own_broker_is_tried_again_soon() -> None:
    net, route = network(own=True)
    assert net.spread_s == 0.5
    net.adopt(AWAY)
    assert net.spread_s == 30.0
    route.move(NEW_HOME)
    assert net.spread_s == 30.0


def test_a_renewed_certificate_changes_nothing_of_where_the_link_goes() -> None:
    net, route = network()
    net.adopt(AWAY)
    renewed = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    route.move(Broker(HOME.host, HOME.port, renewed))
    assert net.broker == Broker("10.0.0.2", 8884, renewed)
