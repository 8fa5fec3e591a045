import asyncio

import pytest

from edge.link.engine import Broker
from edge.link.route import Route
from edge.model.errors import Busy, Forbidden, PeerGone, TimedOut

HOME, AWAY = Broker("127.0.0.1", 1), Broker("away.example", 2)


@pytest.fixture
def route() -> Route:
    return Route(HOME, own=True)


async def soon(route: Route) -> None:
    """The link notices that it was moved."""
    await asyncio.sleep(0)
    assert route.arrived()


async def test_a_trial_that_is_reached_stays(route: Route) -> None:
    trial = asyncio.ensure_future(route.attempt(AWAY))
    await soon(route)
    assert (route.broker, route.own) == (AWAY, False)
    route.reached()
    await trial
    assert (route.broker, route.own, route.where) == (AWAY, False, "away.example:2")


async def test_a_trial_that_fails_says_why_and_is_back_where_it_was(route: Route) -> None:
    trial = asyncio.ensure_future(route.attempt(AWAY))
    await soon(route)
    route.failed(Forbidden("the wrong name", code="broker_certificate_name"))
    with pytest.raises(Forbidden, match="the wrong name"):
        await trial
    assert (route.broker, route.own) == (HOME, True)
    assert route.arrived()


async def test_what_the_old_broker_says_decides_nothing_about_the_new_one(route: Route) -> None:
    trial = asyncio.ensure_future(route.attempt(AWAY))
    await asyncio.sleep(0)
    route.reached()
    route.failed(PeerGone("the old one is gone"))
    assert not trial.done()
    await soon(route)
    route.reached()
    await trial


async def test_a_trial_without_an_answer_ends(route: Route) -> None:
    with pytest.raises(TimedOut, match=r"away\.example:2"):
        await route.attempt(AWAY, timeout_s=0.01)
    assert route.broker == HOME


async def test_there_is_one_trial_at_a_time(route: Route) -> None:
    trial = asyncio.ensure_future(route.attempt(AWAY))
    await soon(route)
    with pytest.raises(Busy):
        await route.attempt(HOME)
    route.reached()
    await trial


def test_the_link_is_told_of_each_move_once(route: Route) -> None:
    told: list[str] = []
    route.on_move = lambda: told.append(route.where)
    assert not route.arrived()
    route.move(AWAY)
    assert told == ["away.example:2"]
    assert (route.arrived(), route.arrived()) == (True, False)
