"""What is wanted of outputs: plain values that commands set and the media process obeys."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from edge.model.feedback import Role
from edge.model.picture import PictureSpec
from edge.model.video import Priority


class SinkKind(StrEnum):
    SRT = "srt"
    WHEP = "whep"
    WHIP = "whip"


@dataclass(frozen=True, slots=True)
class PeerSpec:
    """A receiver that may call an SRT listener, with a passphrase of its own; without one it may not.

    `rung` empty: the listener's.
    """

    name: str
    passphrase: str = field(repr=False)
    role: Role = Role.OBSERVER
    rung: str = ""


@dataclass(frozen=True, slots=True)
class SinkSpec:
    """One output as asked for. Passphrase and token never appear in repr, log or status.

    `url` is `srt://host:port?mode=caller|listener|rendezvous`, `https://...` for kind `whip`, empty for kind `whep`.
    `latency_ms` 0 is four round trips as measured, 120 ms at least. `token` is the bearer token of kind `whip`.
    With `peers` an SRT listener serves these, and others only by a passphrase of its own.
    """

    name: str
    kind: SinkKind
    url: str = ""
    latency_ms: int = 120
    stream_id: str = ""
    passphrase: str = field(default="", repr=False)
    rung: str = "main"
    running: bool = True
    role: Role = Role.OBSERVER
    token: str = field(default="", repr=False)
    peers: tuple[PeerSpec, ...] = ()

    @property
    def secured(self) -> bool:
        """Whether a passphrase is asked of everybody, or of every peer."""
        return bool(self.passphrase or self.peers)

    @classmethod
    def of(cls, body: Mapping[str, Any]) -> SinkSpec:
        """From its fields as JSON has them. Raises KeyError, TypeError, ValueError."""
        role = Role(body.get("role", Role.OBSERVER))  # older software kept outputs without role and peers
        peers = tuple(PeerSpec(**{**peer, "role": Role(peer["role"])}) for peer in body.get("peers", ()))
        return cls(**{**body, "kind": SinkKind(body["kind"]), "role": role, "peers": peers})


@dataclass(frozen=True, slots=True)
class RungSpec:
    """`floor_bps`: the clinical floor, 0 where no preset says one. `priority`: what is given up last below it."""

    name: str
    bitrate_bps: int
    max_bitrate_bps: int
    gop_s: float
    floor_bps: int = 0
    priority: Priority = Priority.DETAIL


@dataclass(frozen=True, slots=True)
class MediaPlan:
    """The whole wish for the media process, always complete, never a patch. `source` empty: as configured."""

    sinks: tuple[SinkSpec, ...] = ()
    rungs: tuple[RungSpec, ...] = ()
    picture: PictureSpec = field(default_factory=PictureSpec)
    log_level: str = "INFO"
    source: str = ""
