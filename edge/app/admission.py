"""Who may watch: invitations made, checked and ended. The token itself is never kept, logged or shown."""

from __future__ import annotations

import json
import logging
from pathlib import Path

from edge.model.errors import Forbidden, Unavailable
from edge.model.feedback import Role
from edge.model.invitation import Invitation
from edge.ports import Clock
from edge.vault.invitations import Invitations
from edge.vault.secret_file import replace_whole

_LOG = logging.getLogger(__name__)
_NEVER, _ALWAYS = "never", "always"
_LONGEST_S = 86_400


class Admission:
    """Implements ports.Admission. `required` as `webrtc.require_token`. What was ended stays so over restarts:
    `path` keeps the ids until their time is over (blocking, a small file)."""

    def __init__(self, *, invitations: Invitations, required: str, path: Path, clock: Clock) -> None:
        self._invitations = invitations
        self._required = required
        self._path = path
        self._clock = clock
        self._ended = _read(path)

    def invite(self, *, rung: str, role: Role, name: str, minutes: int) -> tuple[Invitation, str]:
        """An invitation and its token."""
        invitation, token = self._invitations.make(rung=rung, role=role, name=name, holds_s=minutes * 60)
        _LOG.info("%s may watch %s as %s, to join within %d min", invitation.title, rung, role, minutes)
        return invitation, token

    def admit(self, *, rung: str, token: str | None, local: bool) -> Invitation | None:
        if token is None:
            if self._required == _ALWAYS or (self._required != _NEVER and not local):
                raise Forbidden("an invitation is needed to watch this box", code="token_missing")
            return None
        invitation = self._invitations.read(token)
        if invitation.id in self._ended:
            raise Forbidden(f"the invitation of {invitation.title} was ended", code="token_ended")
        if invitation.rung != rung:
            sentence = f"{invitation.title} may watch {invitation.rung!r}, not {rung!r}"
            raise Forbidden(sentence, code="token_of_other_rung")
        return invitation

    def end(self, invitation: str) -> None:
        """Nobody joins by it any more. Raises Unavailable `storage_failed`: it holds until a restart then."""
        now_s = self._clock.utc_ns() // 1_000_000_000
        self._ended = {one: until_s for one, until_s in self._ended.items() if until_s > now_s}
        self._ended[invitation] = now_s + _LONGEST_S
        try:
            replace_whole(self._path, json.dumps(self._ended).encode())
        except OSError as error:
            raise Unavailable(f"cannot write {self._path}: {error.strerror}", code="storage_failed") from error


def _read(path: Path) -> dict[str, int]:
    """What is not understood is nothing, and is said: the tokens in question end by themselves soon."""
    try:
        return {str(one): int(until_s) for one, until_s in json.loads(path.read_bytes()).items()}
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, TypeError, AttributeError) as error:
        _LOG.error("%s: ended invitations are forgotten: %s", path, error)
        return {}
