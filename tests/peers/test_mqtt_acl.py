"""Access lists of a real Mosquitto: a box reaches its own topics and none of another's, whatever it tries."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterator

import pytest

from edge.link.engine import Engine, Message
from edge.vault.authority import Authority
from tests.mqtt_tls import TlsMosquitto, client_tls

pytestmark = pytest.mark.peer
BOX, OTHER, CONTROLLER, STRANGER = "box-aaaaaa", "box-bbbbbb", "ctl-aaaaaa", "ctl-ssssss"
WRITTEN = ("link", "state", "tele/health", "tele/stream", "evt", "res")
READ = ("desired", "cmd", "ack")
_MARK = "eb/1/_ctl/mark"


@pytest.fixture(scope="module")
def ground(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TlsMosquitto]:
    folder = tmp_path_factory.mktemp("acl")
    broker = TlsMosquitto(folder / "broker", Authority(folder / "ca"), controllers=[CONTROLLER])
    broker.start()
    yield broker
    broker.stop()


@contextlib.asynccontextmanager
async def client(ground: TlsMosquitto, name: str, *, client_id: str = "") -> AsyncIterator[Engine]:
    engine = Engine(
        client_id=client_id or f"{name}-x", broker=ground.broker(client_tls(ground.authority, name)), clean=True
    )
    await engine.connect()
    try:
        yield engine
    finally:
        await engine.close()


async def heard(engine: Engine) -> list[Message]:
    """All that came before the mark, which every client may read."""
    messages: list[Message] = []
    async with asyncio.timeout(10):
        while (message := await engine.inbox.get()).topic != _MARK:
            messages.append(message)
    return messages


async def say_all(engine: Engine, box: str) -> list[str]:
    """The leaves that the broker took; a refusal is a PUBACK of 0x80 and above."""
    taken = []
    for leaf in (*WRITTEN, *READ):
        code = await (await engine.publish(f"eb/1/{box}/{leaf}", b"{}"))
        if code < 0x80:
            taken.append(leaf)
    return taken


async def test_a_box_writes_its_own_topics_and_nobody_elses(ground: TlsMosquitto) -> None:
    async with client(ground, BOX) as box, client(ground, CONTROLLER) as controller:
        await controller.subscribe("eb/1/#")
        assert await say_all(box, BOX) == list(WRITTEN)
        assert await say_all(box, OTHER) == []
        assert await (await box.publish("eb/1/_ctl/mine", b"{}")) >= 0x80
        assert await (await box.publish("anything", b"{}")) >= 0x80
        await (await controller.publish(_MARK, b"{}"))
        topics = [message.topic for message in await heard(controller)]
    assert topics == [f"eb/1/{BOX}/{leaf}" for leaf in WRITTEN]


async def test_a_box_hears_what_is_for_it_and_nothing_of_another(ground: TlsMosquitto) -> None:
    async with client(ground, BOX) as box, client(ground, OTHER) as other, client(ground, CONTROLLER) as controller:
        await box.subscribe("eb/1/#", "#", f"eb/1/{OTHER}/#", "eb/1/+/cmd")
        await say_all(other, OTHER)
        for name in (BOX, OTHER):
            for leaf in READ:
                assert await (await controller.publish(f"eb/1/{name}/{leaf}", b"{}", retain=True)) < 0x80
        await (await controller.publish(_MARK, b"{}"))
        topics = {message.topic for message in await heard(box)}
    assert topics == {f"eb/1/{BOX}/{leaf}" for leaf in READ}


async def test_a_wish_for_what_is_retained_of_another_box_stays_without_answer(ground: TlsMosquitto) -> None:
    async with client(ground, CONTROLLER) as controller:
        for leaf in READ:
            await (await controller.publish(f"eb/1/{OTHER}/{leaf}", b"{}", retain=True))
    async with client(ground, OTHER) as other:
        for leaf in ("link", "state"):
            await (await other.publish(f"eb/1/{OTHER}/{leaf}", b"{}", retain=True))
    async with client(ground, BOX) as box, client(ground, CONTROLLER) as controller:
        await box.subscribe(*(f"eb/1/{OTHER}/{leaf}" for leaf in (*WRITTEN, *READ)), "eb/1/_ctl/+")
        await (await controller.publish(_MARK, b"{}"))
        assert await heard(box) == []


async def test_a_controller_reads_all_boxes_and_writes_in_nobodys_name(ground: TlsMosquitto) -> None:
    async with client(ground, CONTROLLER) as controller:
        assert await say_all(controller, BOX) == list(READ)


async def test_a_controller_without_rights_commands_nobody_and_hears_nobody(ground: TlsMosquitto) -> None:
    async with (
        client(ground, STRANGER) as stranger,
        client(ground, BOX) as box,
        client(ground, CONTROLLER) as controller,
    ):
        await stranger.subscribe("eb/1/#", "#")
        assert await say_all(stranger, BOX) == []
        await say_all(box, BOX)
        await (await controller.publish(_MARK, b"{}"))
        assert await heard(stranger) == []


async def test_another_boxs_client_id_gives_no_right_to_its_topics(ground: TlsMosquitto) -> None:
    """The certificate counts, not what a client calls itself."""
    async with client(ground, BOX, client_id=OTHER) as box:
        assert await say_all(box, OTHER) == []
