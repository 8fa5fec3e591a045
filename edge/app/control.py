"""The process `edge-control`: page, HTTP, MQTT, health; it holds what the box is wanted to do."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import asdict
from functools import partial
from urllib.parse import urlsplit

import edge
from edge.app.admission import Admission
from edge.app.board_profile import board_of
from edge.app.central import Central, LinkWay, Start, own_broker
from edge.app.desired_wishes import DesiredWishes
from edge.app.encoder_status import candidate_of
from edge.app.findings import Findings
from edge.app.ice_servers import IceServers
from edge.app.key_operations import KeyOperations
from edge.app.one_clock import OneClock
from edge.app.operations import Operations
from edge.app.paths import Places, media_process
from edge.app.plan_wire import to_wire
from edge.app.process import run_process
from edge.app.reboot import Reboot, is_machine_ours, reboot_machine, restart_processes
from edge.app.report import Report, report_of
from edge.app.snapshots import LivePictures, Snapshots
from edge.app.steward import Steward
from edge.app.trial_run import TrialRun
from edge.app.trust import trust_of
from edge.app.viewer_operations import ViewerOperations, base_url
from edge.app.whep_proxy import RtcViewers
from edge.app.wishes import Wishes
from edge.app.world import World
from edge.config.model import Config, MqttConfig
from edge.config.show import dump
from edge.health.meter import BoxMeter
from edge.health.watch import HealthWatch, Watched
from edge.link.identity import box_id
from edge.link.link import Link
from edge.link.route import Route
from edge.media.lineup import Standing
from edge.modality.library import Library
from edge.model.inputs import Input
from edge.model.picture import Size
from edge.model.sink import SinkKind
from edge.model.status import ComponentState
from edge.model.video import Codec
from edge.runtime.clock import SystemClock, rfc3339
from edge.runtime.command_bus import CommandBus
from edge.runtime.component import Component, Context
from edge.runtime.ipc import IpcClient
from edge.runtime.issues import IssueBook
from edge.runtime.log import set_level
from edge.runtime.status_board import StatusBoard
from edge.runtime.supervisor import Supervisor
from edge.vault.enrolment import EnrolmentFile
from edge.vault.invitations import Invitations
from edge.vault.keyring import Keyring
from edge.vault.membership import Membership
from edge.vault.pairing import PairingDesk
from edge.vault.seal import Sealer
from edge.vault.secret_file import replace_whole
from edge.vault.signing import SigningKey
from edge.web.app import create_app
from edge.web.server import WebServer

_REFRESH_S = 1.0


class ControlProcess:
    """Wires the control parts of one box. Make it inside the event loop."""

    def __init__(self, *, config: Config, places: Places) -> None:
        clock = self._clock = SystemClock()
        library = Library.load(config.modality.presets_dir)
        sealer = Sealer(places.state / "box.key")
        self._board = StatusBoard()
        self._bus = CommandBus()
        self._wishes = Wishes(config=config, path=places.state / "wishes.sealed", sealer=sealer, library=library)
        self._log_as_wished()
        self._wishes.on_change(self._log_as_wished)
        self._ice_servers = IceServers.of(config.webrtc, clock=clock)
        self._issues = IssueBook(now_text=lambda: rfc3339(clock.utc_ns()))
        self._world = self._make_world(config)
        self._stewards: list[Steward] = []
        self._media = {name: self._media_client(name, places) for name in config.inputs}
        self._rtc = self._rtc_client(places)
        pictures = LivePictures(media=self._media)
        self._viewers = RtcViewers(rtc=self._rtc)
        self._admission = self._make_admission(config, places)
        self._register_operations(config, Snapshots(pictures=pictures, folder=places.snapshots, sealer=sealer))
        name = box_id(places.state)
        self._introduce(name)
        controller_side, desk = self._controller_side(config, places, name)
        self.components: tuple[Component, ...] = (
            *self._media.values(),
            self._rtc,
            *self._stewards,
            _PassingTime(world=self._world),
            *self._trials(config, places),
            self._health(places),
            self._web(config, pictures=pictures, pairing=desk),
            *controller_side,
        )

    def _register_operations(self, config: Config, snapshots: Snapshots) -> None:
        Operations(
            wishes=self._wishes,
            snapshots=snapshots,
            media=self._media,
            picture_size=self._picture_size,
            report=self._report,
        ).register(self._bus)
        ViewerOperations(
            admission=self._admission,
            viewers=self._viewers,
            rungs=[rung for rung in config.rungs if config.codec_of(rung) is Codec.H264],
            base_url=partial(base_url, config.web),
        ).register(self._bus)

    def _controller_side(self, config: Config, places: Places, name: str) -> tuple[tuple[Component, ...], PairingDesk]:
        """The link and what belongs to it, and where a controller is paired."""
        keyring = Keyring(places.state / "controllers.json")
        enrolment = EnrolmentFile(places.state / "enrolment.json")
        start = Start.of(config.mqtt, enrolment)
        link = self._link(config.mqtt, name=name, keyring=keyring, places=places, route=start.route)
        KeyOperations(keyring=keyring, box=name, dated_s=link.dated_s, audit=link.audit).register(self._bus)
        reboot = self._reboot(link, whole_machine=is_machine_ours(config))
        home = own_broker(config.mqtt)
        membership = Membership(
            file=enrolment,
            current=start.enrolment,
            keyring=keyring,
            box=name,
            clock=self._clock,
            way=LinkWay(start.route, link=link, home=home),
            fixed=bool(config.mqtt.host),
            audit=link.audit,
        )
        desk = PairingDesk(
            keyring=keyring,
            box=name,
            clock=self._clock,
            broker=(config.mqtt.host or home.host, config.mqtt.port),
            audit=link.audit,
            membership=membership,
            address=partial(base_url, config.web),
        )
        central = self._central(membership, keyring, trouble=start.trouble)
        return (central, *link.components, reboot), desk

    def _central(self, membership: Membership, keyring: Keyring, *, trouble: tuple[str, ...]) -> Central:
        central = Central(
            membership=membership,
            keyring=keyring,
            board=self._board,
            issues=self._issues,
            clock=self._clock,
            trouble=trouble,
        )
        central.register(self._bus)
        return central

    def _make_world(self, config: Config) -> World:
        machine = board_of(config)
        _, untrusted = trust_of(config.webrtc.ca_file)
        trouble = (*machine.trouble, *self._ice_servers.trouble, *untrusted)
        return World(
            board=self._board,
            issues=self._issues,
            wishes=self._wishes,
            findings=Findings(standing=self._wishes.trouble, board_trouble=trouble),
            inputs=config.inputs,
            encoders=[candidate_of(Standing(fact)) for fact in machine.profile.encoders],
            machine={"profile": machine.profile.id, "title": machine.profile.title, "why": machine.why},
        )

    def _make_admission(self, config: Config, places: Places) -> Admission:
        key = SigningKey.load_or_create(places.state / "viewers.key")
        return Admission(
            invitations=Invitations(key=key, clock=self._clock),
            required=config.webrtc.require_token,
            path=places.state / "ended-invitations.json",
            clock=self._clock,
        )

    def _media_client(self, input: Input, places: Places) -> IpcClient:
        return IpcClient(
            name=f"edge-{media_process(input)}",
            path=places.media_ipc(input),
            on_push=partial(self._world.media_said, input),
            on_connect=self._steward(media_process(input), partial(self._send_plan, input)).due,
            on_lost=partial(self._world.media_lost, input),
        )

    def _rtc_client(self, places: Places) -> IpcClient:
        return IpcClient(
            name="edge-rtc",
            path=places.rtc_ipc,
            on_push=self._world.rtc_said,
            on_connect=self._steward("rtc", self._send_outputs).due,
            on_lost=self._world.rtc_lost,
        )

    def _steward(self, process: str, tell: Callable[[], Awaitable[None]]) -> Steward:
        steward = Steward(name=f"steward-{process}", tell=tell)
        self._wishes.on_change(steward.due)
        self._stewards.append(steward)
        return steward

    def _log_as_wished(self) -> None:
        set_level(self._wishes.wanted.log_level)

    def _picture_size(self) -> Size | None:
        signal = self._board.get("signal") or {}
        video = signal.get("format") or signal.get("last_good_format")
        return (video["width"], video["height"]) if video else None

    def _report(self) -> Report:
        return report_of(self._board.document(), made_at=rfc3339(self._clock.utc_ns()))

    def _introduce(self, name: str) -> None:
        self._board.put("box", {"id": name, "name": name})
        self._board.put("versions", {"scopecast": edge.__version__})
        self._board.put("recording", {"state": "idle"})

    def _link(self, mqtt: MqttConfig, *, name: str, keyring: Keyring, places: Places, route: Route) -> Link:
        return Link(
            box_id=name,
            config=mqtt,
            bus=self._bus,
            board=self._board,
            keyring=keyring,
            state_dir=places.state,
            clock=OneClock(alone=lambda: route.own and self._is_sent_nowhere()),
            version=edge.__version__,
            desired=DesiredWishes(wishes=self._wishes, picture_size=self._picture_size),
            route=route,
        )

    def _reboot(self, link: Link, *, whole_machine: bool) -> Reboot:
        reboot = Reboot(
            begin=reboot_machine if whole_machine else self._restart_processes,
            written=link.results_written,
            tell=link.life,
            whole_machine=whole_machine,
        )
        reboot.register(self._bus)
        return reboot

    async def _restart_processes(self) -> None:
        media = [self._world.media_pid(name) for name in self._media]
        await restart_processes((*media, self._world.rtc_pid, os.getpid()))

    def _is_sent_nowhere(self) -> bool:
        """No document names another broker."""
        link = self._wishes.wanted.overrides.link
        return link is None or link.broker is None

    def _trials(self, config: Config, places: Places) -> tuple[Component, ...]:
        if not config.board.try_encoders:
            return ()
        effective = places.run / "trials.toml"
        replace_whole(effective, dump(config).encode())
        return (
            TrialRun(
                configuration=effective,
                candidates=self._world.candidates,
                on_verdict=self._world.encoder_tried,
            ),
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
            whep=self._viewers,
            admission=self._admission,
            pictures=pictures,
            pairing=pairing,
            clock=self._clock,
            host=config.web.host,
            public_host=urlsplit(config.web.public_url).hostname or "",
            ice_servers=self._ice_servers,
            embed_origins=config.web.embed_origins,
        )
        return WebServer(app=app, host=config.web.host, port=config.web.port)

    async def _send_plan(self, input: Input) -> None:
        await self._media[input].request("plan", to_wire(self._wishes.plan_for(input)))

    async def _send_outputs(self) -> None:
        await self._rtc.request("log", {"level": self._wishes.wanted.log_level})
        await self._rtc.request("enable", {"running": self._wishes.webrtc_running})
        whip = [asdict(spec) for spec in self._wishes.plan.sinks if spec.kind is SinkKind.WHIP]
        await self._rtc.request("outputs", {"sinks": whip})

    def _processes(self) -> Mapping[str, Watched]:
        media = {media_process(name): self._world.media_pid(name) for name in self._media}
        pids = {"control": os.getpid(), **media, "rtc": self._world.rtc_pid}
        return {
            name: Watched(pid, ComponentState.RUNNING if pid else ComponentState.STARTING) for name, pid in pids.items()
        }


class _PassingTime:
    """Component: lets the status grow old, also when nobody reports."""

    name = "passing-time"
    critical = False
    stall_s = None

    def __init__(self, *, world: World) -> None:
        self._world = world

    async def run(self, ctx: Context) -> None:
        ctx.ready()
        await ctx.until_stopped(self._pass())

    async def _pass(self) -> None:
        while True:
            await asyncio.sleep(_REFRESH_S)
            self._world.refresh()


def main(config: Config) -> int:
    """Run until told to stop."""
    places = Places.of(config.paths)

    async def body(supervisor: Supervisor) -> None:
        await supervisor.run(*ControlProcess(config=config, places=places).components)

    return run_process("edge-control", config.log_level, body)
