"""Whose presence stands on our topic: our own, also of an earlier process or boot, or that of a rival with our id."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping
from typing import Any

_BOOTS = 64


class Lives:
    """What this box has said of itself. `earlier_boots`: those that `remember_boot` gave.

    A broker may give back a word that is long over: one that was killed, or that lost our newest.
    """

    def __init__(self, *, boot: str, earlier_boots: frozenset[str] = frozenset()) -> None:
        self._boot = boot
        self._earlier_boots = earlier_boots
        self._sessions: set[int] = set()

    def began(self, sess: int) -> None:
        """We announce ourselves under that number."""
        self._sessions.add(sess)

    def begin_elsewhere(self) -> None:
        """At another broker: who was there before us is no rival."""
        self._sessions.clear()

    def sees_rival(self, body: Mapping[str, Any]) -> bool:
        """Whether that presence is of another box that is there, seen since we were announced."""
        if not self._sessions or body.get("state") != "online":
            return False
        boot, sess = body.get("boot"), body.get("sess")
        if boot != self._boot:
            return not isinstance(boot, str) or boot not in self._earlier_boots
        return not (isinstance(sess, int) and (sess in self._sessions or sess < min(self._sessions)))


def remember_boot(db: sqlite3.Connection, boot: str) -> frozenset[str]:
    """All boots in which this box has run before, as far as they matter; a copied disk has those before the copy."""
    row = db.execute("SELECT value FROM meta WHERE name = 'boots'").fetchone()
    earlier = [name for name in (json.loads(row[0]) if row else []) if name != boot]
    kept = json.dumps([*earlier, boot][-_BOOTS:])
    db.execute("INSERT OR REPLACE INTO meta VALUES ('boots', ?)", (kept,))
    return frozenset(earlier)
