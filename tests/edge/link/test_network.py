from edge.link.desired import LinkWish
from edge.link.engine import Broker
from edge.link.network import Network
from tests.fakes import FakeClock

HOME = Broker("10.0.0.1", 8883)
AWAY = LinkWish(broker=("10.0.0.2", 8884), reconnect_spread_s=30.0)


def network(clock: FakeClock | None = None) -> Network:
    return Network(configured=HOME, spread_s=5.0, clock=clock or FakeClock())


def test_as_configured_until_a_document_says_otherwise() -> None:
    net = network()
    assert (net.broker, net.spread_s, net.on_trial, net.moved.is_set()) == (HOME, 5.0, False, False)
    assert not net.changes(LinkWish())
    assert not net.changes(LinkWish(broker=("10.0.0.1", 8883)))
    assert net.changes(AWAY)


def test_a_trial_moves_the_link_and_holds_nothing_yet() -> None:
    net = network()
    net.try_out(AWAY)
    assert (net.broker, net.on_trial, net.moved.is_set()) == (Broker("10.0.0.2", 8884), True, True)
    assert net.spread_s == 5.0
    net.moved.clear()
    net.revert()
    assert (net.broker, net.on_trial, net.moved.is_set()) == (HOME, False, True)


def test_what_was_tried_can_be_adopted_without_another_move() -> None:
    net = network()
    net.try_out(AWAY)
    net.moved.clear()
    net.adopt(AWAY)
    assert (net.broker.host, net.spread_s, net.on_trial, net.moved.is_set()) == ("10.0.0.2", 30.0, False, False)
    net.adopt(LinkWish())
    assert (net.broker, net.spread_s, net.moved.is_set()) == (HOME, 5.0, True)


def test_a_trial_has_180_s() -> None:
    clock = FakeClock()
    net = network(clock)
    net.try_out(AWAY)
    clock.advance(179_000)
    assert net.left_s == 1.0
    clock.advance(2_000)
    assert net.left_s == 0.0


def test_going_back_without_a_trial_is_nothing() -> None:
    net = network()
    net.revert()
    assert not net.moved.is_set()
