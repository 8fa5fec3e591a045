"""Who may watch: what a viewer's token says."""

from __future__ import annotations

from dataclasses import dataclass

from edge.model.feedback import Role


@dataclass(frozen=True, slots=True)
class Invitation:
    """One viewer's right to join `rung` in `role` until `until_s` (UTC seconds since 1970). `name` is for people."""

    id: str
    rung: str
    role: Role
    name: str
    until_s: int

    @property
    def title(self) -> str:
        """For the log."""
        return f"{self.name or 'a guest'} (invitation {self.id})"
