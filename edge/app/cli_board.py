"""`edge board [list|check]`: what board this is, why, and what it can be expected to do."""

from __future__ import annotations

import argparse
import dataclasses
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from board.edid.reach import reach
from board.edid.receiver import CsiLink
from edge.app.board_profile import SIM_BOARD, Board, Profiles, board_of, find_board, read_own
from edge.app.cli_options import add_config_options, config_from
from edge.app.encoder_status import candidate_of, verdict_lines
from edge.app.trials import try_encoders
from edge.media.lineup import Verdict
from edge.model.board import BoardProfile, CaptureFact, EncoderFact
from edge.model.errors import NotFound

_MAX_SIDE = 8192  # the default of a profile, which says nothing of the encoder


def add_commands(commands: Any) -> None:
    board = commands.add_parser("board", help="say what board this is and what it can do", description=__doc__)
    _add_options(board)
    board.add_argument("--json", action="store_true", help="for programs")
    board.set_defaults(act=_show)
    actions = board.add_subparsers(title="actions", metavar="ACTION")
    listed = actions.add_parser("list", help="name the profiles there are, that of this board with a star")
    _add_options(listed)
    listed.set_defaults(act=_list)
    tried = actions.add_parser("try", help="try the board's encoders with real pictures and say what they are worth")
    add_config_options(tried)
    tried.add_argument("names", nargs="*", metavar="NAME", help="encoders as `edge board` names them; none: all")
    tried.add_argument("--json", action="store_true", help="for programs")
    tried.set_defaults(act=_try)
    check = actions.add_parser("check", help="say every problem of a profile of your own, or that there is none")
    check.add_argument("file", type=Path, metavar="FILE", help="a TOML file named after the board")
    check.set_defaults(act=_check)


def _add_options(command: argparse.ArgumentParser) -> None:
    add_config_options(command)
    command.add_argument(
        "--root",
        type=Path,
        default=Path("/"),
        metavar="DIR",
        help="read of another machine, whose /proc and /sys are here",
    )


def _show(arguments: argparse.Namespace) -> int:
    board = _board(arguments)
    if arguments.json:
        print(json.dumps(dataclasses.asdict(board), indent=2))
    else:
        print("\n".join(_lines(board)))
        if (used := board_of(config_from(arguments)).profile.id) != board.profile.id and used == SIM_BOARD:
            print(f"  note:      the source is the simulated board, so the box encodes as {used} does")
    return 1 if board.trouble else 0


def _list(arguments: argparse.Namespace) -> int:
    here = _board(arguments).profile.id
    known = Profiles.load(config_from(arguments).board.profiles_dir)
    for profile in known.profiles.values():
        own = " (your own)" if profile.own else ""
        print(f"{'*' if profile.id == here else ' '} {profile.id:<12} {profile.title}{own}")
    for sentence in known.trouble:
        print(f"! {sentence}")
    return 1 if known.trouble else 0


def _try(arguments: argparse.Namespace) -> int:
    """Exit code 1 when none of them is fit."""
    config, names = config_from(arguments), arguments.names
    known = [fact.name for fact in board_of(config).profile.encoders]
    if unknown := [name for name in names if name not in known]:
        raise NotFound(f"encoder {unknown[0]!r} is not one of this board's: {', '.join(known)}", code="unknown_encoder")
    found = []
    for standing in try_encoders(config, only=names):
        found.append(standing)
        if not arguments.json:
            print("\n".join(verdict_lines(standing)), flush=True)
    if arguments.json:
        print(json.dumps([candidate_of(standing) for standing in found], indent=2))
    return 0 if any(standing.verdict is Verdict.FIT for standing in found) else 1


def _check(arguments: argparse.Namespace) -> int:
    path: Path = arguments.file
    profile = read_own(path)
    print(f"{path}: the profile is good: {profile.title}.")
    for line in _known_of(profile):
        print(f"  {line}")
    return 0


def _board(arguments: argparse.Namespace) -> Board:
    """The machine's, whatever source the box is to have."""
    return find_board(config_from(arguments).board, root=arguments.root)


def _lines(board: Board) -> Iterator[str]:
    yield f"{board.profile.title} ({board.profile.id}{', your own' if board.profile.own else ''})"
    yield f"  because:   {board.why}"
    for note in board.notes:
        yield f"  note:      {note}"
    for line in _known_of(board.profile):
        yield f"  {line}"
    for sentence in board.trouble:
        yield f"  TROUBLE:   {sentence}"


def _known_of(profile: BoardProfile) -> Iterator[str]:
    for fact in profile.capture:
        yield f"capture:   {_capture(fact)}"
    for place, encoder in enumerate(profile.encoders, start=1):
        yield f"encoder {place}: {_encoder(encoder)}"


def _capture(fact: CaptureFact) -> str:
    device = f"{fact.bridge} on {fact.driver}" if fact.bridge else fact.driver
    link = f", {reach(CsiLink(fact.lanes, fact.lane_mbps))}" if fact.lanes is not None else ""
    return f"{device}{link}{_note(fact.note)}"


def _encoder(fact: EncoderFact) -> str:
    parts = [f"{fact.name}, {fact.codec} in {'hardware' if fact.hardware else 'software'} ({_by(fact)})"]
    if min(fact.max_width, fact.max_height) < _MAX_SIDE:
        parts.append(f"up to {fact.max_width}x{fact.max_height}")
    if fact.pixels_per_s is not None:
        parts.append(f"said to manage {fact.pixels_per_s / 1e6:.4g} Mpixel/s")
    if fact.latency_ms is not None:
        parts.append(f"{fact.latency_ms:g} ms measured by others")
    return ", ".join(parts) + _note(fact.note)


def _by(fact: EncoderFact) -> str:
    element = fact.gst.element if fact.gst else ""
    return " ".join(filter(None, (fact.kind, fact.library or element or fact.card or fact.driver)))


def _note(note: str) -> str:
    return f"; {note}" if note else ""
