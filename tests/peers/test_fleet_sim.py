"""`edge fleet-sim` at a real broker, seen by the real controller."""

import asyncio
import signal
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from edge.controller.client import Controller
from edge.controller.home import Home
from edge.link.engine import Broker
from tests.peers.conftest import Mosquitto

pytestmark = pytest.mark.peer
REPOSITORY = Path(__file__).parents[2]
BOXES = 12


async def until(controller: Controller, true: Callable[[], bool], what: str) -> None:
    try:
        async with asyncio.timeout(30):
            while not true():
                await controller.changed()
    except TimeoutError:
        raise AssertionError(f"never came: {what}") from None


async def test_a_fleet_reports_obeys_and_says_goodbye(mosquitto: Mosquitto, tmp_path: Path) -> None:
    home = Home(tmp_path / "home")
    argv = [sys.executable, "-m", "edge", "fleet-sim", "--boxes", str(BOXES), "--broker", f"127.0.0.1:{mosquitto.port}"]
    argv += ["--home", str(home.path), "--state", str(tmp_path / "boxes"), "--ramp", "0.5", "--streaming", "0.5"]
    process = await asyncio.create_subprocess_exec(*argv, cwd=REPOSITORY, stdout=asyncio.subprocess.PIPE)
    try:
        broker = Broker("127.0.0.1", mosquitto.port)
        async with Controller(broker=broker, key=home.key(), home=home) as controller:

            def counted(state: str) -> int:
                return sum(view.link.get("state") == state and bool(view.state) for view in controller.fleet.boxes())

            await until(controller, lambda: counted("online") == BOXES, "the whole fleet")
            views = controller.fleet.boxes()
            assert [view.id for view in views] == [f"sim-{n:05d}" for n in range(1, BOXES + 1)]
            assert sum(view.state["sinks"][0]["state"] == "live" for view in views) == BOXES // 2
            results = await asyncio.gather(
                *(controller.send(view.id, "stream.stop", {"sink": "srt"}) for view in views),
                controller.send("sim-00003", "sim.fault", {"fault": "no_signal", "seconds": 60}),
                controller.send("sim-00003", "stream.start", {"sink": "nowhere"}),
            )
            assert [(r.st, r.code) for r in results] == [("done", "ok")] * (BOXES + 1) + [("rejected", "unknown_sink")]
            await until(
                controller, lambda: controller.fleet.box("sim-00003").state["health"] == "failed", "the trouble"
            )
            process.send_signal(signal.SIGINT)
            await until(controller, lambda: counted("offline") == BOXES, "every good-bye")
        out, _ = await asyncio.wait_for(process.communicate(), 20)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    assert process.returncode == 0
    assert out.decode().splitlines()[-1] == f"stopped: {BOXES + 2} commands run in all"
    assert {box.id for box in home.boxes()} == {view.id for view in views}
