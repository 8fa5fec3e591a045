"""Receivers that an SRT listener knows by name."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import Field

from edge.config.section import Name, Section
from edge.model.feedback import Role
from edge.model.inputs import RungName


class SrtPeerConfig(Section):
    """A receiver with a passphrase of its own, which says who it is by `#!::u=NAME` as its stream id. With peers, the
    listener refuses all others, but for those that name nobody where it has a passphrase_file of its own."""

    name: Annotated[Name, Field(description="The name that follows `u=` in the peer's stream id.")] = "peer"
    passphrase_file: Annotated[
        Path | None, Field(description="File whose first line is the peer's passphrase (10 to 79 characters); needed.")
    ] = None
    role: Annotated[
        Role, Field(description="`guide`: its path sets the rung's bit rate; `observer`: only where there is no guide.")
    ] = Role.OBSERVER
    rung: Annotated[
        RungName | None, Field(description="What it gets, of the listener's input; the listener's rung if not set.")
    ] = None
