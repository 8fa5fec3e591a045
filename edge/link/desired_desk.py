"""From a message on `desired` to a box that is as it says, and the word about it in `state`."""

from __future__ import annotations

import asyncio
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
from edge.link.letters import Scribe
from edge.link.network import Network
from edge.link.outbox import Letter, Outbox, append
from edge.link.signatures import Keyring, Refused, Situation
from edge.link.store import Store
from edge.model.errors import Fault, Unavailable
from edge.runtime.status_board import StatusBoard

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
        outbox: Outbox,
        scribe: Scribe,
        board: StatusBoard,
        refuse: Callable[[Refused], Awaitable[None]],
    ) -> None:
        self._applier = applier
        self._keyring = keyring
        self._situation = situation
        self._network = network
        self._store = store
        self._outbox = outbox
        self._scribe = scribe
        self._board = board
        self._refuse = refuse
        self._verdict: Verdict | None = None
        self._held: Document | None = None
        self._trial: tuple[Document, Checked] | None = None
        self._unread: Flaw | None = None
        self._ignored: tuple[str, ...] = ()

    async def recover(self) -> None:
        """What was decided before the process began. What holds is the applier's word alone."""
        text, home = await self._store.run(lambda db: (_kept(db, "desired"), _kept(db, "desired_home")))
        link = self._applier.link
        if home not in (None, self._network.home):  # a pairing since then knows better where the controller is
            link = replace(link, broker=None)
        self._network.adopt(link)
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
            return
        if news is News.CONFLICT:
            await self._leave_unread(Flaw("/rev", "rev_conflict", "another document has that rev"), "rev_conflict")
            return
        self._unread = None
        if news is News.NEWER or not self._is_settled(document):
            await self._judge(document)
        else:
            self.refresh()

    async def forget(self) -> None:
        """The box belongs to another controller, whose revisions count from the start. As the box is, it stays."""
        self._held = self._trial = self._verdict = self._unread = None
        self._applier.release()
        self._network.adopt(self._applier.link)
        await self._store.run(_forget)
        self.refresh()

    def connected(self) -> None:
        """A new connection: the broker gives the retained document again, and an old challenge is worth nothing."""
        self._held = None

    async def reconsider(self) -> None:
        """The box may have changed so that what waits can be applied."""
        if self._held is not None and not self._network.on_trial:
            await self._judge(self._held)

    async def confirm(self) -> None:
        """The broker on trial was reached: now the document holds."""
        trial, self._trial = self._trial, None
        if trial is not None and self._network.on_trial:
            document, checked = trial
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
        unread = self._unread
        section = {
            "rev": verdict.mark.rev,
            "status": DesiredStatus.REJECTED if unread else verdict.status,
            "errors": _wire((unread,) if unread else verdict.flaws),
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
            await self._leave_unread(Flaw(path, refused.code, refused.detail), "malformed")
        else:
            await self._refuse(replace(refused, id=None))

    async def _leave_unread(self, flaw: Flaw, counted_as: str) -> None:
        """Rejected until a document comes that can be judged; what was seen before stays the newest. Audited like
        refused commands, once a minute at most: the broker may send two such documents in turn for ever."""
        self._unread = flaw
        self.refresh()
        await self._refuse(Refused(counted_as, flaw.detail))

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
            await self._decide(document, DesiredStatus.PENDING, ())
            self._trial = document, checked
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
        kept = tuple(Flaw(**flaw) for flaw in _wire(flaws))  # as it will be read again
        verdict = Verdict(Mark(document.rev, document.digest), status, kept, document.kid, final)
        if verdict != self._verdict:
            self._verdict = verdict
            facts = {"rev": verdict.mark.rev, "kid": verdict.kid, "errors": _wire(verdict.flaws)}
            letter = self._scribe.event("audit", f"desired.{verdict.status}", sev=2, facts=facts)
            # a connection that ends now must not come between what was done and the word about it
            await asyncio.shield(self._store.run(lambda db: _keep(db, verdict, self._network.home, letter)))
            self._outbox.wake()
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


def _keep(db: sqlite3.Connection, verdict: Verdict, home: str, letter: Letter) -> None:
    """The verdict and the word about it, together or not at all. `home`: for where the link was at home then."""
    body = {
        "rev": verdict.mark.rev,
        "digest": verdict.mark.digest,
        "status": verdict.status,
        "kid": verdict.kid,
        "final": verdict.final,
        "flaws": _wire(verdict.flaws),
    }
    db.execute("INSERT OR REPLACE INTO meta VALUES ('desired', ?)", (json.dumps(body),))
    if verdict.status is DesiredStatus.APPLIED:
        db.execute("INSERT OR REPLACE INTO meta VALUES ('desired_home', ?)", (home,))
    append(db, letter)


def _forget(db: sqlite3.Connection) -> None:
    db.execute("DELETE FROM meta WHERE name IN ('desired', 'desired_home')")


def _kept(db: sqlite3.Connection, name: str) -> str | None:
    row = db.execute("SELECT value FROM meta WHERE name = ?", (name,)).fetchone()
    return str(row[0]) if row else None


def _revive(text: str) -> Verdict:
    body = json.loads(text)
    flaws = tuple(Flaw(**flaw) for flaw in body["flaws"])
    return Verdict(
        Mark(body["rev"], body["digest"]), DesiredStatus(body["status"]), flaws, body["kid"], bool(body["final"])
    )
