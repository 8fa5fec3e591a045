"""From a message on `desired` to a box that is as it says, and the word about it in `state`."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from edge.link.desired import (
    MAX_FLAWS,
    Applier,
    Checked,
    DesiredStatus,
    Document,
    Flaw,
    Mark,
    News,
    compare,
    examine_desired,
)
from edge.link.engine import Message
from edge.link.network import Network
from edge.link.signatures import Keyring, Refused, Situation
from edge.link.store import Store
from edge.model.errors import Fault, Unavailable
from edge.runtime.status_board import StatusBoard

Audit = Callable[[str, Mapping[str, Any]], None]
NOTHING_DESIRED: Mapping[str, Any] = {"desired_rev": 0, "desired_status": DesiredStatus.APPLIED, "errors": ()}
_CHALLENGE = "needs the current chal of the link message in the document"


@dataclass(frozen=True, slots=True)
class Verdict:
    """Of the newest document. `final`: it is not tried again, whatever changes."""

    mark: Mark
    status: DesiredStatus
    flaws: tuple[Flaw, ...] = ()
    kid: str = ""
    final: bool = False


class DesiredDesk:
    """Owns the board section `desired`. `take` returns when what it decided is on disk.

    A document that takes masks away or names another broker waits (`pending`) unless it carries the
    present challenge: whoever keeps a retained document back could else choose the moment. One that
    waits is judged again as the box changes, and forgotten with the connection: the broker gives it again.
    """

    def __init__(
        self,
        *,
        applier: Applier,
        keyring: Keyring,
        situation: Callable[[], Situation],
        network: Network,
        store: Store,
        board: StatusBoard,
        audit: Audit,
        refuse: Callable[[Refused], Awaitable[None]],
    ) -> None:
        self._applier = applier
        self._keyring = keyring
        self._situation = situation
        self._network = network
        self._store = store
        self._board = board
        self._audit = audit
        self._refuse = refuse
        self._verdict: Verdict | None = None
        self._held: Document | None = None
        self._trial: tuple[Document, Checked] | None = None
        self._ignored: tuple[str, ...] = ()

    async def recover(self) -> None:
        """What was decided before the process began. What holds is the applier's word alone."""
        self._network.adopt(self._applier.link)
        text = await self._store.run(_kept)
        if text is not None:
            self._verdict = _revive(text)
        self._verdict = _as_it_holds(self._verdict, self._applier.applied)
        self.refresh()

    async def take(self, message: Message) -> None:
        """Judge one message. Never raises because of its content. An empty one changes nothing."""
        if not message.payload:
            return
        document = examine_desired(message.payload, keyring=self._keyring, situation=self._situation())
        if isinstance(document, Refused):
            await self._turn_away(document)
            return
        news = compare(document, self._verdict.mark if self._verdict else None)
        if news is News.OLDER:
            await self._refuse(Refused("stale_desired", f"rev {document.rev} is older than one seen"))
        elif news is News.CONFLICT:
            await self._reject_unread(Flaw("/rev", "rev_conflict", "another document has that rev"), document.kid)
        elif news is News.NEWER or not self._is_settled(document):
            await self._judge(document)
        elif self._holds(document):
            await self._decide(document, DesiredStatus.APPLIED, ())

    def connected(self) -> None:
        """A new connection: the broker gives the retained document again, and an old challenge is worth nothing."""
        self._held = None

    async def reconsider(self) -> None:
        """The box may have changed so that what waits can be applied."""
        if self._held is not None and not self._network.on_trial:
            await self._judge(self._held)

    async def confirm(self) -> None:
        """The broker on trial was reached: now the document holds."""
        if self._trial is not None:
            (document, checked), self._trial = self._trial, None
            await self._apply(document, checked)

    async def revert(self, code: str, detail: str) -> None:
        """The broker on trial was not reached: back, and never again with this document."""
        self._network.revert()
        if self._trial is not None:
            (document, _), self._trial = self._trial, None
            await self._decide(document, DesiredStatus.REJECTED, (Flaw("/network/broker", code, detail),), final=True)

    def report(self) -> Mapping[str, Any]:
        """The document's part of `state`, in step with the section."""
        section = self._board.get("desired")
        if section is None:
            return NOTHING_DESIRED
        return {"desired_rev": section["rev"], "desired_status": section["status"], "errors": section["errors"]}

    def refresh(self) -> None:
        """Put the section anew: commands may have changed what the document says."""
        verdict, applied = self._verdict or Verdict(Mark(0, ""), DesiredStatus.APPLIED), self._applier.applied
        section = {
            "rev": verdict.mark.rev,
            "status": verdict.status,
            "errors": _wire(verdict.flaws),
            "applied_rev": applied.rev if applied else 0,
            "kid": verdict.kid,
            "ignored": list(self._ignored),
            "drift": list(self._applier.drift()),
        }
        self._board.put("desired", section)

    async def _turn_away(self, refused: Refused) -> None:
        """What a trusted key signed has an answer in `state`; of anything else nobody is told but the audit."""
        if refused.signed:
            path = "/v" if refused.code == "unknown_version" else "/rev"
            await self._reject_unread(Flaw(path, refused.code, refused.detail), "")
        else:
            await self._refuse(replace(refused, id=None))

    async def _reject_unread(self, flaw: Flaw, kid: str) -> None:
        """What was seen before stays the newest."""
        mark = self._verdict.mark if self._verdict else Mark(0, "")
        await self._settle(Verdict(mark, DesiredStatus.REJECTED, (flaw,), kid))

    def _holds(self, document: Document) -> bool:
        applied = self._applier.applied
        return applied is not None and compare(document, applied) is News.SAME

    def _is_settled(self, document: Document) -> bool:
        final = self._verdict is not None and self._verdict.final
        return final or self._trial is not None or self._holds(document)

    async def _judge(self, document: Document) -> None:
        checked = self._applier.check(document.body)
        self._ignored = checked.ignored
        self._held = None
        if checked.flaws:
            await self._decide(document, DesiredStatus.REJECTED, checked.flaws)
            return
        moves = self._network.changes(checked.link)
        grave = (*checked.grave, *((Flaw("/network/broker", "challenge_needed", _CHALLENGE),) if moves else ()))
        if grave and not document.present:
            self._held = document
            await self._decide(document, DesiredStatus.PENDING, grave)
        elif moves:
            self._trial = document, checked
            await self._decide(document, DesiredStatus.PENDING, ())
            self._network.try_out(checked.link)
        else:
            await self._apply(document, checked)

    async def _apply(self, document: Document, checked: Checked) -> None:
        mark = Mark(document.rev, document.digest)
        try:
            self._applier.apply(checked, mark)
        except (Unavailable, Fault) as error:
            self._held = None if self._network.on_trial else document
            self._network.revert()
            await self._decide(document, DesiredStatus.PENDING, (Flaw("", error.code, str(error)),))
        else:
            self._network.adopt(checked.link)
            await self._decide(document, DesiredStatus.APPLIED, ())

    async def _decide(
        self, document: Document, status: DesiredStatus, flaws: tuple[Flaw, ...], *, final: bool = False
    ) -> None:
        await self._settle(Verdict(Mark(document.rev, document.digest), status, flaws, document.kid, final))

    async def _settle(self, verdict: Verdict) -> None:
        if verdict != self._verdict:
            self._verdict = verdict
            await self._store.run(lambda db: _keep(db, verdict))
            facts = {"rev": verdict.mark.rev, "kid": verdict.kid, "errors": _wire(verdict.flaws)}
            self._audit(f"desired.{verdict.status}", facts)
        self.refresh()


def _as_it_holds(kept: Verdict | None, applied: Mark | None) -> Verdict | None:
    """The applier's word goes before what was written down beside it."""
    if applied is not None and (kept is None or kept.mark.rev <= applied.rev):
        kid = kept.kid if kept and kept.mark == applied else ""
        return Verdict(applied, DesiredStatus.APPLIED, kid=kid)
    if kept is not None and kept.status is DesiredStatus.APPLIED:
        return replace(kept, status=DesiredStatus.PENDING, flaws=(Flaw("", "not_applied", "what it set was lost"),))
    return kept


def _wire(flaws: tuple[Flaw, ...]) -> list[Mapping[str, str]]:
    return [flaw.wire() for flaw in flaws[:MAX_FLAWS]]


def _keep(db: sqlite3.Connection, verdict: Verdict) -> None:
    body = {
        "rev": verdict.mark.rev,
        "digest": verdict.mark.digest,
        "status": verdict.status,
        "kid": verdict.kid,
        "final": verdict.final,
        "flaws": _wire(verdict.flaws),
    }
    db.execute("INSERT OR REPLACE INTO meta VALUES ('desired', ?)", (json.dumps(body),))


def _kept(db: sqlite3.Connection) -> str | None:
    row = db.execute("SELECT value FROM meta WHERE name = 'desired'").fetchone()
    return str(row[0]) if row else None


def _revive(text: str) -> Verdict:
    body = json.loads(text)
    flaws = tuple(Flaw(**flaw) for flaw in body["flaws"])
    return Verdict(
        Mark(body["rev"], body["digest"]), DesiredStatus(body["status"]), flaws, body["kid"], bool(body["final"])
    )
