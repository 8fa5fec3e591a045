"""`edge preset list|show|set` and `edge mask show|set|clear`: how the box treats the picture."""

from __future__ import annotations

import argparse
from typing import Any

from edge.app.box_http import BoxHttp
from edge.app.cli_options import add_config_options, add_url_option, config_from
from edge.config.show import preset_text
from edge.modality.library import Library
from edge.model.command import Op
from edge.model.errors import Invalid


def add_commands(commands: Any) -> None:
    preset = commands.add_parser("preset", help="list and set the presets of imaging devices", description=__doc__)
    actions = preset.add_subparsers(title="actions", metavar="ACTION", required=True)
    listed = actions.add_parser("list", help="name the presets that the box has, the one that holds with a star")
    add_url_option(listed)
    listed.set_defaults(act=_list)
    shown = actions.add_parser("show", help="print a preset's settings, from its file")
    shown.add_argument("name", metavar="NAME")
    add_config_options(shown)
    shown.set_defaults(act=_show)
    chosen = actions.add_parser("set", help="let a preset hold; `none` is without")
    chosen.add_argument("name", metavar="NAME")
    add_url_option(chosen)
    chosen.set_defaults(act=_set)
    _add_mask(commands)


def _add_mask(commands: Any) -> None:
    mask = commands.add_parser("mask", help="black areas out of the picture", description=__doc__)
    actions = mask.add_subparsers(title="actions", metavar="ACTION", required=True)
    shown = actions.add_parser("show", help="say what is masked now")
    add_url_option(shown)
    shown.set_defaults(act=_show_mask)
    chosen = actions.add_parser("set", help="mask these areas, and no others beside the preset's")
    chosen.add_argument("rects", nargs="+", metavar="X,Y,WIDTH,HEIGHT")
    chosen.add_argument("--of", metavar="WIDTHxHEIGHT", help="the picture they were measured in; today's by default")
    add_url_option(chosen)
    chosen.set_defaults(act=_set_mask)
    cleared = actions.add_parser("clear", help="take the box's own mask away; the preset's stays")
    add_url_option(cleared)
    cleared.set_defaults(act=_clear_mask)


def _list(arguments: argparse.Namespace) -> int:
    preset = BoxHttp(arguments.url).get("/api/v1/status").get("preset") or {}
    for name in ("none", *preset.get("available", ())):
        print(f"{'*' if name == preset.get('name') else ' '} {name}")
    return 0


def _show(arguments: argparse.Namespace) -> int:
    library = Library.load(config_from(arguments).modality.presets_dir)
    print(preset_text(library.find(arguments.name).settings), end="")
    return 0


def _set(arguments: argparse.Namespace) -> int:
    _command(arguments.url, Op.PRESET_SET, {"modality": arguments.name})
    print(f"preset: {arguments.name}")
    return 0


def _show_mask(arguments: argparse.Namespace) -> int:
    mask = BoxHttp(arguments.url).get("/api/v1/status").get("mask") or {}
    for rect in mask.get("rects", ()):
        print(",".join(map(str, rect)))
    if mask.get("withheld"):
        print(f"the picture is withheld: {mask['withheld']}")
    elif not mask.get("areas"):
        print("nothing is masked")
    return 0


def _set_mask(arguments: argparse.Namespace) -> int:
    args: dict[str, Any] = {"rects": [_numbers(text, ",", 4) for text in arguments.rects]}
    if arguments.of:
        args["of"] = _numbers(arguments.of, "x", 2)
    _command(arguments.url, Op.MASK_SET, args)
    print(f"masked: {len(arguments.rects)} area(s)")
    return 0


def _clear_mask(arguments: argparse.Namespace) -> int:
    _command(arguments.url, Op.MASK_SET, {"rects": []})
    print("the box's own mask is taken away")
    return 0


def _command(url: str, op: Op, args: dict[str, Any]) -> None:
    BoxHttp(url).post("/api/v1/commands", {"op": op, "args": args})


def _numbers(text: str, between: str, count: int) -> list[int]:
    parts = text.split(between)
    if len(parts) != count or not all(part.strip().isdecimal() for part in parts):
        raise Invalid(f"{text!r}: expected {count} whole numbers with {between!r} between them")
    return [int(part) for part in parts]
