"""What all WebRTC of the box has in common: viewers, certificates to trust, and paths around firewalls."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, field_validator, model_validator

from edge.config.section import Section
from edge.model.errors import Invalid
from edge.model.ice import ice_address


class TurnConfig(Section):
    """A TURN server with a secret: relays media where no direct path is."""

    url: Annotated[
        str,
        Field(
            validate_default=True,
            description="`turn:HOST:3478`, `turn:HOST:3478?transport=tcp`, or TLS as `turns:HOST:443?transport=tcp`.",
        ),
    ] = ""
    user: Annotated[
        str, Field(max_length=128, description="User name; with `time_limited` the name behind the time, may be empty.")
    ] = ""
    secret_file: Annotated[
        Path | None,
        Field(description="File whose first line is the password, or with `time_limited` the server's shared secret."),
    ] = None
    time_limited: Annotated[
        bool,
        Field(description="The server makes passwords of a shared secret and the time (coturn's `use-auth-secret`)."),
    ] = False
    valid_s: Annotated[
        int, Field(ge=60, le=86_400, description="Seconds for which a password made of the secret is good.")
    ] = 3600

    @field_validator("url")
    @classmethod
    def _turn(cls, url: str) -> str:
        if not _checked_ice(url).startswith("turn"):
            raise ValueError("must be a TURN server, turn: or turns:")
        return url

    @model_validator(mode="after")
    def _complete(self) -> TurnConfig:
        if self.secret_file is None:
            raise ValueError("secret_file: is missing")
        if not self.user and not self.time_limited:
            raise ValueError("user: is missing")
        return self


class WebrtcConfig(Section):
    """Viewers over WHEP, and what all WebRTC has in common."""

    max_viewers: Annotated[int, Field(ge=1, le=32, description="Viewers at one time; the next one is refused.")] = 8
    require_token: Annotated[
        Literal["remote", "always", "never"],
        Field(description="Who needs an invitation to watch: whoever is not on this machine, everybody, or nobody."),
    ] = "remote"  # noqa: S105
    ice_servers: Annotated[
        tuple[str, ...],
        Field(description="STUN servers, and TURN servers without a secret, as in `stun:HOST:3478`."),
    ] = ()
    relay_only: Annotated[bool, Field(description="Take no direct path, only one over a TURN server.")] = False
    ca_file: Annotated[
        Path | None,
        Field(description="Authorities (PEM) to trust beside the system's, for WHIP ingests and TURN over TLS."),
    ] = None
    turn: tuple[TurnConfig, ...] = ()

    @field_validator("ice_servers")
    @classmethod
    def _ice(cls, urls: tuple[str, ...]) -> tuple[str, ...]:
        for url in urls:
            _checked_ice(url)
        return urls


def _checked_ice(url: str) -> str:
    try:
        ice_address(url)
    except Invalid as error:
        raise ValueError(f"must be the address of a server without its secret: {error}") from None
    return url
