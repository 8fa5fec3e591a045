"""The ICE servers of the configuration, with credentials that are good now."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

from edge.app.configured import first_line
from edge.config.webrtc import TurnConfig, WebrtcConfig
from edge.model.errors import Invalid
from edge.model.ice import IceServer
from edge.ports import Clock
from edge.vault.turn import time_limited

_LOG = logging.getLogger(__name__)


@dataclass(slots=True)
class IceServers:
    """Calling it gives the servers as they are to be used now. `trouble` names those that are left out, and why."""

    clock: Clock
    _makers: list[Callable[[], IceServer]] = field(default_factory=list)
    trouble: list[str] = field(default_factory=list)

    @classmethod
    def of(cls, config: WebrtcConfig, *, clock: Clock) -> IceServers:
        """Reads the files of secrets (blocking). Raises nothing."""
        servers = cls(clock)
        servers._makers += [partial(IceServer, url) for url in config.ice_servers]
        for index, turn in enumerate(config.turn):
            servers._add(turn, where=f"webrtc.turn.{index}.secret_file: {turn.secret_file}")
        return servers

    def __call__(self) -> tuple[IceServer, ...]:
        return tuple(make() for make in self._makers)

    def _add(self, turn: TurnConfig, *, where: str) -> None:
        assert turn.secret_file is not None  # noqa: S101 - the model holds it
        try:
            secret = first_line(turn.secret_file)
        except Invalid as error:
            self.trouble.append(f"{where}: {error}; the server is not used")
            _LOG.error("%s", self.trouble[-1])
            return
        if turn.time_limited:
            self._makers.append(partial(self._fresh, turn, secret))
        else:
            self._makers.append(partial(IceServer, turn.url, turn.user, secret))

    def _fresh(self, turn: TurnConfig, secret: str) -> IceServer:
        until_s = self.clock.utc_ns() // 1_000_000_000 + turn.valid_s
        user, credential = time_limited(secret, name=turn.user, until_s=until_s)
        return IceServer(turn.url, user, credential)
