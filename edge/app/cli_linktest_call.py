"""The work of `edge linktest`: calls the far end, tests, prints."""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import dataclass

from edge.app.cli_linktest import bitrate_bps
from edge.app.cli_options import config_from, first_line
from edge.app.uplink import run_ramp
from edge.app.uplink_page import document, mbps, page, progress
from edge.config.model import Config
from edge.measure.uplink import Stretch
from edge.measure.uplink_ramp import Order, Ramp, RampSpec
from edge.measure.uplink_verdict import WITH_AGAIN, Need, Verdict, finding_of
from edge.modality.library import Library
from edge.model.errors import EdgeError, Invalid
from edge.model.picture import NO_PRESET
from edge.sinks.libsrt import Libsrt
from edge.sinks.srt_socket import SrtOptions, dial
from edge.sinks.srt_url import SrtAddress, SrtMode, parse_srt_url

_EXIT = {Verdict.GOOD: 0, Verdict.TIGHT: 1, Verdict.NOT_ENOUGH: 2}
_NOT_TESTED = 3


@dataclass(frozen=True, slots=True)
class Wanted:
    """`ceiling_bps`: what the rate may rise to."""

    need: Need
    ceiling_bps: int


def test_and_print(arguments: argparse.Namespace) -> int:
    """The verdict's exit code; where there is none, the reason goes to stderr."""
    try:
        wanted = wanted_of(arguments.wanted, config_from(arguments))
        address = _called(arguments.address)
        ramp = _tested(arguments, address, wanted)
    except EdgeError as error:
        for line in str(error).splitlines():
            print(f"edge: {line}", file=sys.stderr)
        return _NOT_TESTED
    finding = finding_of(ramp, wanted.need)
    if arguments.json:
        print(json.dumps(document(address.where, finding), indent=2))
    else:
        print(page(address.where, finding))
    return _EXIT[finding.verdict]


def wanted_of(text: str | None, config: Config) -> Wanted:
    """A bit rate, the name of a preset, or (None) what is configured. Raises Invalid, NotFound."""
    if text is not None and text[:1].isdigit():
        try:
            rate_bps = bitrate_bps(text)
        except ValueError as error:
            raise Invalid(f"--for {text}: no bit rate of 100k to 1000M") from error
        return Wanted(Need(rate_bps, "as asked for"), rate_bps)
    name = config.modality.preset if text is None else text
    if name == NO_PRESET:
        encoder = config.encoder
        return Wanted(Need(encoder.bitrate_bps, "encoder.bitrate_bps"), encoder.max_bitrate_bps)
    rates = Library.load(config.modality.presets_dir).find(name).settings.bitrate
    return Wanted(Need(rates.start_bps, f"preset {name}", rates.floor_bps), rates.ceiling_bps)


def _called(url: str) -> SrtAddress:
    address = parse_srt_url(url)
    if address.mode is not SrtMode.CALLER:
        raise Invalid(f"{url}: the far end listens and this end calls: srt://HOST:PORT")
    return address


def _tested(arguments: argparse.Namespace, address: SrtAddress, wanted: Wanted) -> Ramp:
    options = SrtOptions(
        latency_ms=arguments.latency if address.latency_ms is None else address.latency_ms,
        stream_id=arguments.stream_id if address.stream_id is None else address.stream_id,
        passphrase=first_line(arguments.passphrase_file) if arguments.passphrase_file else "",
    )
    most_bps = arguments.most or round(wanted.ceiling_bps * WITH_AGAIN)
    needed_bps = round(wanted.need.bitrate_bps * WITH_AGAIN)
    if most_bps < needed_bps:
        raise Invalid(f"--most {mbps(most_bps)} cannot show that {mbps(needed_bps)} fit")
    spec = RampSpec(most_bps=most_bps, step_s=arguments.step, hold_s=arguments.hold)
    connection = dial(Libsrt(), address.host, address.port, options)
    try:
        connection.pace(most_bps)  # or libsrt holds each step to what it has seen of the one before
        return run_ramp(connection, spec, told=_say)
    finally:
        connection.close()


def _say(order: Order, seen: Stretch, full: bool) -> None:
    """On stderr, so that half a minute is not silent."""
    print(progress(order, seen, full=full), file=sys.stderr, flush=True)
