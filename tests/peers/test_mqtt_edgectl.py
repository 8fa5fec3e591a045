"""`edgectl` as a person types it: a subprocess against a box's link and web server and a real broker."""

import asyncio
import contextlib
import json
import os
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from edge.controller.client import Controller
from edge.controller.home import Home
from edge.controller.local import trust_local
from edge.link.engine import Broker
from edge.model.command import ResultState
from edge.model.errors import EdgeError
from edge.runtime.component import Context
from edge.vault.pairing import PairingDesk
from edge.web.app import create_app
from edge.web.server import WebServer
from tests.mqtt_box import LinkBox, ToldClock
from tests.mqtt_fleet import REPOSITORY, edgectl
from tests.peers.conftest import Mosquitto
from tests.running_box import free_port

pytestmark = pytest.mark.peer


@contextlib.asynccontextmanager
async def trusted_box(
    mosquitto: Mosquitto, tmp_path: Path, *, synced: bool = True
) -> AsyncIterator[tuple[LinkBox, Path]]:
    box = LinkBox(port=mosquitto.port, state_dir=tmp_path / "state", clock=ToldClock(synced=synced))
    home = tmp_path / "home"
    trust_local(home=home, keyring=box.keyring, box=box.id, broker=("127.0.0.1", mosquitto.port))
    async with box.running():
        yield box, home


@contextlib.asynccontextmanager
async def web_of(box: LinkBox, desk: PairingDesk) -> AsyncIterator[str]:
    """The box's web server; its address. Neither viewers nor pictures are asked for here."""
    nothing: Any = None
    app = create_app(
        board=box.board,
        bus=box.bus,
        whep=nothing,
        pictures=nothing,
        pairing=desk,
        admission=nothing,
        clock=box.clock,
        host="127.0.0.1",
    )
    port, ctx = free_port(), Context()
    serving = asyncio.ensure_future(WebServer(app=app, host="127.0.0.1", port=port).run(ctx))
    async with asyncio.timeout(10):
        while not ctx.is_ready:
            await asyncio.sleep(0.02)
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        ctx.ask_to_stop()
        await asyncio.wait_for(serving, 10)


async def test_pair_then_command_a_box_end_to_end(mosquitto: Mosquitto, tmp_path: Path) -> None:
    box = LinkBox(port=mosquitto.port, state_dir=tmp_path / "state")
    home = tmp_path / "home"
    desk = PairingDesk(
        keyring=box.keyring,
        box=box.id,
        clock=box.clock,
        broker=("127.0.0.1", mosquitto.port),
        audit=box.link.audit,
    )
    async with box.running(), web_of(box, desk) as url:
        code, _, err = await edgectl(home, "pair", url, "--code", "00000000")
        assert (code, err) == (1, "edgectl: pairing is not open: show a code on the box first\n")
        digits, _ = desk.open_code()
        code, out, err = await edgectl(home, "pair", url, "--code", digits)
        assert (code, err) == (0, "")
        assert out == f"paired with {box.id}, met at the broker 127.0.0.1:{mosquitto.port}\n"
        assert (await edgectl(home, "start", "srt"))[0] == 0
    assert box.runs == ["srt live"]


async def test_start_stop_and_send_print_what_happened(mosquitto: Mosquitto, tmp_path: Path) -> None:
    async with trusted_box(mosquitto, tmp_path) as (box, home):
        code, out, err = await edgectl(home, "start", "srt")
        assert (code, err) == (0, "")
        first, rest = out.split("\n", 1)
        assert first.startswith(f"{box.id}: stream.start done (")
        assert json.loads(rest) == {"sink": "srt", "state": "live"}
        assert (await edgectl(home, "stop", box.id, "srt"))[0] == 0
        assert (await edgectl(home, "send", box.id[4:8], "stream.start", "sink=srt"))[0] == 0
        assert (await edgectl(home, "send", "stream.stop", 'sink="srt"'))[0] == 0
    assert box.runs == ["srt live", "srt stopped"] * 2


async def test_a_refusal_is_one_line_with_the_boxs_code(mosquitto: Mosquitto, tmp_path: Path) -> None:
    async with trusted_box(mosquitto, tmp_path) as (box, home):
        code, out, err = await edgectl(home, "start", "nope")
        assert (code, out) == (1, "")
        assert err == f"edgectl: {box.id}: stream.start rejected: unknown_sink: no sink 'nope'\n"
        code, _, err = await edgectl(home, "send", "no.such")
        assert (code, err) == (1, f"edgectl: {box.id}: no.such rejected: unknown_operation: no operation 'no.such'\n")
        code, _, err = await edgectl(home, "send", "--if-rev", "999999", "stream.stop", "sink=srt")
        assert code == 1
        assert "rev_mismatch" in err


async def test_a_box_without_a_good_clock_gets_the_challenge_by_itself(mosquitto: Mosquitto, tmp_path: Path) -> None:
    async with trusted_box(mosquitto, tmp_path, synced=False) as (_, home):
        assert (await edgectl(home, "start", "srt"))[0] == 0


async def test_an_operation_that_takes_too_long_is_told_apart_from_silence(
    mosquitto: Mosquitto, tmp_path: Path
) -> None:
    async with trusted_box(mosquitto, tmp_path) as (box, home):
        code, _, err = await edgectl(home, "--timeout", "1", "send", "slow.wait")
        assert (code, err) == (1, f"edgectl: {box.id} did not answer slow.wait finally (it was accepted) within 1 s\n")


async def test_a_box_that_left_is_told_at_once(mosquitto: Mosquitto, tmp_path: Path) -> None:
    async with trusted_box(mosquitto, tmp_path) as (box, home):
        assert (await edgectl(home, "start", "srt"))[0] == 0
    code, _, err = await edgectl(home, "start", "srt")
    assert (code, err) == (1, f"edgectl: {box.id} is offline\n")


async def test_watch_once_is_a_plain_table(mosquitto: Mosquitto, tmp_path: Path) -> None:
    async with trusted_box(mosquitto, tmp_path) as (box, home):
        await edgectl(home, "start", "srt")
        code, out, err = await edgectl(home, "watch", "--once")
    assert (code, err) == (0, "")
    head, row = out.splitlines()
    assert head.split() == [
        *("box", "link", "signal", "live", "sinks", "bitrate", "fps", "box", "p95"),
        *head.split()[9:],
    ]
    assert row.split()[:4] == [box.id, "online", "locked", "LIVE"]


async def test_a_controller_survives_a_restart_of_the_broker(mosquitto: Mosquitto, tmp_path: Path) -> None:
    async with trusted_box(mosquitto, tmp_path) as (box, home_path):
        home = Home(home_path)
        broker = Broker("127.0.0.1", mosquitto.port)
        async with Controller(broker=broker, key=home.key(), home=home) as controller:
            assert (await controller.send(box.id, "stream.start", {"sink": "srt"})).st is ResultState.DONE
            mosquitto.stop()
            async with asyncio.timeout(20):
                while controller.connected:
                    await asyncio.sleep(0.02)
            with pytest.raises(EdgeError, match="not connected to the broker"):
                await controller.send(box.id, "stream.stop", {"sink": "srt"})
            mosquitto.start()
            async with asyncio.timeout(30):
                while not controller.connected or box.board.get("link")["state"] != "online":
                    await asyncio.sleep(0.05)
            assert (await controller.send(box.id, "stream.stop", {"sink": "srt"})).st is ResultState.DONE


async def test_the_live_table_redraws_and_leaves_on_interrupt(mosquitto: Mosquitto, tmp_path: Path) -> None:
    async with trusted_box(mosquitto, tmp_path) as (box, home):
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "edge.controller.cli", "--home", str(home), "watch"),
            cwd=REPOSITORY,
            env={**os.environ, "COLUMNS": "160", "FORCE_COLOR": "1"},
            stdout=asyncio.subprocess.PIPE,
        )
        assert process.stdout is not None
        seen = b""
        async with asyncio.timeout(30):
            while b"LIVE" not in seen:
                seen += await process.stdout.read(4096)
        process.send_signal(2)
        rest, _ = await asyncio.wait_for(process.communicate(), 20)
        assert process.returncode == 0
        assert box.id.encode() in seen
        assert b"Traceback" not in seen + rest
