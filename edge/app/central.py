"""Ties the link's route to the enrolment: where the box connects, and what moves it elsewhere."""

from __future__ import annotations

import asyncio
import logging
import ssl
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from edge.app.arguments import Arguments
from edge.config.model import MqttConfig
from edge.link.engine import Broker
from edge.link.link import Link
from edge.link.route import Route
from edge.model.command import Lane, Op
from edge.model.errors import EdgeError, Invalid
from edge.model.status import Severity
from edge.ports import Clock
from edge.runtime.clock import rfc3339
from edge.runtime.command_bus import CommandBus
from edge.runtime.component import Context
from edge.runtime.issues import Finding, IssueBook
from edge.runtime.status_board import StatusBoard
from edge.vault.enrolment import Enrolment, EnrolmentFile
from edge.vault.keyring import Keyring
from edge.vault.membership import Membership
from edge.vault.tls import context_of_files

_LOG = logging.getLogger(__name__)
_WARN_DAYS = 30
_DAY_S = 86_400
_LOOK_S = 1.0
_LEAVE_AFTER_S = 3.0  # the answer to the command that said so goes out first
_OWN_HOST = "127.0.0.1"


class LinkWay:
    """Implements vault.membership.Way over the link and its route. `home` is the box's own broker."""

    def __init__(self, route: Route, *, link: Link, home: Broker) -> None:
        self._route = route
        self._link = link
        self._home = home

    async def attempt(self, host: str, port: int, tls: ssl.SSLContext) -> None:
        await self._route.attempt(Broker(host, port, tls))

    def move(self, host: str, port: int, tls: ssl.SSLContext) -> None:
        self._route.move(Broker(host, port, tls))

    def go_home(self) -> None:
        self._route.move(self._home, own=True)

    async def hear_again(self, *, anew: bool) -> None:
        await self._link.hear_again(anew=anew)


def own_broker(mqtt: MqttConfig) -> Broker:
    return Broker(_OWN_HOST, mqtt.port)


@dataclass(frozen=True, slots=True)
class Start:
    """Where the link begins, and what is wrong with the files that say so, in sentences."""

    route: Route
    enrolment: Enrolment | None = None
    trouble: tuple[str, ...] = ()

    @classmethod
    def of(cls, mqtt: MqttConfig, file: EnrolmentFile) -> Start:
        """The configured broker, else the enrolment's, else the box's own (blocking).

        What is wrong keeps no box from its work: without an enrolment that can be read it is at its own broker.
        """
        try:
            if mqtt.host:
                return cls(Route(Broker(mqtt.host, mqtt.port, _configured_tls(mqtt))))
            enrolment = file.load()
        except Invalid as error:
            return cls(Route(Broker(mqtt.host, mqtt.port)), trouble=(str(error),))
        except EdgeError as error:
            return cls(Route(own_broker(mqtt), own=True), trouble=(f"{error}; pair the box again",))
        if enrolment is None:
            return cls(Route(own_broker(mqtt), own=True))
        return cls(Route(Broker(enrolment.host, enrolment.port, enrolment.context())), enrolment)


class Central:
    """Component: owns the board section `controller`, watches the certificate's end, and offers the operations
    `keys.request`, `keys.certificate` and `keys.leave`."""

    name = "central"
    critical = False
    stall_s = None

    def __init__(
        self,
        *,
        membership: Membership,
        keyring: Keyring,
        board: StatusBoard,
        issues: IssueBook,
        clock: Clock,
        trouble: tuple[str, ...] = (),
    ) -> None:
        self._membership = membership
        self._trouble = trouble
        self._keyring = keyring
        self._board = board
        self._issues = issues
        self._clock = clock
        self._leaving = asyncio.Event()

    def register(self, bus: CommandBus) -> None:
        bus.register(Op.KEYS_REQUEST, Lane.SYSTEM, self._request)
        bus.register(Op.KEYS_CERTIFICATE, Lane.SYSTEM, self._certificate)
        bus.register(Op.KEYS_LEAVE, Lane.SYSTEM, self._leave)

    async def run(self, ctx: Context) -> None:
        ctx.ready()
        await ctx.until_stopped(self._watch())

    async def _watch(self) -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(self._look_on(), name="certificate watch")
            group.create_task(self._leave_when_asked(), name="parting")

    async def _look_on(self) -> None:
        while True:
            self._issues.state("enrolment", self.findings())
            if (section := self.section()) != self._board.get("controller"):
                self._board.put("controller", section)
            await asyncio.sleep(_LOOK_S)

    def section(self) -> Mapping[str, Any]:
        """`broker` and `certificate_until` are empty unless a pairing brought the box to a central broker."""
        current, trusted = self._membership.current, self._keyring.keys()
        return {
            "enrolled": current is not None,
            "broker": f"{current.host}:{current.port}" if current is not None else "",
            "certificate_until": rfc3339(current.not_after_s * 1_000_000_000) if current is not None else "",
            "keys": [{"kid": key.kid, "until": rfc3339(key.not_after_s * 1_000_000_000)} for key in trusted],
        }

    def findings(self) -> Iterator[Finding]:
        """Trouble with the files at the start; a certificate that ends within 30 days, or has ended."""
        for sentence in self._trouble:
            yield Finding(
                "start_up", Severity.ERROR, "Mend what the message names, then restart the box.", "", sentence
            )
        current = self._membership.current
        if current is None:
            return
        left_s = current.not_after_s - self._clock.utc_ns() / 1e9
        if left_s >= _WARN_DAYS * _DAY_S:
            return
        ended = left_s <= 0
        detail = "it has ended" if ended else f"{max(1, round(left_s / _DAY_S))} days are left"
        advice = "Renew it at the controller (edgectl renew), or pair the box again."
        severity = Severity.ERROR if ended else Severity.WARNING
        yield Finding("certificate_ends", severity, advice, f"{current.host}:{current.port}", detail)

    async def _leave_when_asked(self) -> None:
        while True:
            await self._leaving.wait()
            self._leaving.clear()
            await asyncio.sleep(_LEAVE_AFTER_S)
            try:
                await self._membership.leave()
            except EdgeError as error:
                _LOG.error("the controller is not forgotten: %s", error)

    async def _request(self, args: Mapping[str, Any]) -> Mapping[str, Any]:
        Arguments(args).done()
        return {"request": await asyncio.to_thread(self._membership.renewal)}

    async def _certificate(self, args: Mapping[str, Any]) -> Mapping[str, Any]:
        given = Arguments(args)
        certificate = given.text("certificate")
        given.done()
        return {"until": await self._membership.renew(certificate)}

    async def _leave(self, args: Mapping[str, Any]) -> Mapping[str, Any]:
        Arguments(args).done()
        if self._membership.current is not None:
            self._leaving.set()
        return {"after_s": _LEAVE_AFTER_S}


def _configured_tls(mqtt: MqttConfig) -> ssl.SSLContext | None:
    if mqtt.ca_file is None or mqtt.certificate_file is None or mqtt.key_file is None:
        return None
    return context_of_files(ca_file=mqtt.ca_file, certificate_file=mqtt.certificate_file, key_file=mqtt.key_file)
