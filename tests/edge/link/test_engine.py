"""The packet engine against a broker that does what a good one will not."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any

import pytest

from edge.link.engine import KEEPALIVE_S, SESSION_EXPIRY_S, Broker, Dialect, Engine, Message, Will
from edge.model.errors import EdgeError, Forbidden, PeerGone
from tests.fake_broker import (
    MAXIMUM_PACKET,
    PUBLISH,
    RECEIVE_MAXIMUM,
    SERVER_REFERENCE,
    SESSION_EXPIRY,
    FakeBroker,
    numbers,
    packet,
    text,
)


@pytest.fixture
async def broker() -> AsyncIterator[FakeBroker]:
    async with FakeBroker() as broker:
        yield broker


def engine_at(broker: FakeBroker, **how: Any) -> Engine:
    return Engine(client_id="box-aabbcc", broker=Broker("127.0.0.1", broker.port), **how)


@contextlib.asynccontextmanager
async def connected(broker: FakeBroker, **how: Any) -> AsyncIterator[Engine]:
    engine = engine_at(broker, **how)
    try:
        await engine.connect()
        yield engine
    finally:
        await engine.close()


async def lost(engine: Engine) -> EdgeError:
    async with asyncio.timeout(10):
        return await engine.lost()


async def test_the_hello_says_what_the_contract_says(broker: FakeBroker) -> None:
    async with connected(broker, will=Will("t", b"w")):
        pass
    hello = broker.hellos[0]
    assert (hello.version, hello.clean, hello.keepalive_s, hello.client_id) == (5, False, KEEPALIVE_S, "box-aabbcc")
    assert hello.properties == {SESSION_EXPIRY: SESSION_EXPIRY_S, RECEIVE_MAXIMUM: 16, MAXIMUM_PACKET: 256 << 10}
    await broker.until(lambda: broker.goodbyes == 1, "a good-bye")


@pytest.mark.parametrize("kept", [True, False])
async def test_connecting_tells_whether_the_session_was_kept(broker: FakeBroker, kept: bool) -> None:
    broker.manners.session_kept = kept
    engine = engine_at(broker)
    assert await engine.connect() is kept
    await engine.close()


@pytest.mark.parametrize(
    ("reason", "code"),
    [
        *((reason, "broker_refuses") for reason in (0x85, 0x86, 0x87, 0x8A, 0x8C, 0x97)),
        *((reason, "peer_gone") for reason in (0x80, 0x81, 0x82, 0x83, 0x88, 0x89, 0x90, 0x95, 0x9A, 0x9B, 0x9F)),
    ],
)
async def test_a_refusal_says_whether_to_try_again_soon(broker: FakeBroker, reason: int, code: str) -> None:
    broker.manners.connack = reason
    engine = engine_at(broker)
    with pytest.raises((PeerGone, Forbidden), match="refuses us") as caught:
        await engine.connect()
    assert caught.value.code == code
    await engine.close()


async def test_a_redirect_is_told_and_not_followed(broker: FakeBroker) -> None:
    broker.manners.connack = 0x9D
    broker.manners.connack_properties = bytes((SERVER_REFERENCE,)) + text("other.example:8883")
    engine = engine_at(broker)
    with pytest.raises(PeerGone, match=r"Server moved \(other.example:8883\)"):
        await engine.connect()
    await engine.close()
    assert broker.connections == 1


@pytest.mark.parametrize("lacks", ["MAXIMUM_QOS", "RETAIN_AVAILABLE"])
async def test_a_broker_that_lacks_what_the_contract_needs_is_unfit(broker: FakeBroker, lacks: str) -> None:
    broker.manners.connack_properties = numbers(**{lacks: 0})
    engine = engine_at(broker)
    with pytest.raises(Forbidden, match="offers no") as caught:
        await engine.connect()
    assert caught.value.code == "broker_unfit"
    await engine.close()


@pytest.mark.parametrize("how", ["in MQTT 3.1.1's form", "in MQTT 5's form"])
async def test_an_old_broker_is_spoken_to_in_its_own_words_and_that_is_remembered(broker: FakeBroker, how: str) -> None:
    broker.manners.speaks_5 = how == "in MQTT 5's form"
    dialect = Dialect()
    for _ in range(2):
        if broker.manners.speaks_5:
            broker.manners.connack = 0x84 if not broker.hellos else 0
        engine = engine_at(broker, dialect=dialect, will=Will("t", b"w"))
        connecting = asyncio.ensure_future(engine.connect())
        await broker.until(lambda: bool(broker.hellos), "a hello")
        broker.manners.connack = 0
        await connecting
        await engine.close()
    assert [hello.version for hello in broker.hellos] == [5, 4, 4]
    assert [hello.clean for hello in broker.hellos] == [False] * 3


async def test_without_properties_everything_still_works(broker: FakeBroker) -> None:
    broker.manners.speaks_5 = False
    async with connected(broker) as engine:
        await engine.subscribe("a", "b")
        assert await (await engine.publish("t", b"1", retain=True, expiry_s=9)) == 0
        engine.publish_once("t", b"2", expiry_s=9)
        await broker.until(lambda: len(broker.published) == 2, "both")
        broker.deliver("a", b"x", mid=7)
        message = await engine.inbox.get()
        assert message == Message("a", b"x", 1, False, 7)
        engine.acknowledge(message)
        await broker.until(lambda: broker.acked == [7], "the acknowledgement")
    assert broker.subscribed == ["a", "b"]


async def test_what_a_3_1_1_broker_cannot_say_it_refuses_by_number(broker: FakeBroker) -> None:
    broker.manners.speaks_5 = False
    broker.manners.connack = 5
    engine = engine_at(broker)
    with pytest.raises(Forbidden, match="Not authorized"):
        await engine.connect()
    await engine.close()


async def test_never_more_in_flight_than_the_broker_takes(broker: FakeBroker) -> None:
    broker.manners.connack_properties = numbers(RECEIVE_MAXIMUM=1)
    broker.manners.puback = lambda published: None
    async with connected(broker) as engine:
        first = await engine.publish("t", b"1")
        second = asyncio.ensure_future(engine.publish("t", b"2"))
        engine.publish_once("t", b"not counted")
        await broker.until(lambda: len(broker.published) == 2, "the first, and what does not count")
        assert [one.payload for one in broker.published] == [b"1", b"not counted"]
        broker.acknowledge(broker.published[0].mid)
        assert await first == 0
        await second
        await broker.until(lambda: len(broker.published) == 3, "the second")


async def test_a_message_above_the_brokers_size_is_not_sent_and_told(broker: FakeBroker) -> None:
    broker.manners.connack_properties = numbers(MAXIMUM_PACKET=200)
    async with connected(broker) as engine:
        room = engine.room_bytes("t")
        assert await (await engine.publish("t", b"x" * (room + 1))) == 0x95
        engine.publish_once("t", b"x" * (room + 1), expiry_s=120)
        assert await (await engine.publish("t", b"x" * room, expiry_s=120)) == 0
    assert [len(one.payload) for one in broker.published] == [room]
    assert room > 150


async def test_a_failed_acknowledgement_is_handed_on(broker: FakeBroker) -> None:
    broker.manners.puback = lambda published: 0x87
    async with connected(broker) as engine:
        assert await (await engine.publish("t", b"1")) == 0x87


async def test_a_refused_subscription_names_the_topic(broker: FakeBroker) -> None:
    broker.manners.suback = 0x87
    async with connected(broker) as engine:
        with pytest.raises(Forbidden, match="subscription to eb/1/x/cmd") as caught:
            await engine.subscribe("eb/1/x/cmd")
        assert caught.value.code == "subscription_refused"


async def test_a_broker_that_kicks_after_its_welcome_is_a_lost_one(broker: FakeBroker) -> None:
    broker.manners.kicks = True
    async with connected(broker) as engine:
        assert isinstance(await lost(engine), PeerGone)
        with pytest.raises(PeerGone):
            await engine.publish("t", b"")


async def test_a_broker_that_hangs_up_before_its_welcome_is_gone(broker: FakeBroker) -> None:
    broker.manners.connack = None
    engine = engine_at(broker)
    with pytest.raises(PeerGone, match="closed"):
        await engine.connect()
    await engine.close()


@pytest.mark.parametrize(("reason", "code"), [(0x8E, "taken_over"), (0x87, "broker_refuses"), (0x8B, "peer_gone")])
async def test_the_brokers_reason_for_ending_it_is_told(broker: FakeBroker, reason: int, code: str) -> None:
    async with connected(broker) as engine:
        broker.kick(reason)
        assert (await lost(engine)).code == code


@pytest.mark.parametrize(
    "garbage",
    [
        b"\x00\x00",
        b"HTTP/1.1 400 Bad Request\r\nServer: not a broker\r\n" + b"x" * 100,
        b"\x30\xff\xff\xff\xff\x7f",
        b"\x30" + b"\xff\xff\xff\x7f",
        packet(PUBLISH, b"\xff\xff"),
        packet(PUBLISH, b"\x00\x01\xff\x00", flags=0),
        packet(PUBLISH, b"\x00\x01t\x05\xee\x00\x00\x00\x00"),
        packet(PUBLISH, text("t") + b"\x00\x01\x00", flags=4),
        packet(PUBLISH, text("t") + b"\x00\x01\x00", flags=6),
        packet(2, b"\x00\xfe\x00"),
        packet(4, b"\x00"),
        packet(9, b""),
        packet(13, b"more"),
        packet(15, b"\x00"),
    ],
)
async def test_bytes_that_are_no_mqtt_end_the_connection_and_nothing_else(broker: FakeBroker, garbage: bytes) -> None:
    async with connected(broker) as engine:
        broker.send(garbage)
        assert isinstance(await lost(engine), PeerGone)


async def test_a_session_of_garbage_before_the_welcome_is_a_gone_peer(broker: FakeBroker) -> None:
    broker.manners.connack = 0xFE
    engine = engine_at(broker)
    with pytest.raises(PeerGone):
        await engine.connect()
    await engine.close()


async def test_answers_to_what_was_never_said_change_nothing(broker: FakeBroker) -> None:
    async with connected(broker) as engine:
        broker.acknowledge(999)
        broker.acknowledge(999, 0x97)
        broker.send(packet(9, b"\x03\xe7\x00\x00"))
        assert await (await engine.publish("t", b"1")) == 0


async def test_a_broker_that_does_not_read_costs_no_memory(broker: FakeBroker) -> None:
    broker.manners.reads = False
    async with connected(broker) as engine:
        for _ in range(20_000):
            engine.publish_once("t", b"x" * 1000)
        assert engine._wire is not None
        assert engine._wire.unsent_bytes < 100_000


async def test_more_than_we_can_use_waits_in_the_network(broker: FakeBroker) -> None:
    async with connected(broker) as engine:
        for n in range(500):
            broker.deliver("t", b"%d" % n, qos=0)
        first = await engine.inbox.get()
        assert engine.inbox.qsize() <= 64
        seen = [first]
        engine.acknowledge(first)
        while len(seen) < 500:
            async with asyncio.timeout(10):
                seen.append(await engine.inbox.get())
            engine.acknowledge(seen[-1])
        assert [int(m.payload) for m in seen] == list(range(500))


async def test_messages_in_flight_fail_with_the_connection(broker: FakeBroker) -> None:
    broker.manners.puback = lambda published: None
    async with connected(broker) as engine:
        answer = await engine.publish("t", b"1")
        broker.kick()
        with pytest.raises(PeerGone):
            await answer


async def test_whoever_waits_for_a_turn_hears_of_the_end(broker: FakeBroker) -> None:
    broker.manners.puback = lambda published: None
    async with connected(broker) as engine:
        for n in range(16):
            await engine.publish("t", b"%d" % n)
        waiting = asyncio.ensure_future(engine.publish("t", b"17"))
        await broker.until(lambda: len(broker.published) == 16, "sixteen")
        broker.kick()
        with pytest.raises(PeerGone):
            await waiting


async def test_a_broker_that_falls_silent_is_noticed(broker: FakeBroker) -> None:
    broker.manners.pings = False
    async with connected(broker, keepalive_s=1) as engine:
        assert "nothing was heard" in str(await lost(engine))
    assert broker.pings == 1


async def test_the_brokers_own_keepalive_is_kept_to(broker: FakeBroker) -> None:
    broker.manners.connack_properties = numbers(SERVER_KEEPALIVE=1)
    async with connected(broker):
        await broker.until(lambda: broker.pings == 1, "a question within the broker's second")


async def test_a_second_life_needs_a_second_engine(broker: FakeBroker) -> None:
    async with connected(broker) as engine:
        pass
    assert isinstance(await lost(engine), PeerGone)
