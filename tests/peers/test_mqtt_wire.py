"""What a running box and a controller really say, judged by the models of the contract."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from edge.controller.client import Controller
from edge.controller.home import Home
from edge.controller.wire.channels import CHANNELS, channel_of
from edge.controller.wire.judge import breaches
from edge.link.engine import Broker
from edge.model.status import Severity
from tests.mqtt_fleet import fleet
from tests.mqtt_peer import Peer
from tests.peers.conftest import Mosquitto

pytestmark = pytest.mark.peer


async def test_every_word_on_every_topic_keeps_the_contract(
    mosquitto: Mosquitto, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("edge.link.connection.STREAM_EVERY_S", 0.5)
    async with fleet(mosquitto.port, tmp_path, 1) as ((box,), home_path), Peer(port=mosquitto.port, box=box.id) as peer:
        home = Home(home_path)
        broker = Broker("127.0.0.1", mosquitto.port)
        async with Controller(broker=broker, key=home.key(), home=home, follow=True) as far:
            await far.send(box.id, "stream.start", {"sink": "srt"})
            await far.send(box.id, "stream.start", {"sink": "nope"})
            await far.send(box.id, "no.such")
            await far.send(box.id, "system.reset")
            await far.desire(box.id, b'{"v": 1, "box": "%s", "rev": 1, "sinks": {}}' % box.id.encode(), key=home.key())
            issue = {"code": "disk_low", "severity": Severity.ERROR, "since": "", "suggestion": ""}
            box.board.put("sinks", [{"name": "srt", "kind": "srt", "state": "live"}])
            box.board.put("issues", [issue])
            await peer.say("cmd", b"no command")
            await peer.until(lambda: any(one.get("state") == "raised" for one in peer.bodies("evt")), "the alarm")
            box.board.put("issues", [])
            await peer.until(lambda: bool(peer.bodies("tele/stream")) and bool(peer.bodies("ack")), "figures, ack")
            await peer.until(lambda: any(one.get("state") == "cleared" for one in peer.bodies("evt")), "the end of it")
        await asyncio.sleep(0)
    heard = [one for one in peer.heard if one.payload != b"no command"]
    wrong = {f"{one.topic}: {line}" for one in heard for line in breaches(one.topic, one.payload, qos=one.qos)}
    assert wrong == set()
    found = {channel.name for one in heard if (channel := channel_of(one.topic)) is not None}
    assert found == {channel.name for channel in CHANNELS}
