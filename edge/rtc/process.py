"""What makes up the process `edge-rtc`."""

from __future__ import annotations

import asyncio
import os
import ssl
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from edge.config.webrtc import WebrtcConfig
from edge.model.errors import Invalid
from edge.model.feedback import Demotion, Role
from edge.model.frame import AccessUnit
from edge.model.invitation import Invitation
from edge.model.sink import SinkSpec
from edge.ports import Clock
from edge.rtc.connections import Connections
from edge.rtc.sessions import WhepSessions
from edge.rtc.unit_feed import UnitFeed
from edge.rtc.whip_http import WhipHttp
from edge.rtc.whip_outputs import WhipOutputs
from edge.runtime.component import Component, Context
from edge.runtime.ipc import IpcServer, Reply
from edge.runtime.log import LEVELS, set_level

_STATUS_EVERY_S = 0.5


class RtcProcess:
    """Wires feeds, sessions and local IPC; `components` are for the supervisor. `units` are the sockets by rung.

    Units of the rungs in `on_demand` are fetched, and so made, while somebody watches; those of the others always.
    `unplayable` are the rungs that no browser can decode. `fingerprint` is that of the DTLS certificate, for status.

    IPC: `offer {rung, sdp, role, invitation} -> {session, sdp}`, `trickle {session, fragment}`, `end {session}`,
    `dismiss {session, invitation} -> {invitations}`,
    `log {level}`, `enable {running}`, `outputs {sinks}` with all that is wanted of kind `whip`; pushes topic
    `status` twice a second.
    """

    def __init__(
        self,
        *,
        config: WebrtcConfig,
        units: Mapping[str, Path],
        ipc_path: Path,
        clock: Clock,
        on_demand: Collection[str] = (),
        unplayable: Collection[str] = (),
        connections: Connections | None = None,
        trust: ssl.SSLContext | None = None,
        fingerprint: str = "",
    ) -> None:
        self._clock = clock
        self._fingerprint = fingerprint
        self._feeds = {rung: self._feed(rung, path, on_demand=rung in on_demand) for rung, path in units.items()}
        connections = connections or Connections()
        self._sessions = WhepSessions(
            feedback=self._feeds,
            unplayable=unplayable,
            clock=clock,
            max_viewers=config.max_viewers,
            connections=connections,
        )
        self._whip = WhipOutputs(
            feedback=self._feeds,
            payloads=self._sessions.payloads,
            unplayable=unplayable,
            connections=connections,
            http=WhipHttp(trust=trust),
            clock=clock,
        )
        self._ipc = IpcServer(name="rtc-ipc", path=ipc_path, answers=self._answers())

    @property
    def components(self) -> tuple[Component, ...]:
        return *self._feeds.values(), self._sessions, self._whip, self._ipc, StatusPush(process=self, ipc=self._ipc)

    def status(self) -> Mapping[str, Any]:
        return {
            "pid": os.getpid(),
            "fingerprint": self._fingerprint,
            "viewers": self._sessions.viewers(),
            "sinks": self._whip.reports(),
            "enabled": self._sessions.enabled,
            "feeds": {rung: self._describe(feed) for rung, feed in self._feeds.items()},
        }

    def _feed(self, rung: str, path: Path, *, on_demand: bool) -> UnitFeed:
        return UnitFeed(
            rung=rung,
            path=path,
            on_unit=self._deliver,
            on_connect=lambda: self._resync(rung),
            on_demotion=lambda demotion: self._demote(rung, demotion),
            wanted=lambda: not on_demand or self._sessions.watched(rung) or self._whip.watched(rung),
        )

    def _deliver(self, unit: AccessUnit) -> None:
        self._sessions.deliver(unit)
        self._whip.deliver(unit)

    def _demote(self, rung: str, demotion: Demotion) -> None:
        self._sessions.demote(rung, demotion)
        self._whip.demote(rung, demotion)

    def _resync(self, rung: str) -> None:
        self._sessions.resync(rung)
        self._whip.resync(rung)

    def _describe(self, feed: UnitFeed) -> Mapping[str, Any]:
        """`unit_age_ms` is the age since capture of the newest unit; null before the first."""
        unit = feed.latest
        age_ns = None if unit is None else self._clock.mono_ns() - unit.stamps.captured_ns
        return {
            "media_connected": feed.connected,
            "epoch": 0 if unit is None else unit.epoch,
            "unit_age_ms": None if age_ns is None else round(age_ns / 1e6, 1),
        }

    def _answers(self) -> Mapping[str, Any]:
        return {
            "offer": self._offer,
            "trickle": self._trickle,
            "end": self._end,
            "dismiss": self._dismiss,
            "enable": self._enable,
            "log": self._log,
            "outputs": self._set_outputs,
        }

    async def _offer(self, args: Mapping[str, Any]) -> Reply:
        invitation = _invitation(args.get("invitation"))
        session, answer = await self._sessions.offer(
            _text(args, "rung"), _text(args, "sdp"), role=_role(args), invitation=invitation
        )
        return Reply({"session": session, "sdp": answer})

    async def _trickle(self, args: Mapping[str, Any]) -> Reply:
        await self._sessions.trickle(_text(args, "session"), _text(args, "fragment"))
        return Reply()

    async def _end(self, args: Mapping[str, Any]) -> Reply:
        await self._sessions.end(_text(args, "session"))
        return Reply()

    async def _dismiss(self, args: Mapping[str, Any]) -> Reply:
        session, invitation = _text(args, "session"), _text(args, "invitation")
        return Reply({"invitations": list(await self._sessions.dismiss(session=session, invitation=invitation))})

    async def _enable(self, args: Mapping[str, Any]) -> Reply:
        running = args.get("running")
        if not isinstance(running, bool):
            raise Invalid("enable: running must be true or false")
        await self._sessions.set_enabled(running)
        return Reply()

    async def _log(self, args: Mapping[str, Any]) -> Reply:
        level = args.get("level")
        if level not in LEVELS:
            raise Invalid(f"log: level must be one of {', '.join(LEVELS)}")
        set_level(level)
        return Reply()

    async def _set_outputs(self, args: Mapping[str, Any]) -> Reply:
        try:
            self._whip.apply([SinkSpec.of(body) for body in args["sinks"]])
        except (KeyError, TypeError, ValueError):
            raise Invalid("outputs: the sinks are not understood") from None
        return Reply()


class StatusPush:
    """Component: the process's status to everyone connected, twice a second."""

    name = "rtc-status"
    critical = False
    stall_s = 10.0

    def __init__(self, *, process: RtcProcess, ipc: IpcServer) -> None:
        self._process = process
        self._ipc = ipc

    async def run(self, ctx: Context) -> None:
        ctx.ready()
        await ctx.until_stopped(self._keep_pushing(ctx))

    async def _keep_pushing(self, ctx: Context) -> None:
        while True:
            self._ipc.push("status", self._process.status())
            ctx.progress()
            await asyncio.sleep(_STATUS_EVERY_S)


def _role(args: Mapping[str, Any]) -> Role:
    try:
        return Role(args.get("role", Role.GUIDE))
    except ValueError as error:
        raise Invalid(f"role must be {', '.join(Role)}") from error


def _invitation(body: Any) -> Invitation | None:
    try:
        return None if body is None else Invitation(**{**body, "role": Role(body["role"])})
    except (KeyError, TypeError, ValueError):
        raise Invalid("invitation is not understood") from None


def _text(args: Mapping[str, Any], name: str) -> str:
    value = args.get(name)
    if not isinstance(value, str):
        raise Invalid(f"{name} must be text")
    return value
