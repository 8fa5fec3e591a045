"""The contract over a broker of another kind that speaks MQTT 3.1.1 only: nats-server, which has no MQTT 5."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from edge.controller.client import Controller
from edge.controller.home import Home
from edge.link.engine import Broker, Dialect, Engine
from tests.broker_program import BrokerProgram
from tests.mqtt_box import LinkBox
from tests.mqtt_orders import order, signed, trust
from tests.mqtt_peer import Peer
from tests.running_box import free_port

pytestmark = pytest.mark.peer


class Nats(BrokerProgram):
    """Its MQTT side, which keeps sessions and retained messages on disk."""

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self._config = folder / "nats.conf"
        self._config.write_text(
            f"server_name: test\nlisten: 127.0.0.1:{free_port()}\njetstream {{ store_dir: {folder / 'store'} }}\n"
            f"mqtt {{ listen: 127.0.0.1:{self.port} }}\n"
        )

    def argv(self) -> Sequence[str]:
        return "nats-server", "-c", str(self._config)


@pytest.fixture
def nats(tmp_path: Path) -> Iterator[Nats]:
    broker = Nats(tmp_path)
    broker.start()
    yield broker
    broker.stop()


@pytest.fixture
def box(nats: Nats, tmp_path: Path) -> LinkBox:
    box = LinkBox(port=nats.port, state_dir=tmp_path / "state")
    box.keyring.add(trust())
    return box


async def test_the_older_protocol_is_found_out_and_remembered(nats: Nats) -> None:
    dialect = Dialect()
    for _ in range(2):
        engine = Engine(client_id="box-aabbcc", broker=Broker("127.0.0.1", nats.port), dialect=dialect)
        await engine.connect()
        await engine.close()
        assert dialect.version == 4


async def test_presence_state_and_results_are_as_over_mqtt_5(nats: Nats, box: LinkBox) -> None:
    async with box.running(), Peer(port=nats.port, box=box.id) as peer:
        await peer.online()
        assert await peer.final(await peer.command("stream.start", {"sink": "srt"})) == ("done", "ok")
        name = await peer.command("stream.stop", {"sink": "srt"})
        assert await peer.final(name) == ("done", "ok")
        await peer.until(lambda: peer.bodies("state")[-1]["sinks"][0]["state"] == "stopped", "the state")
    async with Peer(port=nats.port, box=box.id) as peer:
        await peer.until(lambda: bool(peer.bodies("link") and peer.bodies("state")), "what is retained")
        assert peer.bodies("link")[-1]["state"] == "offline"
    assert box.runs == ["srt live", "srt stopped"]


async def test_a_retained_command_runs_at_most_once_and_is_reported(nats: Nats, box: LinkBox) -> None:
    """The first time nothing shows that it is retained; from then on the broker marks it as kept."""
    async with Peer(port=nats.port, box=box.id) as peer:
        async with box.running():
            await peer.online()
            body = order(box.id, "stream.start", {"sink": "srt"})
            await peer.say("cmd", signed(body), retain=True)
            assert await peer.final(body["id"]) == ("done", "ok")
        async with box.running():
            await peer.until(lambda: any(e["code"] == "command.refused" for e in peer.bodies("evt")), "the report")
    assert box.runs == ["srt live"]


async def test_a_killed_broker_loses_no_event(nats: Nats, box: LinkBox) -> None:
    async with box.running():
        for n in range(20):
            box.link.audit("test", {"n": n})
        async with Peer(port=nats.port, box=box.id) as peer:
            await peer.online()
        nats.stop()
        for n in range(20):
            box.link.audit("test", {"n": n})
        nats.start()
        async with Peer(port=nats.port, box=box.id) as peer:
            await peer.until(lambda: {e["eseq"] for e in peer.bodies("evt")} >= set(range(22, 42)), "all events")


async def test_the_controller_commands_a_box_there(nats: Nats, box: LinkBox, tmp_path: Path) -> None:
    home = Home(tmp_path / "home")
    key = home.key()
    box.keyring.add(trust(kid=key.kid, public=key.public.base64))
    async with (
        box.running(),
        Controller(broker=Broker("127.0.0.1", nats.port), key=key, home=home, follow=True) as controller,
    ):
        await controller.box(box.id, timeout_s=20)
        result = await controller.send(box.id, "stream.start", {"sink": "srt"})
        assert (result.st, dict(result.payload)) == ("done", {"sink": "srt", "state": "live"})
