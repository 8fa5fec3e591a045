"""From layers to one Config: defaults, the base file, its drop-ins, `--config` files, `--set`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edge.config.layers import KeyPath, Tree, parse_set, read_toml
from edge.config.model import Config
from edge.config.problems import checked
from edge.model.errors import Invalid

BASE_FILE = Path("/etc/scopecast/edge.toml")
SET = "--set"


@dataclass(frozen=True, slots=True)
class Loaded:
    """A configuration and, by key path, the layer that set what is not a default."""

    config: Config
    origins: Mapping[KeyPath, str]


def load(*, base: Path = BASE_FILE, files: Sequence[Path] = (), sets: Sequence[str] = ()) -> Config:
    """The effective configuration. Raises Invalid (code `config`), whose message has one line per problem."""
    return load_layers(base=base, files=files, sets=sets).config


def load_layers(*, base: Path = BASE_FILE, files: Sequence[Path] = (), sets: Sequence[str] = ()) -> Loaded:
    """Like `load`, with the layers. `base` may be absent, and so may its directory of drop-ins
    (`edge.d/*.toml` beside `edge.toml`, in order of their names); each of `files` must exist."""
    wrong: list[str] = []
    tree = Tree(Config().model_dump(mode="json"))
    for path in (*_base_files(base), *files):
        _collect(wrong, lambda path=path: tree.lay(read_toml(path), str(path)))  # type: ignore[misc]
    for text in sets:
        _collect(wrong, lambda text=text: tree.set(*parse_set(text), SET), where=f"{SET}: ")  # type: ignore[misc]
    config = checked(tree, wrong.extend)
    if wrong or config is None:
        raise Invalid("\n".join(wrong), code="config")
    return Loaded(config, tree.origins)


def _base_files(base: Path) -> list[Path]:
    drop_ins = base.with_suffix(".d")
    return [*([base] if base.exists() else []), *sorted(drop_ins.glob("*.toml"))]


def _collect(wrong: list[str], step: Callable[[], Any], *, where: str = "") -> None:
    try:
        step()
    except Invalid as error:
        wrong.append(f"{where}{error}")
