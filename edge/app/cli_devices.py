"""`edge devices`: what is attached, what the box will do with it, and what its encoders are worth."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator, Mapping
from typing import Any

from board.edid.parse import parse
from board.v4l2.finder import Finder
from board.v4l2.inventory import Device, inventory
from board.v4l2.kernel import LinuxKernel
from board.v4l2.profile import read_profiles
from edge.app.cli_options import add_config_options, config_from
from edge.app.encoder_status import verdict_lines
from edge.app.trials import try_encoders
from edge.config.source import SourceKind
from edge.model.errors import DeviceGone, Invalid


def add_commands(commands: Any) -> None:
    devices = commands.add_parser(
        "devices", help="list capture devices, their signal and their EDID", description=__doc__
    )
    add_config_options(devices)
    devices.add_argument("--json", action="store_true", help="for programs")
    devices.set_defaults(act=_devices)


def _devices(arguments: argparse.Namespace) -> int:
    config = config_from(arguments)
    kernel, profiles = LinuxKernel(), read_profiles()
    found = list(inventory(kernel, profiles))
    chosen = _chosen(Finder(kernel=kernel, profiles=profiles, wanted=config.source.v4l2.device))
    capturing = config.source.kind is SourceKind.V4L2
    if arguments.json:
        print(json.dumps([_wire(device, chosen if capturing else "") for device in found], indent=2))
        return 0
    if not found:
        print("No video device is attached (no /dev/video*).")
    for device in found:
        print("\n".join(_lines(device, chosen=chosen, capturing=capturing)))
    print("Encoders, each tried with real pictures:")
    for standing in try_encoders(config):
        print("\n".join(f"  {line}" for line in verdict_lines(standing)), flush=True)
    if not capturing:
        print(f'The box uses the source "{config.source.kind}". To capture: --set source.kind=v4l2')
    return 0


def _chosen(finder: Finder) -> str:
    try:
        return finder.find()
    except DeviceGone:
        return ""


def _lines(device: Device, *, chosen: str, capturing: bool) -> Iterator[str]:
    card = device.card
    if card is None:
        yield f"{device.path}  cannot be looked at: {device.why_not}"
        return
    known = f" ({device.known_as})" if device.known_as else ""
    yield f"{device.path}  {card.name}{known}, driver {card.driver}, bus {card.bus}"
    if device.why_not:
        yield f"  not used:  {device.why_not}"
        return
    for port in device.inputs:
        yield f"  input {port.index}:   {port.name}"
    yield f"  formats:   {', '.join(device.usable_formats)}"
    if device.rates:
        yield f"  modes:     {', '.join(f'{r.width}x{r.height}@{float(r.fps):.4g}' for r in device.rates)}"
    yield f"  signal:    {_signal(device)}"
    yield f"  EDID:      {_edid(device)}"
    if device.hint:
        yield f"  note:      {device.hint}"
    if device.path == chosen:
        yield "  the box:   captures this one" if capturing else "  the box:   would capture this one"
    else:
        yield f"  the box:   leaves it alone; to choose it: --set source.v4l2.device={card.bus}"


def _signal(device: Device) -> str:
    signal = device.signal
    if signal is None:
        return "busy, cannot be asked now"
    if not signal.locked:
        return f"{signal.state}: {signal.detail}"
    if signal.timings is not None:
        return f"locked, {signal.timings}"
    return "locked" if signal.standard else "cannot be told by this device"


def _edid(device: Device) -> str:
    if device.edid is None:
        return "no memory that could be written"
    if not device.edid:
        return "EMPTY: the source sees no screen and sends nothing; the box writes one when it captures"
    try:
        known = parse(device.edid)
    except Invalid as error:
        return f"damaged: {str(error).splitlines()[0]}"
    return f"{known.name or 'no name'}, {len(device.edid)} bytes"


def _wire(device: Device, chosen: str) -> Mapping[str, Any]:
    card, signal = device.card, device.signal
    return {
        "path": device.path,
        "driver": card.driver if card else None,
        "card": card.name if card else None,
        "bus": card.bus if card else None,
        "inputs": [{"index": port.index, "name": port.name} for port in device.inputs],
        "formats": list(device.formats),
        "usable_formats": list(device.usable_formats),
        "signal": {"state": signal.state, "detail": signal.detail, "timings": str(signal.timings or "")}
        if signal
        else None,
        "edid": device.edid.hex() if device.edid is not None else None,
        "chosen": device.path == chosen,
        "why_not": device.why_not,
    }
