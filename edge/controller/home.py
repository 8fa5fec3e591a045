"""A controller's directory: its key, the boxes it knows, its counters. Files mode 0600; blocking."""

from __future__ import annotations

import os
from dataclasses import asdict, dataclass
from pathlib import Path

from edge.controller.central import Central
from edge.controller.folder import Folder
from edge.controller.keychain import Keychain
from edge.controller.rotation import Rotation
from edge.link.engine import Broker
from edge.model.errors import Invalid, NotFound
from edge.vault.pkcs11 import AskPin, no_pin
from edge.vault.signing import Signer

ENV = "EDGECTL_HOME"


@dataclass(frozen=True, slots=True)
class KnownBox:
    """Where a paired box is met, `tls` with certificates. `url` is its HTTP address, empty when not known."""

    id: str
    host: str
    port: int
    url: str = ""
    tls: bool = False


def default_home() -> Path:
    """`$EDGECTL_HOME`, else `~/.config/scopecast-controller`."""
    said = os.environ.get(ENV)
    return Path(said) if said else Path.home() / ".config" / "scopecast-controller"


class Home:
    """Raises Unavailable `controller_home` when the disk refuses, Fault on a damaged file."""

    def __init__(self, path: Path, *, ask_pin: AskPin = no_pin) -> None:
        self.path = path
        self.folder = Folder(path)
        self.keychain = Keychain(self.folder, ask_pin=ask_pin)

    @property
    def ledger_path(self) -> Path:
        """Where events, commands, documents and rollouts are recorded."""
        return self.path / "ledger.sqlite"

    @property
    def others_path(self) -> Path:
        """The keys of other controllers that boxes are to keep, as a box's own list is written."""
        return self.path / "others.json"

    def key_for(self, box: str) -> Signer:
        """What that box believes: while keys are rotated, the new one only once it is enrolled there."""
        rotation = Rotation.load(self.folder)
        return self.key() if rotation is None else self.keychain.signer(rotation.kid_for(box))

    def key(self) -> Signer:
        """What this controller signs with now; the first key pair is made at first use."""
        return self.keychain.active()

    def boxes(self) -> tuple[KnownBox, ...]:
        entries = self.folder.read("boxes.json")
        try:
            return tuple(KnownBox(id=name, **entry) for name, entry in sorted(entries.items()))
        except TypeError as error:
            raise self.folder.damaged("boxes.json", error) from error

    def remember(self, *boxes: KnownBox) -> None:
        entries = {box.id: {name: value for name, value in asdict(box).items() if name != "id"} for box in boxes}
        with self.folder.locked():
            self.folder.write("boxes.json", {**self.folder.read("boxes.json"), **entries})

    def forget(self, box: str) -> None:
        """No error when it is not known."""
        with self.folder.locked():
            known = self.folder.read("boxes.json")
            self.folder.write("boxes.json", {name: one for name, one in known.items() if name != box})

    def find(self, text: str | None) -> KnownBox:
        """The box of that id, of that beginning of an id, or the only one. Raises NotFound, Invalid."""
        boxes = self.boxes()
        if not boxes:
            raise NotFound("no box is known here: edgectl pair URL --code CODE", code="unknown_box")
        if text is None:
            return _only(boxes, "more than one box is known, name one")
        exact = tuple(box for box in boxes if box.id == text)
        found = exact or tuple(
            box for box in boxes if box.id.removeprefix("box-").startswith(text.removeprefix("box-"))
        )
        if not found:
            raise NotFound(f"no known box is called {text}: {_names(boxes)}", code="unknown_box")
        return _only(found, f"{text} fits more than one box")

    def broker(self, box: KnownBox) -> Broker:
        """Where that box is met, with what TLS needs there."""
        return Broker(box.host, box.port, self.central.client() if box.tls else None)

    @property
    def central(self) -> Central:
        """The central broker, and the authority that signs for it."""
        return Central(self.folder, name=self.keychain.held()[0].kid)  # the first: a name outlives its key

    def reserve_ctr(self, now_us: int, span_us: int, *, leap: bool) -> int:
        """The first of `span_us` numbers that may be given out; the reservation is durable.

        `now_us`, unless the clock was set back by more than `span_us` or `leap` is wished for: then
        above everything reserved before, by whatever process.
        """
        with self.folder.locked():
            end = int(self.folder.read("counter.json").get("ctr", 0))
            first = max(end + 1, now_us) if leap or now_us < end - span_us else now_us
            self.folder.write("counter.json", {"ctr": max(end, first + span_us)})
        return first


def _only(boxes: tuple[KnownBox, ...], otherwise: str) -> KnownBox:
    if len(boxes) > 1:
        raise Invalid(f"{otherwise}: {_names(boxes)}", code="ambiguous_box")
    return boxes[0]


def _names(boxes: tuple[KnownBox, ...]) -> str:
    return ", ".join(box.id for box in boxes)
