"""The board of this box: its profile, found or named, and what is wrong with profiles of one's own."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from importlib import resources
from pathlib import Path

from board.detect import GENERIC, Detected, choose, fitted
from board.edid.presets import preset_names
from board.identity import Identity, read_identity
from edge.config.board import board_of as parsed_board
from edge.config.board import read_board
from edge.config.model import AUTO_BOARD, BoardConfig, Config
from edge.config.source import SourceKind
from edge.model.board import BoardProfile
from edge.model.errors import Invalid

SIM_BOARD = "sim"
_ROOT = Path("/")
_SUFFIX = ".toml"


@dataclass(frozen=True, slots=True)
class Board:
    """`why` it is taken for this one; `notes` for the technician; `trouble`: what of the configuration is disobeyed."""

    profile: BoardProfile
    why: str
    notes: tuple[str, ...] = ()
    trouble: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Profiles:
    """By id, in order of the ids; `trouble` has a sentence for each problem of a file of one's own."""

    profiles: Mapping[str, BoardProfile]
    trouble: tuple[str, ...] = ()

    @classmethod
    def load(cls, own: Path | None) -> Profiles:
        """One's own profile goes before a shipped one of its name; a broken one is left out. Blocking."""
        found = {profile.id: profile for profile in _shipped()}
        trouble: list[str] = []
        for path in _own_files(own, trouble):
            try:
                found[path.stem] = read_own(path)
            except Invalid as error:
                trouble += str(error).splitlines()
        return cls(dict(sorted(found.items())), tuple(trouble))


def board_of(config: Config, *, root: Path = _ROOT) -> Board:
    """As `find_board`; the simulated source stands on the simulated board, unless a profile is named."""
    if config.board.profile != AUTO_BOARD or config.source.kind is not SourceKind.SIM:
        return find_board(config.board, root=root)
    simulated = find_board(config.board.model_copy(update={"profile": SIM_BOARD}), root=root)
    return replace(simulated, why="the source is the simulated one", notes=())


def find_board(config: BoardConfig, *, root: Path = _ROOT) -> Board:
    """Blocking, opens no device. Raises nothing on a wrong configuration: `trouble` says what, the board is found."""
    known = Profiles.load(config.profiles_dir)
    identity = read_identity(root)
    found = choose(identity, tuple(known.profiles.values()))
    named = known.profiles.get(config.profile)
    trouble = known.trouble
    if named is not None:
        found = _named(named, found, identity)
    elif config.profile != AUTO_BOARD:
        trouble += (f"board.profile: no profile {config.profile!r}; there is {', '.join(known.profiles)}",)
    return Board(found.profile, found.why, found.notes, trouble)


def read_own(path: Path) -> BoardProfile:
    """Raises Invalid (code `config`), one line per problem, each with the path."""
    profile = read_board(path)
    presets = preset_names()
    wrong = [
        f"{path}: capture.{index}.edid_preset: there is {', '.join(presets)} (got {fact.edid_preset!r})"
        for index, fact in enumerate(profile.capture)
        if fact.edid_preset and fact.edid_preset not in presets
    ]
    if wrong:
        raise Invalid("\n".join(wrong), code="config")
    return profile


def _named(named: BoardProfile, found: Detected, identity: Identity) -> Detected:
    chosen = fitted(named, identity, why="board.profile names it")
    if found.profile.id in (named.id, GENERIC):
        return chosen
    differs = f"the machine looks like {found.profile.id}: {found.why}"
    return Detected(chosen.profile, chosen.why, (differs, *chosen.notes))


def _shipped() -> Iterator[BoardProfile]:
    for file in resources.files("board.profiles").iterdir():
        if file.name.endswith(_SUFFIX):
            yield parsed_board(file.read_bytes(), id=file.name.removesuffix(_SUFFIX), where=file.name)


def _own_files(own: Path | None, trouble: list[str]) -> Iterator[Path]:
    if own is None:
        return
    if not own.is_dir():
        trouble.append(f"board.profiles_dir: {own} is not a directory")
        return
    yield from sorted(own.glob(f"*{_SUFFIX}"))
