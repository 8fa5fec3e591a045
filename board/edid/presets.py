"""The descriptions that come with the box, one file each in presets/."""

from __future__ import annotations

from importlib import resources
from importlib.resources.abc import Traversable

from board.edid.description import Description
from board.edid.description_file import parse_description
from edge.model.errors import NotFound

_SUFFIX = ".toml"


def preset_names() -> tuple[str, ...]:
    files = (file.name for file in _folder().iterdir())
    return tuple(sorted(name.removesuffix(_SUFFIX) for name in files if name.endswith(_SUFFIX)))


def preset(name: str) -> Description:
    """Raises NotFound (unknown_preset)."""
    if name not in preset_names():
        raise NotFound(f"unknown preset {name[:40]!r}; there are {', '.join(preset_names())}", code="unknown_preset")
    return parse_description((_folder() / f"{name}{_SUFFIX}").read_text(encoding="utf-8"), where=f"preset {name}")


def purpose(name: str) -> str:
    """The comment that opens a preset's file: one line."""
    text = (_folder() / f"{name}{_SUFFIX}").read_text(encoding="utf-8")
    return text.partition("\n")[0].removeprefix("#").strip()


def _folder() -> Traversable:
    return resources.files("board.edid") / "presets"
