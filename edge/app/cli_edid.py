"""`edge edid show|presets|build|check|convert|set|import|export`: what an HDMI input tells the source about itself."""

from __future__ import annotations

import argparse
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

from board.edid.build import build
from board.edid.description import Description
from board.edid.description_file import parse_description
from board.edid.hex_text import unpacked
from board.edid.limits import limit, lock
from board.edid.modes import mode
from board.edid.parse import parse, problems
from board.edid.presets import preset, preset_names, purpose
from board.edid.receiver import CsiLink, Receiver
from board.edid.render import describe
from edge.app.cli_edid_device import add_actions, add_device_option, edid_of_device
from edge.app.edid_files import HEX, RAW, content_of, edid_of_file, named, put_edid
from edge.model.errors import Invalid


def add_commands(commands: Any) -> None:
    edid = commands.add_parser("edid", help="make, show and check EDIDs of HDMI inputs", description=__doc__)
    actions = edid.add_subparsers(title="actions", metavar="ACTION", required=True)
    shown = actions.add_parser("show", help="say what an EDID says")
    _add_origin(shown)
    shown.set_defaults(act=_show)
    presets = actions.add_parser("presets", help="list the EDIDs that come with the box")
    presets.set_defaults(act=_presets)
    built = actions.add_parser("build", help="make an EDID, fitted to a board or locked to one mode")
    _add_build_options(built)
    _add_output_options(built)
    built.set_defaults(act=_build)
    check = actions.add_parser("check", help="say every problem of an EDID, or that there is none")
    check.add_argument("file", type=Path, metavar="FILE", help="binary or hex text; - is standard input")
    check.set_defaults(act=_check)
    convert = actions.add_parser("convert", help="write an EDID as hex text or binary")
    convert.add_argument("file", type=Path, metavar="FILE", help="binary or hex text; - is standard input")
    convert.add_argument("--mend", action="store_true", help="put wrong checksums right")
    _add_output_options(convert)
    convert.set_defaults(act=_convert)
    add_actions(actions)


def edid_from(arguments: argparse.Namespace) -> bytes:
    """The EDID that `FILE`, `--preset` or, without either, the device names. Raises Invalid, NotFound, Unavailable."""
    if arguments.file is None and arguments.preset is None:
        return edid_of_device(arguments.device)
    if arguments.preset is not None:
        return build(preset(arguments.preset))
    return edid_of_file(arguments.file)


def _add_origin(command: argparse.ArgumentParser) -> None:
    add_device_option(command)
    origin = command.add_mutually_exclusive_group()
    origin.add_argument("file", type=Path, nargs="?", metavar="FILE", help="binary or hex text; - is standard input")
    origin.add_argument("--preset", metavar="NAME", help="one that comes with the box")


def _add_build_options(command: argparse.ArgumentParser) -> None:
    origin = command.add_mutually_exclusive_group(required=True)
    origin.add_argument("--preset", metavar="NAME", help="one that comes with the box: see edge edid presets")
    origin.add_argument("--description", type=Path, metavar="FILE", help="a TOML file as the presets are")
    command.add_argument("--lock", metavar="MODE", help="offer only this mode, as 1080p50; 640x480p60 always remains")
    command.add_argument("--audio", action=argparse.BooleanOptionalAction, help="whether the source may send sound")
    board = command.add_argument_group("the board, where it differs from the preset's; modes beyond it are dropped")
    board.add_argument("--lanes", type=int, choices=(1, 2, 3, 4), help="CSI-2 lanes")
    board.add_argument("--lane-mbps", type=_positive, metavar="MBPS", help="rate of a lane: 972 or 594 for a TC358743")
    board.add_argument("--bytes-per-pixel", type=int, choices=(2, 3), help="2 for UYVY, 3 for RGB")
    board.add_argument("--max-clock-mhz", type=_positive, metavar="MHZ", help="fastest pixel clock")
    board.add_argument("--interlaced", action=argparse.BooleanOptionalAction, help="whether it takes interlaced modes")


def _add_output_options(command: argparse.ArgumentParser) -> None:
    command.add_argument("-o", "--output", type=Path, metavar="FILE", help="instead of standard output")
    command.add_argument("--format", choices=(HEX, RAW), default=HEX, help="default %(default)s, as v4l2-ctl reads")


def _show(arguments: argparse.Namespace) -> int:
    for line in describe(parse(edid_from(arguments))):
        print(line)
    return 0


def _presets(arguments: argparse.Namespace) -> int:
    for name in preset_names():
        print(f"{name:<12} {purpose(name)}")
    return 0


def _build(arguments: argparse.Namespace) -> int:
    described = _description(arguments)
    limited = limit(described, _receiver(described.receiver, arguments))
    described = limited.description
    if arguments.lock is not None:
        described = lock(described, mode(arguments.lock))
    else:
        for dropped in limited.dropped:
            print(f"edge: dropped {dropped}", file=sys.stderr)
    put_edid(build(described), path=arguments.output, form=arguments.format)
    return 0


def _check(arguments: argparse.Namespace) -> int:
    path: Path = arguments.file
    raw = named(path, lambda: unpacked(content_of(path)))
    wrong = problems(raw)
    if wrong:
        raise Invalid("\n".join(f"{path}: {line}" for line in wrong), code="edid_invalid")
    print(f"{path}: the EDID is good: {len(parse(raw).modes)} modes in {len(raw)} bytes.")
    return 0


def _convert(arguments: argparse.Namespace) -> int:
    raw = edid_of_file(arguments.file, mend=arguments.mend)
    put_edid(raw, path=arguments.output, form=arguments.format)
    return 0


def _description(arguments: argparse.Namespace) -> Description:
    path: Path | None = arguments.description
    if path is None:
        described = preset(arguments.preset)
    else:
        try:
            text = named(path, lambda: content_of(path)).decode("utf-8")
        except UnicodeDecodeError as error:
            raise Invalid(f"{path}: is not UTF-8 text") from error
        described = parse_description(text, where=str(path))
    return described if arguments.audio is None else replace(described, audio=arguments.audio)


def _receiver(known: Receiver, arguments: argparse.Namespace) -> Receiver:
    return replace(
        known,
        csi=_csi(known.csi, arguments),
        max_clock_khz=arguments.max_clock_mhz * 1000 if arguments.max_clock_mhz else known.max_clock_khz,
        interlaced=known.interlaced if arguments.interlaced is None else arguments.interlaced,
    )


def _csi(known: CsiLink | None, arguments: argparse.Namespace) -> CsiLink | None:
    given = {
        key: value
        for key in ("lanes", "lane_mbps", "bytes_per_pixel")
        if (value := getattr(arguments, key)) is not None
    }
    if known is not None:
        return replace(known, **given)
    if given and "lanes" not in given:
        raise Invalid("--lanes is needed too: the preset is of a board without CSI-2")
    return CsiLink(**given) if given else None


def _positive(text: str) -> int:
    """An argument of argparse: a whole number above zero."""
    value = int(text)
    if value <= 0:
        raise ValueError(text)
    return value
