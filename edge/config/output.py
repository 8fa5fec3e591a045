"""Outputs that exist from the start; more come by command."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Annotated
from urllib.parse import parse_qs, urlsplit

from pydantic import Field, ValidationInfo, field_validator

from edge.config.section import Name, Section
from edge.config.srt_peer import SrtPeerConfig
from edge.model.feedback import Role
from edge.model.inputs import RungName


class SrtSinkConfig(Section):
    """An SRT output that exists from the start; more come by command."""

    name: Annotated[Name, Field(description="Name of the output in commands and status.")] = "srt"
    url: Annotated[
        str,
        Field(
            description="`srt://HOST:PORT?mode=listener`, `caller` or `rendezvous`; after it `&adapter=` an address or "
            "interface of the box, `&port=` its own UDP port, `&pbkeylen=16`, `24` or `32`. Several hosts with commas "
            "and `?group=broadcast` or `backup`: one receiver over several paths."
        ),
    ] = "srt://127.0.0.1:9710?mode=listener"
    latency_ms: Annotated[
        int,
        Field(
            ge=0,
            le=8000,
            description="SRT latency in ms, 20 at least; 0 takes 4 round trips as measured at connect, 120 at least.",
        ),
    ] = 0
    stream_id: Annotated[str, Field(max_length=512, description="SRT stream id that a caller announces.")] = ""
    rung: Annotated[
        RungName,
        Field(
            description="What it sends: `main`, `archive` or `view` of the first input, or `second`, which needs "
            "`second.enabled`."
        ),
    ] = RungName.MAIN
    passphrase_file: Annotated[
        Path | None, Field(description="File whose first line is the passphrase (10 to 79 characters); turns on AES.")
    ] = None
    role: Annotated[
        Role,
        Field(description="Of its receivers. `guide`: the path sets the rung's bit rate; `observer`: without a guide."),
    ] = Role.OBSERVER
    peers: tuple[SrtPeerConfig, ...] = ()

    @field_validator("peers")
    @classmethod
    def _own_peers(cls, peers: tuple[SrtPeerConfig, ...], known: ValidationInfo) -> tuple[SrtPeerConfig, ...]:
        twice = [name for name, count in Counter(peer.name for peer in peers).items() if count > 1]
        if twice:
            raise ValueError(f"two peers have the name {twice[0]!r}")
        for peer in peers:
            if peer.passphrase_file is None:
                raise ValueError(f"peer {peer.name!r} needs a passphrase_file")
            if peer.rung and "rung" in known.data and peer.rung.input is not known.data["rung"].input:
                raise ValueError(f"peer {peer.name!r} has the rung '{peer.rung}', which is of another input")
        return peers

    @field_validator("latency_ms")
    @classmethod
    def _enough(cls, latency_ms: int) -> int:
        if 0 < latency_ms < 20:
            raise ValueError("must be 20 or more, or 0 for what the path needs")
        return latency_ms

    @field_validator("url")
    @classmethod
    def _srt(cls, url: str) -> str:
        if not url.startswith("srt://"):
            raise ValueError("must start with srt://")
        split = urlsplit(url)
        if any(urlsplit(f"srt://{path}").port is None for path in split.netloc.split(",")):
            raise ValueError("must name a port, as in srt://HOST:PORT")
        if "passphrase" in parse_qs(split.query, keep_blank_values=True):
            raise ValueError("must not carry the passphrase; put it into a file and name that in passphrase_file")
        return url


class WhipSinkConfig(Section):
    """A WHIP output: WebRTC to an ingest of others. More come by command."""

    name: Annotated[Name, Field(description="Name of the output in commands and status.")] = "whip"
    url: Annotated[
        str,
        Field(
            validate_default=True,
            description="The ingest's address, `https://...`; `http://` is for this machine only.",
        ),
    ] = ""
    token_file: Annotated[
        Path | None, Field(description="File whose first line is the bearer token that the ingest wants.")
    ] = None
    rung: Annotated[
        RungName, Field(description="What it sends: `main` or `view` of the first input, or `second`; H.264 only.")
    ] = RungName.MAIN
    role: Annotated[
        Role, Field(description="`guide`: its path sets the rung's bit rate; `observer`: only where there is no guide.")
    ] = Role.OBSERVER

    @field_validator("url")
    @classmethod
    def _http(cls, url: str) -> str:
        if not url.startswith(("https://", "http://")):
            raise ValueError("must start with https://")
        return url


OutputConfig = SrtSinkConfig | WhipSinkConfig
