"""`edge edid set|import|export`, and `show --device`: the EDID memory of a receiver that is attached."""

from __future__ import annotations

import argparse
import errno
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from board.edid.agreement import agrees
from board.edid.build import build
from board.edid.limits import lock
from board.edid.modes import mode
from board.edid.parse import parse
from board.edid.presets import preset
from board.edid.render import describe
from board.v4l2.edid_memory import read_edid, write_edid
from board.v4l2.finder import Finder
from board.v4l2.kernel import LinuxKernel
from board.v4l2.node import Node
from board.v4l2.profile import read_profiles
from edge.app.edid_files import edid_of_file, put_edid
from edge.model.errors import NotSupported, Unavailable

_T = TypeVar("_T")


def add_actions(actions: Any) -> None:
    """The actions of `edge edid` that need a device."""
    chosen = actions.add_parser("set", help="write an EDID that comes with the box into a receiver")
    chosen.add_argument("preset", metavar="PRESET", help="one of edge edid presets")
    chosen.add_argument("--lock", metavar="MODE", help="offer only this mode, as 1080p50")
    add_device_option(chosen)
    chosen.set_defaults(act=_set)
    imported = actions.add_parser("import", help="write an EDID from a file into a receiver")
    imported.add_argument("file", type=Path, metavar="FILE", help="binary or hex text; - is standard input")
    imported.add_argument("--mend", action="store_true", help="put wrong checksums right")
    add_device_option(imported)
    imported.set_defaults(act=_import)
    exported = actions.add_parser("export", help="write the EDID that a receiver has into a file")
    add_device_option(exported)
    exported.add_argument("-o", "--output", type=Path, metavar="FILE", help="instead of standard output")
    exported.add_argument("--format", choices=("hex", "raw"), default="hex", help="default %(default)s")
    exported.set_defaults(act=_export)


def add_device_option(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--device",
        default="",
        metavar="DEVICE",
        help="a path, or a bus, card or driver as edge devices shows it; the first that captures when not given",
    )


def edid_of_device(wanted: str) -> bytes:
    """What the receiver holds. Raises DeviceGone, NotSupported, Unavailable (`edid_empty`)."""
    content = _with_node(wanted, lambda node: read_edid(node, 0), "read")
    if not content:
        raise Unavailable("the EDID memory is empty: the source sees no screen", code="edid_empty")
    return content


def _set(arguments: argparse.Namespace) -> int:
    description = preset(arguments.preset)
    if arguments.lock:
        description = lock(description, mode(arguments.lock))
    _write(arguments.device, build(description))
    locked = f' and edid_lock = "{arguments.lock}"' if arguments.lock else ""
    print(f'To have it written at every start: edid = "{arguments.preset}"{locked} under [source.v4l2].')
    return 0


def _import(arguments: argparse.Namespace) -> int:
    _write(arguments.device, edid_of_file(arguments.file, mend=arguments.mend))
    print(f'To have it written at every start: edid = "{arguments.file.absolute()}" under [source.v4l2].')
    return 0


def _export(arguments: argparse.Namespace) -> int:
    put_edid(edid_of_device(arguments.device), path=arguments.output, form=arguments.format)
    return 0


def _write(wanted: str, content: bytes) -> None:
    """Writes it, reads it back, and says what the source now sees. Raises Unavailable (`edid_differs`)."""

    def exchange(node: Node) -> bytes:
        write_edid(node, 0, content)
        return read_edid(node, 0)

    there = _with_node(wanted, exchange, "written")
    if not agrees(there, content):
        raise Unavailable("the receiver's EDID reads back otherwise than it was written", code="edid_differs")
    for line in describe(parse(content)):
        print(line)


def _with_node(wanted: str, work: Callable[[Node], _T], done: str) -> _T:
    kernel = LinuxKernel()
    path = Finder(kernel=kernel, profiles=read_profiles(), wanted=wanted).find()
    with Node(path, kernel=kernel) as node:
        try:
            return work(node)
        except OSError as error:
            if error.errno in (errno.ENOTTY, errno.EINVAL):
                raise NotSupported(f"{path} has no EDID memory that can be {done}") from error
            if error.errno == errno.EBUSY:
                raise Unavailable(f"{path} is capturing; this driver takes an EDID only when it is not") from error
            raise Unavailable(f"{path}: the EDID cannot be {done}: {os.strerror(error.errno or 0)}") from error
