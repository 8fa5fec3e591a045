import asyncio

import pytest

from edge.link.engine import Broker
from edge.link.route import MOVED, Route
from edge.model.errors import Busy, Forbidden, PeerGone, TimedOut

HOME, AWAY = Broker("127.0.0.1", 1), Broker("away.example", 2)


@pytest.fixture
def route() -> Route:
    return Route(HOME, own=True)


async def soon(route: Route) -> None:
    """The link notices that it was moved."""
    await route.rest(10)
    assert route.arrived()


async def test_a_trial_that_is_reached_stays(route: Route) -> None:
    trial = asyncio.ensure_future(route.attempt(AWAY))
    await soon(route)
    assert (route.broker, route.own) == (AWAY, False)
    route.reached()
    await trial
    assert (route.broker, route.own, route.broker.where) == (AWAY, False, "away.example:2")


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


async def test_a_connection_ends_when_the_route_moves_and_may_say_good_bye(route: Route) -> None:
    said: list[str] = []

    async def connection() -> None:
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            said.append("good-bye")
            raise

    staying = asyncio.ensure_future(route.stay(connection()))
    await asyncio.sleep(0)
    route.move(AWAY)
    with pytest.raises(PeerGone) as caught:
        await staying
    assert (caught.value.code, said) == (MOVED, ["good-bye"])


async def test_a_connections_own_end_is_passed_on(route: Route) -> None:
    async def connection() -> None:
        raise ExceptionGroup("lost", [PeerGone("lost")])

    with pytest.raises(ExceptionGroup):
        await route.stay(connection())


async def test_whoever_rests_is_woken_by_a_move_and_by_nothing_else(route: Route) -> None:
    await route.rest(0.01)
    assert not route.arrived()
    resting = asyncio.ensure_future(route.rest(60))
    await asyncio.sleep(0)
    route.move(AWAY)
    await resting
