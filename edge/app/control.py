"""The process `edge-control`: page, HTTP, MQTT, health; it holds what the box is wanted to do."""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Mapping

import edge
from edge.app.findings import Findings
from edge.app.operations import Operations
from edge.app.paths import Places
from edge.app.plan_wire import to_wire
from edge.app.process import run_process
from edge.app.snapshots import LivePictures, Snapshots
from edge.app.whep_proxy import RtcViewers
from edge.app.wishes import Wishes
from edge.app.world import World
from edge.config.model import Config, MqttConfig
from edge.health.meter import BoxMeter
from edge.health.watch import HealthWatch, Watched
from edge.link.identity import box_id
from edge.link.link import Link
from edge.modality.library import Library
from edge.model.errors import EdgeError, PeerGone
from edge.model.picture import Size
from edge.model.status import ComponentState
from edge.runtime.clock import SystemClock, rfc3339
from edge.runtime.command_bus import CommandBus
from edge.runtime.component import Component, Context
from edge.runtime.ipc import IpcClient
from edge.runtime.issues import IssueBook
from edge.runtime.status_board import StatusBoard
from edge.runtime.supervisor import Supervisor
from edge.vault.keyring import Keyring
from edge.vault.pairing import PairingDesk
from edge.vault.seal import Sealer
from edge.web.app import create_app
from edge.web.server import WebServer

_LOG = logging.getLogger(__name__)
_REFRESH_S = 1.0
_OWN_BROKER_SPREAD_S = 0.5  # one box on one broker: nobody to make room for


class ControlProcess:
    """Wires the control parts of one box. Make it inside the event loop."""

    def __init__(self, *, config: Config, places: Places) -> None:
        clock = self._clock = SystemClock()
        library = Library.load(config.modality.presets_dir)
        sealer = Sealer(places.state / "box.key")
        self._changed = asyncio.Event()  # a wish, or a process that has come back and must be told them all
        self._board = StatusBoard()
        self._bus = CommandBus()
        self._wishes = Wishes(config=config, path=places.state / "wishes.sealed", sealer=sealer, library=library)
        self._issues = IssueBook(now_text=lambda: rfc3339(clock.utc_ns()))
        findings = Findings(standing=self._wishes.trouble)
        self._world = World(board=self._board, issues=self._issues, wishes=self._wishes, findings=findings)
        self._media = IpcClient(
            name="edge-media",
            path=places.media_ipc,
            on_push=self._world.media_said,
            on_connect=self._changed.set,
            on_lost=self._world.media_lost,
        )
        self._rtc = IpcClient(
            name="edge-rtc",
            path=places.rtc_ipc,
            on_push=self._world.rtc_said,
            on_connect=self._changed.set,
            on_lost=self._world.rtc_lost,
        )
        pictures = LivePictures(media=self._media)
        snapshots = Snapshots(pictures=pictures, folder=places.snapshots, sealer=sealer)
        Operations(
            wishes=self._wishes, snapshots=snapshots, media=self._media, picture_size=self._picture_size
        ).register(self._bus)
        self._wishes.on_change(self._changed.set)
        name = box_id(places.state)
        self._introduce(name)
        keyring = Keyring(places.state / "controllers.json")
        link = self._link(config.mqtt, name=name, keyring=keyring, places=places)
        broker = (config.mqtt.host or "127.0.0.1", config.mqtt.port)
        desk = PairingDesk(keyring=keyring, box=name, clock=clock, broker=broker, audit=link.audit)
        self.components: tuple[Component, ...] = (
            self._media,
            self._rtc,
            self._health(places),
            _Steward(control=self),
            self._web(config, pictures=pictures, pairing=desk),
            *link.components,
        )

    async def obey(self) -> None:
        """Wait for changed wishes and pass them on; also lets time pass for the status."""
        try:
            async with asyncio.timeout(_REFRESH_S):
                await self._changed.wait()
        except TimeoutError:
            self._world.refresh()
            return
        self._changed.clear()
        for tell in (self._send_plan, self._send_enabled):
            try:
                await tell()
            except PeerGone:
                pass  # it is told when it is back
            except EdgeError as error:
                _LOG.warning("wishes not passed on yet: %s", error)
                asyncio.get_running_loop().call_later(_REFRESH_S, self._changed.set)

    def _picture_size(self) -> Size | None:
        signal = self._board.get("signal") or {}
        video = signal.get("format") or signal.get("last_good_format")
        return (video["width"], video["height"]) if video else None

    def _introduce(self, name: str) -> None:
        self._board.put("box", {"id": name, "name": name})
        self._board.put("versions", {"scopecast": edge.__version__})
        self._board.put("recording", {"state": "idle"})

    def _link(self, mqtt: MqttConfig, *, name: str, keyring: Keyring, places: Places) -> Link:
        own_broker = not mqtt.host
        return Link(
            box_id=name,
            config=mqtt.model_copy(update={"reconnect_spread_s": _OWN_BROKER_SPREAD_S}) if own_broker else mqtt,
            bus=self._bus,
            board=self._board,
            keyring=keyring,
            state_dir=places.state,
            clock=_OneClock() if own_broker else self._clock,
            version=edge.__version__,
        )

    def _health(self, places: Places) -> HealthWatch:
        return HealthWatch(
            board=self._board,
            issues=self._issues,
            meter=BoxMeter(clock=self._clock, disk=places.state),
            clock=self._clock,
            processes=self._processes,
        )

    def _web(self, config: Config, *, pictures: LivePictures, pairing: PairingDesk) -> WebServer:
        app = create_app(
            board=self._board,
            bus=self._bus,
            whep=RtcViewers(rtc=self._rtc),
            pictures=pictures,
            pairing=pairing,
            clock=self._clock,
            host=config.web.host,
            ice_servers=config.webrtc.ice_servers,
        )
        return WebServer(app=app, host=config.web.host, port=config.web.port)

    async def _send_plan(self) -> None:
        await self._media.request("plan", to_wire(self._wishes.plan))

    async def _send_enabled(self) -> None:
        await self._rtc.request("enable", {"running": self._wishes.webrtc_running})

    def _processes(self) -> Mapping[str, Watched]:
        pids = {"control": os.getpid(), "media": self._world.media_pid, "rtc": self._world.rtc_pid}
        return {
            name: Watched(pid, ComponentState.RUNNING if pid else ComponentState.STARTING) for name, pid in pids.items()
        }


class _OneClock(SystemClock):
    """With a broker on loopback, box and controller read the same clock: nothing needs to discipline it."""

    def synchronised(self) -> bool:
        return True


class _Steward:
    """Component: carries wishes to the processes that obey them."""

    name = "steward"
    critical = False
    stall_s = None

    def __init__(self, *, control: ControlProcess) -> None:
        self._control = control

    async def run(self, ctx: Context) -> None:
        ctx.ready()
        await ctx.until_stopped(self._serve())

    async def _serve(self) -> None:
        while True:
            await self._control.obey()


def main(config: Config) -> int:
    """Run until told to stop."""
    places = Places.of(config.paths)

    async def body(supervisor: Supervisor) -> None:
        await supervisor.run(*ControlProcess(config=config, places=places).components)

    return run_process("edge-control", config.log_level, body)
