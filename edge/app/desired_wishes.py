"""The wishes, as the link's desk of desired documents needs them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from edge.app.desired_draft import Draft
from edge.app.overrides import AppliedDocument, Overrides
from edge.app.wanted import Wanted
from edge.app.wishes import Wishes
from edge.link.desired import Checked, Flaw, LinkWish, Mark
from edge.model.picture import Size

_UNCOVERS = "what is masked now would be seen: needs the current chal of the link message in the document"


class DesiredWishes:
    """Implements link.desired.Applier: a document's wishes replace those of all commands before it.

    `picture_size` is that of the first input's picture now, None without one.
    """

    def __init__(self, *, wishes: Wishes, picture_size: Callable[[], Size | None]) -> None:
        self._wishes = wishes
        self._picture_size = picture_size

    @property
    def applied(self) -> Mark | None:
        document = self._wishes.wanted.overrides.document
        return Mark(document.rev, document.digest) if document else None

    @property
    def link(self) -> LinkWish:
        return _link_of(self._wishes.wanted.overrides)

    def check(self, body: Mapping[str, Any]) -> Checked:
        draft = Draft(self._wishes.blank)
        draft.read(body)
        overrides = draft.wanted.overrides
        uncovers = self._wishes.wanted.uncovered_by(overrides, now=self._picture_size())
        grave = (Flaw("/mask", "challenge_needed", _UNCOVERS),) if uncovers else ()
        return Checked(tuple(draft.flaws), draft.ignored, grave, _link_of(overrides), overrides)

    def apply(self, checked: Checked, mark: Mark) -> None:
        wish = checked.wish
        if not isinstance(wish, Overrides):
            raise TypeError("not checked here")
        self._wishes.adopt(replace(wish, document=AppliedDocument(mark.rev, mark.digest, wish)))

    def release(self) -> None:
        now = self._wishes.wanted.overrides
        if now.document is not None or now.link is not None:
            self._wishes.adopt(replace(now, document=None, link=None))

    def drift(self) -> tuple[str, ...]:
        document = self._wishes.wanted.overrides.document
        if document is None:
            return ()
        return tuple(_differences(self._wishes.wanted, self._wishes.wanted.with_overrides(document.overrides)))


def _link_of(overrides: Overrides) -> LinkWish:
    link = overrides.link
    return LinkWish(link.broker, link.reconnect_spread_s) if link else LinkWish()


def _differences(now: Wanted, then: Wanted) -> list[str]:
    names = sorted({*now.sinks, *then.sinks})
    paths = [f"/sinks/{name}" for name in names if now.sinks.get(name) != then.sinks.get(name)]
    paths += [
        f"/rungs/{here.name}"
        for here, there in zip(now.rungs, then.rungs, strict=True)
        if here.bitrate_bps != there.bitrate_bps
    ]
    singles = {
        "/preset": (now.preset_name, then.preset_name),
        "/mask": (now.picture.own_mask, then.picture.own_mask),
        "/source": (now.source, then.source),
        "/log_level": (now.log_level, then.log_level),
        "/network": (_link_of(now.overrides), _link_of(then.overrides)),
    }
    return paths + [path for path, (here, there) in singles.items() if here != there]
