"""The whole link against a broker that misbehaves: the table of failures in docs/contracts/mqtt.md holds."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from tests.fake_broker import FakeBroker, Published, numbers
from tests.mqtt_box import LinkBox
from tests.mqtt_orders import order, signed, trust

_WAIT_S = 20.0


class Bench:
    """A box at the fake broker."""

    def __init__(self, broker: FakeBroker, box: LinkBox) -> None:
        self.broker = broker
        self.box = box

    def topic(self, leaf: str) -> str:
        return f"eb/1/{self.box.id}/{leaf}"

    def bodies(self, leaf: str) -> list[dict[str, Any]]:
        return [json.loads(one.payload) for one in self.broker.of(self.topic(leaf))]

    def eseqs(self) -> list[int]:
        """Of events and results, each once, in the order in which they first came."""
        topics = (self.topic("evt"), self.topic("res"))
        numbers = (json.loads(one.payload)["eseq"] for one in self.broker.published if one.topic in topics)
        return list(dict.fromkeys(numbers))

    def link(self) -> dict[str, Any]:
        return self.box.board.get("link") or {"state": "", "issues": [], "outbox": 0}

    async def until(self, true: Callable[[], bool], what: str) -> None:
        await self.broker.until(true, what)

    async def inside(self, true: Callable[[], bool], what: str) -> None:
        """For what is seen in the box, not on the wire."""
        try:
            async with asyncio.timeout(_WAIT_S):
                while not true():
                    await asyncio.sleep(0.01)
        except TimeoutError:
            raise AssertionError(f"never came: {what}") from None

    async def online(self) -> None:
        await self.until(lambda: bool(self.broker.of(self.topic("state"))), "its state")


@contextlib.asynccontextmanager
async def bench(tmp_path: Path, **manners: Any) -> AsyncIterator[Bench]:
    async with FakeBroker() as broker:
        for name, value in manners.items():
            setattr(broker.manners, name, value)
        box = LinkBox(port=broker.port, state_dir=tmp_path)
        box.keyring.add(trust())
        async with box.running():
            yield Bench(broker, box)


@pytest.fixture
def quick_retry(monkeypatch: pytest.MonkeyPatch) -> None:
    """Steps of 2^n are as for the first try."""
    monkeypatch.setattr("edge.link.retry.CAP_S", 0.1)


async def test_a_broker_that_kicks_each_time_loses_nothing_and_is_told_once(tmp_path: Path, quick_retry: None) -> None:
    async with bench(tmp_path, kicks=True) as it:
        await it.until(lambda: it.broker.connections >= 4, "tries")
        for n in range(5):
            it.box.link.audit("test", {"n": n})
        assert [issue["code"] for issue in it.link()["issues"]] == ["broker_unreachable"]
        it.broker.manners.kicks = False
        await it.until(lambda: len(it.eseqs()) >= 6, "all events")
        assert it.eseqs() == [1, 2, 3, 4, 5, 6]
        await it.inside(lambda: it.link()["issues"] == [], "good health")


@pytest.mark.parametrize(
    ("connack", "issue"), [(0x87, "broker_refuses"), (0x88, "broker_unreachable"), (0x9C, "broker_unreachable")]
)
async def test_a_refused_connection_is_told_with_what_to_do(
    tmp_path: Path, quick_retry: None, connack: int, issue: str
) -> None:
    async with bench(tmp_path, connack=connack) as it:
        await it.inside(lambda: bool(it.link()["issues"]), "the issue")
        assert it.link()["issues"][0]["code"] == issue
        assert it.link()["issues"][0]["suggestion"]
        it.broker.manners.connack = 0
        await it.online()


async def test_a_lost_session_is_begun_anew_from_the_last_acknowledgement(tmp_path: Path, quick_retry: None) -> None:
    async with bench(tmp_path) as it:
        for n in range(3):
            it.box.link.audit("test", {"n": n})
        await it.online()
        await it.until(lambda: it.eseqs() == [1, 2, 3, 4], "events")
        epoch = it.bodies("evt")[0]["epoch"]
        it.broker.deliver(it.topic("ack"), json.dumps({"epoch": epoch, "eseq": 2}).encode())
        await it.inside(lambda: it.link()["outbox"] == 2, "the acknowledgement")
        told = len(it.broker.published)
        it.broker.subscribed.clear()
        it.broker.kick()

        def again() -> list[Published]:
            return it.broker.published[told:]

        await it.until(lambda: sum(one.topic == it.topic("evt") for one in again()) >= 2, "the replay")
        await it.until(lambda: any(one.topic == it.topic("state") for one in again()), "its state")
        assert [json.loads(o.payload)["eseq"] for o in again() if o.topic == it.topic("evt")] == [3, 4]
        assert any(one.topic == it.topic("link") for one in again())
        assert it.broker.subscribed == [it.topic(leaf) for leaf in ("link", "cmd", "ack")] + ["eb/1/_ctl/+"]


async def test_a_kept_session_gets_no_replay_of_what_the_broker_has(tmp_path: Path, quick_retry: None) -> None:
    async with bench(tmp_path, session_kept=True) as it:
        await it.online()
        await it.until(lambda: it.eseqs() == [1], "the first event")
        it.broker.kick()
        await it.until(lambda: len(it.broker.hellos) == 2, "a second connection")
        it.box.link.audit("test", {})
        await it.until(lambda: it.eseqs() == [1, 2], "the next event")
        assert len(it.broker.of(it.topic("evt"))) == 2


async def test_with_one_message_at_a_time_everything_still_arrives_in_order(tmp_path: Path) -> None:
    async with bench(tmp_path, connack_properties=numbers(RECEIVE_MAXIMUM=1)) as it:
        for n in range(20):
            it.box.link.audit("test", {"n": n})
        await it.until(lambda: len(it.eseqs()) == 21, "all events")
        assert it.eseqs() == list(range(1, 22))


async def test_a_broker_that_never_acknowledges_is_left_and_nothing_is_lost(
    tmp_path: Path, quick_retry: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("edge.link.heartbeat._OWED_KEEPALIVES", 1)
    async with bench(tmp_path, puback=lambda published: None, connack_properties=numbers(SERVER_KEEPALIVE=1)) as it:
        await it.until(lambda: len(it.broker.hellos) == 2, "a second connection")
        it.broker.manners.puback = lambda published: 0
        it.box.link.audit("test", {})
        await it.inside(lambda: it.link()["state"] == "online", "online")
        await it.until(lambda: it.eseqs()[-1:] == [2], "both events")


async def test_an_event_too_large_for_the_broker_is_set_aside_and_the_next_ones_come(tmp_path: Path) -> None:
    async with bench(tmp_path, connack_properties=numbers(MAXIMUM_PACKET=2000)) as it:
        it.box.link.audit("large", {"text": "x" * 3000})
        it.box.link.audit("small", {})
        await it.until(lambda: "outbox.dead_letter" in [e["code"] for e in it.bodies("evt")], "the dead letter")
        assert it.eseqs() == [1, 3, 4]
        assert [e["data"] for e in it.bodies("evt") if e["code"] == "outbox.dead_letter"] == [{"eseq": 2}]
        assert max(len(one.payload) for one in it.broker.published) < 2000
        assert it.broker.connections == 1


async def test_garbage_from_the_broker_ends_one_connection_and_the_box_comes_back(
    tmp_path: Path, quick_retry: None
) -> None:
    async with bench(tmp_path) as it:
        await it.online()
        for garbage in (b"\x00\x01\x02", b"\x30\xff\xff\xff\xff\xff", b"\xf0\x00", b"\x32\x02\xff\xff"):
            before = len(it.broker.hellos)
            it.broker.send(garbage)
            await it.until(lambda b=before: len(it.broker.hellos) > b, "a new connection")  # type: ignore[misc]
        it.broker.deliver(it.topic("cmd"), signed(order(it.box.id, "stream.start", {"sink": "srt"})))
        await it.until(lambda: [r["cmd"]["st"] for r in it.bodies("res")] == ["accepted", "done"], "the result")


async def test_a_refused_subscription_is_told(tmp_path: Path) -> None:
    async with bench(tmp_path, suback=0x87) as it:
        await it.inside(lambda: bool(it.link()["issues"]), "the issue")
        assert it.link()["issues"][0]["code"] == "subscription_refused"


async def test_the_contract_holds_without_mqtt_5(tmp_path: Path, quick_retry: None) -> None:
    async with bench(tmp_path, speaks_5=False) as it:
        await it.online()
        it.broker.deliver(it.topic("cmd"), signed(order(it.box.id, "stream.start", {"sink": "srt"})), mid=1)
        await it.until(lambda: [r["cmd"]["st"] for r in it.bodies("res")] == ["accepted", "done"], "the result")
        kept = signed(order(it.box.id, "stream.stop", {"sink": "srt"}))
        it.broker.deliver(it.topic("cmd"), kept, retain=True, mid=2)  # as a broker sends it after a subscription
        await it.until(lambda: 2 in it.broker.acked, "its acknowledgement")
        await it.inside(lambda: it.link()["refused"] == {"retained": 1}, "the count")
        assert it.box.runs == ["srt live"]
        it.broker.kick()
        await it.until(lambda: len(it.broker.hellos) == 3, "a second connection")
    assert [hello.version for hello in it.broker.hellos] == [5, 4, 4]
