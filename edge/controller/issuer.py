"""Who signs certificates: the controller's own authority, or a hospital's by a command."""

from __future__ import annotations

import os
import shlex
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from edge.model.errors import Invalid, Unavailable
from edge.vault.authority import Purpose
from edge.vault.certificates import Certificate

_TIMEOUT_S = 60.0


class Issuer(Protocol):
    """Blocking."""

    @property
    def ca(self) -> str:
        """What whoever meets these certificates has to trust, PEM text."""
        ...

    def issue(self, request: str, *, name: str, purpose: Purpose, hosts: Sequence[str] = ...) -> str:
        """A certificate (PEM) for that request. Raises Invalid, Unavailable."""
        ...


@dataclass(frozen=True, slots=True)
class CommandIssuer:
    """Another authority: the command reads the request (PEM) and writes the certificate, its chain behind it.

    It is told `SCOPECAST_NAME`, `SCOPECAST_PURPOSE` (`client`, `server`) and `SCOPECAST_HOSTS` (comma separated) by its
    environment. `ca_file` holds that authority's certificates.
    """

    command: str
    ca_file: Path

    @property
    def ca(self) -> str:
        try:
            return self.ca_file.read_text()
        except (OSError, UnicodeDecodeError) as error:
            raise Unavailable(f"cannot read the authority's certificate {self.ca_file}: {error}") from error

    def issue(self, request: str, *, name: str, purpose: Purpose, hosts: Sequence[str] = ()) -> str:
        told = {"SCOPECAST_NAME": name, "SCOPECAST_PURPOSE": purpose, "SCOPECAST_HOSTS": ",".join(hosts)}
        try:
            done = subprocess.run(  # noqa: S603  the operator's own command
                shlex.split(self.command),
                input=request,
                capture_output=True,
                text=True,
                timeout=_TIMEOUT_S,
                env={**os.environ, **told},
                check=False,
            )
        except (OSError, ValueError, subprocess.TimeoutExpired) as error:
            raise Unavailable(f"the authority's command does not run: {error}", code="ca_command") from error
        if done.returncode:
            last = (done.stderr.strip().splitlines() or ["it says nothing"])[-1]
            raise Unavailable(f"the authority's command ended with {done.returncode}: {last}", code="ca_command")
        try:
            Certificate.read(done.stdout)
        except Invalid as error:
            raise Invalid(f"the authority's command did not write a certificate: {error}", code="ca_command") from error
        return done.stdout
