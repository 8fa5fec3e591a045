"""Which profile describes this machine, and why. Pure: what the machine says comes from `board.identity`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase

from board.identity import Bridge, Identity
from edge.model.board import BoardMatch, BoardProfile, CaptureFact

GENERIC = "generic"


@dataclass(frozen=True, slots=True)
class Detected:
    """`profile` with its capture facts cut to what the live device tree has; `why` and `notes` are sentences."""

    profile: BoardProfile
    why: str
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Fit:
    """`place`: how particular the fitting name is: its place in the compatible list, or 0 for DMI and 1 for PCI."""

    profile: BoardProfile
    place: int
    reasons: tuple[str, ...]

    @property
    def rank(self) -> tuple[int, int, bool, str]:
        """The best is the smallest."""
        return self.place, -len(self.reasons), not self.profile.own, self.profile.id


def choose(identity: Identity, profiles: Sequence[BoardProfile]) -> Detected:
    """The most particular profile that fits, or the generic one with the reason. `profiles` must hold that one."""
    fits = [fit for profile in profiles if (fit := _fit(profile, identity)) is not None]
    if not fits:
        generic = next(one for one in profiles if one.id == GENERIC)
        return fitted(generic, identity, why=f"no profile fits a machine that has {_described(identity)}")
    best = min(fits, key=lambda fit: fit.rank)
    found = fitted(best.profile, identity, why=" and ".join(best.reasons))
    return replace(found, notes=(*_undecided(best, profiles, identity), *found.notes))


def fitted(profile: BoardProfile, identity: Identity, *, why: str) -> Detected:
    """That profile on this machine: fewer lanes or slower ones than the board has are what counts."""
    facts: list[CaptureFact] = []
    notes: list[str] = []
    for fact in profile.capture:
        cut, note = _cut(fact, identity.bridges)
        facts.append(cut)
        notes += note
    return Detected(replace(profile, capture=tuple(facts)), why, tuple(notes))


def _fit(profile: BoardProfile, identity: Identity) -> _Fit | None:
    match = profile.match
    if match is None or bool(match.compatible) != bool(identity.compatible):
        return None
    place = _in_tree(match, identity) if match.compatible else _by_maker(match)
    if place is None:
        return None
    reasons = [f"the device tree says {identity.compatible[place]}"] if match.compatible else []
    for holds, reason in _conditions(match, identity):
        if not holds:
            return None
        reasons.append(reason)
    return _Fit(profile, place, tuple(reasons))


def _by_maker(match: BoardMatch) -> int:
    return 0 if match.sys_vendor or match.product_name or match.board_name else 1


def _in_tree(match: BoardMatch, identity: Identity) -> int | None:
    for place, name in enumerate(identity.compatible):
        if any(fnmatchcase(name, pattern) for pattern in match.compatible):
            return place
    return None


def _conditions(match: BoardMatch, identity: Identity) -> Iterator[tuple[bool, str]]:
    """(whether it holds, why it does) of all that is asked beside the device tree's name."""
    for what in ("sys_vendor", "product_name", "board_name"):
        pattern, said = getattr(match, what), getattr(identity, what)
        if pattern:
            yield fnmatchcase(said, pattern), f"DMI says {what} {said!r}"
    if match.pci_vendor or match.pci_driver:
        yield from _display_conditions(match, identity)
    if match.bridge_lanes is not None:
        lanes = [bridge.lanes for bridge in identity.bridges]
        yield match.bridge_lanes in lanes, f"its bridge chip has {match.bridge_lanes} lanes there"


def _display_conditions(match: BoardMatch, identity: Identity) -> Iterator[tuple[bool, str]]:
    vendor, driver = match.pci_vendor, match.pci_driver
    devices = [one for one in identity.displays if not vendor or one.vendor == vendor]
    yield bool(devices), f"it has a display device of {vendor or 'any vendor'}"
    if driver:
        yield any(fnmatchcase(one.driver, driver) for one in devices), f"the kernel's driver for it is {driver}"


def _undecided(best: _Fit, profiles: Sequence[BoardProfile], identity: Identity) -> Iterator[str]:
    """What would have decided between two variants of one board, and is not there."""
    by_lanes = (one.match for one in profiles if one.match is not None and one.match.bridge_lanes is not None)
    rivals = [match for match in by_lanes if match.compatible and _in_tree(match, identity) == best.place]
    if rivals and not any(bridge.lanes for bridge in identity.bridges):
        yield (
            "the device tree does not say how many lanes a bridge chip has: the fewest are assumed; "
            "board.profile overrules that"
        )


def _cut(fact: CaptureFact, bridges: Sequence[Bridge]) -> tuple[CaptureFact, list[str]]:
    """Where there are two such bridges, the slower link is taken for both."""
    there = [bridge for bridge in bridges if bridge.chip == fact.bridge]
    if fact.lanes is None or not there:
        return fact, []
    said_lanes = min((bridge.lanes for bridge in there if bridge.lanes), default=fact.lanes)
    lane_mbps = min((bridge.lane_mbps for bridge in there if bridge.lane_mbps), default=fact.lane_mbps)
    notes = []
    if said_lanes != fact.lanes:
        notes.append(f"the device tree gives the {fact.bridge} {_lanes(said_lanes)}, this board has {fact.lanes}")
    if lane_mbps != fact.lane_mbps:
        notes.append(f"the device tree sets the lanes of the {fact.bridge} to {lane_mbps} Mbit/s")
    return replace(fact, lanes=min(fact.lanes, said_lanes), lane_mbps=lane_mbps), notes


def _lanes(count: int) -> str:
    return "1 lane" if count == 1 else f"{count} lanes"


def _described(identity: Identity) -> str:
    if identity.compatible:
        return f"the device tree {', '.join(identity.compatible)}"
    named = [text for text in (identity.sys_vendor, identity.product_name, identity.board_name) if text]
    displays = [f"{one.vendor} ({one.driver or 'no driver'})" for one in identity.displays]
    dmi = f"DMI {', '.join(named)}" if named else "no DMI"
    return f"no device tree, {dmi}, display devices: {', '.join(displays) or 'none'}"
