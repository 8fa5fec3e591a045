"""The effective configuration as TOML text."""

from __future__ import annotations

from typing import Any

from edge.config import toml_text
from edge.config.layers import KeyPath, Tree, dotted
from edge.config.load import Loaded
from edge.config.model import Config
from edge.config.preset import PresetConfig
from edge.config.secrecy import shown


def show(config: Config) -> str:
    """For people: passwords inside addresses are starred out."""
    return toml_text.document(shown((), config.model_dump(mode="json")))


def preset_text(preset: PresetConfig) -> str:
    """A preset with everything it says or leaves to its default."""
    return toml_text.document(preset.model_dump(mode="json"))


def dump(config: Config) -> str:
    """For a file of our own: loading it gives the same configuration."""
    return toml_text.document(config.model_dump(mode="json"))


def show_changed(loaded: Loaded) -> str:
    """One line for each option that is not at its default, with the layer that set it; empty when none."""
    tree = Tree({}, dict(loaded.origins))
    changed = _changed(loaded.config.model_dump(mode="json"), Config().model_dump(mode="json"), ())
    lines = [
        f"{dotted(path)} = {toml_text.value(shown(path, value))}  # {tree.origin_of(path)}" for path, value in changed
    ]
    return "".join(f"{line}\n" for line in lines)


def _changed(now: Any, default: Any, path: KeyPath) -> list[tuple[KeyPath, Any]]:
    if now == default:
        return []
    if isinstance(now, dict):
        return [pair for key in now for pair in _changed(now[key], default[key], (*path, key))]
    return [(path, now)]
