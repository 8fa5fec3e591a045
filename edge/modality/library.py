"""The presets there are: those that come with the software, and a technician's own."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from edge.config.preset import read_preset
from edge.modality.preset import Preset
from edge.model.errors import Invalid, NotFound
from edge.model.picture import NO_PRESET

_SHIPPED = Path(__file__).parent / "presets"
_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,39}")


@dataclass(frozen=True, slots=True)
class Library:
    """Presets by name, in order of their names."""

    presets: Mapping[str, Preset]

    @classmethod
    def load(cls, own: Path | None) -> Library:
        """One's own preset goes before a shipped one of its name. Blocking.

        Raises Invalid (code `config`) with a line for each problem of any file.
        """
        found: dict[str, Preset] = {}
        wrong: list[str] = []
        for path, is_own in (*((path, False) for path in _files(_SHIPPED)), *_own_files(own, wrong)):
            try:
                found[path.stem] = Preset(_name(path), read_preset(path), own=is_own)
            except Invalid as error:
                wrong.append(str(error))
        if wrong:
            raise Invalid("\n".join(wrong), code="config")
        return cls(dict(sorted(found.items())))

    def find(self, name: str) -> Preset:
        """Raises NotFound `unknown_preset` naming those there are."""
        preset = self.presets.get(name)
        if preset is None:
            raise NotFound(f"no preset {name!r}; there is {', '.join(self.presets)}", code="unknown_preset")
        return preset


def _files(folder: Path) -> Iterator[Path]:
    return iter(sorted(folder.glob("*.toml")))


def _own_files(own: Path | None, wrong: list[str]) -> Iterator[tuple[Path, bool]]:
    if own is None:
        return
    if not own.is_dir():
        wrong.append(f"modality.presets_dir: {own} is not a directory")
        return
    yield from ((path, True) for path in _files(own))


def _name(path: Path) -> str:
    if _NAME.fullmatch(path.stem) is None or path.stem == NO_PRESET:
        sentence = f"{path}: a preset's file name must match {_NAME.pattern}.toml and not be {NO_PRESET}.toml"
        raise Invalid(sentence, code="config")
    return path.stem
