"""Desired documents: what was put to each box and why, and how a new one is put and followed."""

from __future__ import annotations

import asyncio
import json
import sqlite3
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from edge.controller.client import Controller
from edge.controller.fleet import BoxView
from edge.link.topics import MAX_INT
from edge.model.errors import Invalid, NotFound, TimedOut
from edge.vault.signing import Signer

LEAVES = ("link", "state", "res", "desired")
_RETAINED_S = 0.5
MAX_PAYLOAD_BYTES = 48 << 10  # in an envelope a third longer, and that has 64 KiB
HEAD = frozenset(("v", "box", "rev", "by", "iat", "chal"))
Document = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Revision:
    """As it was put: `payload` are the very bytes that are signed. `why`: apply, rollback or a rollout's id."""

    box: str
    rev: int
    payload: bytes = field(repr=False)
    at_ms: int
    why: str

    @property
    def document(self) -> Document:
        """The sections alone."""
        return sections(json.loads(self.payload))


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the box says of a revision: `status` is applied, rejected, pending or, silent, waiting."""

    rev: int
    status: str
    errors: tuple[Mapping[str, Any], ...] = ()

    @property
    def words(self) -> str:
        """For people."""
        return ", ".join(f"{error.get('path', '?')}: {error.get('code', '?')}" for error in self.errors)


def sections(body: Mapping[str, Any]) -> Document:
    """Of a payload, without its head."""
    return {name: value for name, value in body.items() if name not in HEAD}


def history(db: sqlite3.Connection, box: str) -> list[Revision]:
    """Oldest first."""
    query = "SELECT box, rev, payload, at_ms, why FROM desired WHERE box = ? ORDER BY rev"
    return [Revision(*row) for row in db.execute(query, (box,)).fetchall()]


def find(db: sqlite3.Connection, box: str, rev: int) -> Revision:
    """Raises NotFound `no_revision`."""
    return before(history(db, box), rev)


def before(revisions: list[Revision], rev: int | None) -> Revision:
    """What to go back to: that revision, or the newest that differs from the last. Raises NotFound `no_revision`."""
    if rev is not None:
        named = [one for one in revisions if one.rev == rev]
    else:
        named = [one for one in revisions[:-1] if one.document != revisions[-1].document]
    if not named:
        raise NotFound("no such revision was put from here" if rev else "nothing to go back to", code="no_revision")
    return named[-1]


async def put(controller: Controller, box: str, document: Document, *, why: str, key: Signer) -> int:
    """A revision above all that are known, kept here before it leaves; gives its number. The box may be away.

    To a box that is there it carries the present challenge, so that it may also take masks away.
    Raises Invalid when it is too large, PeerGone, Forbidden, Unavailable.
    """
    known = await _newest_elsewhere(controller, box)
    view = controller.view(box)
    head = {"v": 1, "box": box, "by": controller.name, **({"chal": view.chal} if view.online and view.chal else {})}
    revision = await controller.ledger.run(lambda db: _keep(db, head, document, why, known))
    await controller.desire(box, revision.payload, key=key)
    return revision.rev


async def follow(controller: Controller, box: str, rev: int, *, timeout_s: float) -> Verdict:
    """What the box makes of it, once it is more than pending; its last word when the time is over."""
    try:
        async with asyncio.timeout(timeout_s):
            while (verdict := verdict_of(controller.view(box), rev)).status in ("waiting", "pending"):
                await controller.news()
    except TimeoutError:
        verdict = verdict_of(controller.view(box), rev)
    return verdict


def verdict_of(view: BoxView, rev: int) -> Verdict:
    """From the box's newest state."""
    state = view.state
    if state.get("desired_rev") != rev:
        return Verdict(rev, "waiting")
    errors = state.get("errors")
    listed = tuple(one for one in errors if isinstance(one, Mapping)) if isinstance(errors, list) else ()
    return Verdict(rev, str(state.get("desired_status", "pending")), listed)


def parse(text: str, where: str) -> Document:
    """A document from a file's JSON. Raises Invalid `bad_document` naming the line."""
    try:
        document = json.loads(text)
    except ValueError as error:
        raise Invalid(f"{where}: not JSON: {error}", code="bad_document") from error
    if not isinstance(document, dict):
        raise Invalid(f"{where}: must hold one JSON object", code="bad_document")
    if taken := sorted(HEAD & document.keys()):
        raise Invalid(f"{where}: {', '.join(taken)}: written by edgectl, not by you", code="bad_document")
    return document


async def _newest_elsewhere(controller: Controller, box: str) -> int:
    """What the broker keeps, or the box says, may be newer than what is known here: another controller's."""
    try:
        await controller.box(box, timeout_s=_RETAINED_S)
        async with asyncio.timeout(_RETAINED_S):
            while not controller.view(box).desired:
                await controller.news()
    except (TimedOut, TimeoutError):
        pass
    view = controller.view(box)
    numbers = (view.state.get("desired_rev"), view.desired.get("rev"))
    return max((n for n in numbers if isinstance(n, int) and not isinstance(n, bool) and n < MAX_INT // 2), default=0)


def _keep(db: sqlite3.Connection, head: Mapping[str, Any], document: Document, why: str, known: int) -> Revision:
    box, at_ms = str(head["box"]), time.time_ns() // 1_000_000
    last = db.execute("SELECT COALESCE(MAX(rev), 0) FROM desired WHERE box = ?", (box,)).fetchone()[0]
    rev = max(last, known) + 1
    payload = json.dumps({**head, "rev": rev, "iat": at_ms, **document}).encode()
    if len(payload) > MAX_PAYLOAD_BYTES:
        raise Invalid(f"the document has {len(payload)} bytes, at most {MAX_PAYLOAD_BYTES} will do", code="too_large")
    db.execute("INSERT INTO desired VALUES (?, ?, ?, ?, ?)", (box, rev, payload, at_ms, why))
    return Revision(box, rev, payload, at_ms, why)
