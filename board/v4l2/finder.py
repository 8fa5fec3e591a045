"""Which device node is meant: numbers change with every boot and every plug, so devices have better names."""

from __future__ import annotations

import glob
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from board.v4l2.card import Card, read_card
from board.v4l2.kernel import Kernel
from board.v4l2.node import Node
from board.v4l2.profile import CaptureProfile, Detect, profile_for
from edge.model.errors import DeviceGone

ListPaths = Callable[[], Iterable[str]]


@dataclass(frozen=True, slots=True)
class Seen:
    """A video node: `card` is None where it could not be asked, and `trouble` says why."""

    path: str
    card: Card | None
    trouble: str = ""


def video_paths() -> Sequence[str]:
    """/dev/video*, in order of their numbers."""
    return sorted(glob.glob("/dev/video[0-9]*"), key=lambda path: (len(path), path))


def look_around(kernel: Kernel, list_paths: ListPaths = video_paths) -> Iterator[Seen]:
    """Every video node of the machine. Raises nothing: what is wrong with a node is said of it."""
    for path in list_paths():
        try:
            with Node(path, kernel=kernel) as node:
                yield Seen(path, read_card(node))
        except DeviceGone as error:
            yield Seen(path, None, str(error))
        except OSError as error:
            yield Seen(path, None, f"{path}: {error.strerror}")


@dataclass(frozen=True, slots=True)
class Finder:
    """`wanted`: a path, or a bus, card or driver as `edge devices` shows it; empty for the first that captures.

    Of several that fit, one which can tell its signal comes before one that cannot.
    """

    kernel: Kernel
    profiles: Mapping[str, CaptureProfile]
    wanted: str = ""
    list_paths: ListPaths = video_paths

    def find(self) -> str:
        """The path of the node. Raises DeviceGone naming what was looked for and what there is."""
        if self.wanted.startswith("/"):
            return self.wanted
        seen = list(look_around(self.kernel, self.list_paths))
        fitting = [one for one in seen if one.card is not None and one.card.captures and self._fits(one.card)]
        if not fitting:
            raise DeviceGone(self._not_found(seen))
        return min(fitting, key=self._rank).path

    def _fits(self, card: Card) -> bool:
        return not self.wanted or self.wanted in (card.bus, card.name, card.driver)

    def _rank(self, one: Seen) -> int:
        driver = one.card.driver if one.card is not None else ""
        return 0 if profile_for(self.profiles, driver).detect is Detect.TIMINGS else 1

    def _not_found(self, seen: Sequence[Seen]) -> str:
        capturing = [f"{one.card.bus} ({one.card.name})" for one in seen if one.card is not None and one.card.captures]
        there = f"there is {', '.join(capturing)}" if capturing else "there is none"
        denied = next((one.trouble for one in seen if one.trouble), "")
        wanted = f"no capture device {self.wanted!r}; " if self.wanted else "no capture device; "
        return f"{wanted}{there}" + (f"; {denied}" if denied else "")
