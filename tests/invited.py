"""A real admission for tests of what stands around it."""

from __future__ import annotations

from pathlib import Path

from edge.app.admission import Admission
from edge.model.feedback import Role
from edge.runtime.clock import SystemClock
from edge.vault.invitations import Invitations
from edge.vault.signing import SigningKey


def admission_in(folder: Path, *, required: str = "remote") -> Admission:
    """Of a box whose state is in that folder."""
    clock = SystemClock()
    invitations = Invitations(key=SigningKey.load_or_create(folder / "viewers.key"), clock=clock)
    return Admission(invitations=invitations, required=required, path=folder / "ended.json", clock=clock)


def token_of(admission: Admission, *, rung: str = "main", role: Role = Role.GUIDE) -> str:
    """A fresh one: each is for one session at a time."""
    return admission.invite(rung=rung, role=role, name="a guest", minutes=10)[1]
