"""The work of `edge latency`: opens the stream, measures, prints."""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict, dataclass
from typing import Any
from urllib.parse import urlsplit

from edge.app.cli_options import first_line
from edge.measure.container import container_units
from edge.measure.session import Carriers, Session, ts_units
from edge.measure.tally import Report, Spread
from edge.measure.udp import UdpReceiver
from edge.measure.viewer import measure_pictures
from edge.model.errors import Invalid, TimedOut
from edge.ports import Clock
from edge.runtime.clock import SystemClock
from edge.runtime.interruptible import run_interruptible
from edge.sinks.srt_receiver import SrtReceiver
from edge.sinks.srt_url import parse_srt_url

_UNIT_ARRIVES = "capture until the last byte of the picture is here"
_DECODED = "capture until decoded: arrival, plus the time that decoding took here"
_HANDED_OVER = "capture until the decoded picture is handed over by this viewer's jitter buffer"


@dataclass(frozen=True, slots=True)
class Measured:
    """`sei_means` and `strip_means` say at what moment each latency ends; empty for a file, which has none."""

    report: Report
    sei_means: str
    strip_means: str
    is_file: bool = False


def measure_and_print(arguments: argparse.Namespace) -> int:
    """What `edge latency` does. Raises EdgeError."""
    clock = SystemClock()
    measured = measure(arguments, clock=clock)
    if measured.report.pictures == 0:
        raise TimedOut(f"{arguments.url} carried no picture")
    if not measured.report.carries_time:
        raise Invalid(f"{arguments.url} carries no capture times: {_looked_for(arguments)}")
    if arguments.json:
        print(json.dumps(_as_json(arguments.url, measured, clock), indent=2))
    else:
        print("\n".join(_lines(arguments.url, measured, clock)))
    return 0


def measure(arguments: argparse.Namespace, *, clock: Clock) -> Measured:
    """Raises EdgeError when the stream cannot be read."""
    url, carriers = arguments.url, Carriers(sei=not arguments.strip, strip=not arguments.sei)
    scheme = urlsplit(url).scheme
    if scheme in ("http", "https") and "/whep/" in urlsplit(url).path:
        report = run_interruptible(_measure_whep(url, clock=clock, carriers=carriers, for_s=arguments.seconds))
        return Measured(report, _HANDED_OVER, _HANDED_OVER)
    session = Session(clock=clock, carriers=carriers)
    if scheme in ("", "file"):
        return Measured(session.read_all(container_units(url, clock=clock, live=False)), "", "", is_file=True)
    if scheme in ("srt", "udp"):
        chunks = _srt(arguments) if scheme == "srt" else UdpReceiver(url)
        report = session.run(ts_units(chunks, clock=clock), seconds=arguments.seconds, stop=chunks.close)
        return Measured(report, _UNIT_ARRIVES, _DECODED)
    report = session.run(container_units(url, clock=clock, live=True), seconds=arguments.seconds, stop=lambda: None)
    return Measured(report, "capture until the demuxer lets the picture go", _DECODED)


def _srt(arguments: argparse.Namespace) -> SrtReceiver:
    return SrtReceiver(
        parse_srt_url(arguments.url),
        latency_ms=arguments.srt_latency_ms,
        stream_id=arguments.stream_id,
        passphrase=first_line(arguments.passphrase_file) if arguments.passphrase_file else "",
    )


async def _measure_whep(url: str, *, clock: Clock, carriers: Carriers, for_s: float) -> Report:
    from edge.rtc.whep_client import WhepReceiver  # aiortc takes a second to import

    async with WhepReceiver(url) as viewer:
        return await measure_pictures(aiter(viewer), clock=clock, carriers=carriers, seconds=for_s)


def _looked_for(arguments: argparse.Namespace) -> str:
    if arguments.sei:
        return "no time SEI in its access units"
    if arguments.strip:
        return "no time strip in its pictures"
    return "neither a time SEI in its access units nor a time strip in its pictures"


def _lines(url: str, measured: Measured, clock: Clock) -> list[str]:
    report = measured.report
    lines = [f"{url}: {report.pictures} pictures, {report.live} live, {report.not_live} not live"]
    lines.append(f"sequence   {report.missing} missing in {report.gaps} gap(s), {report.restarts} restart(s)")
    if measured.is_file:
        lines.append("latency    none: a file has no arrival")
    else:
        lines += [_spread_line("SEI", report.sei, measured.sei_means)] if report.sei else []
        lines += [_spread_line("strip", report.strip, measured.strip_means)] if report.strip else []
    if difference := report.strip_minus_sei:
        least, most = difference.min * 1000, difference.max * 1000
        lines.append(f"strip-SEI  {least:+.0f} to {most:+.0f} us over {difference.count} pictures with both")
    lines.append(
        f"clocks     sender {_sender_clock(report)}; here {_clock(clock.synchronised(), clock.uncertainty_us())}"
    )
    return lines


def _spread_line(name: str, spread: Spread, means: str) -> str:
    figures = "  ".join(f"{key} {getattr(spread, key):.1f}" for key in ("p50", "p95", "p99", "min", "max"))
    return f"{name:<10} {figures} ms  ({means})"


def _sender_clock(report: Report) -> str:
    if report.sender_synchronised is None:
        return "unknown (no SEI)"
    return _clock(report.sender_synchronised, report.sender_uncertainty_us)


def _clock(synchronised: bool, uncertainty_us: int | None) -> str:
    state = "synchronised" if synchronised else "not synchronised"
    return (
        f"{state}, within {uncertainty_us / 1000:.1f} ms" if uncertainty_us is not None else f"{state}, error unknown"
    )


def _as_json(url: str, measured: Measured, clock: Clock) -> dict[str, Any]:
    figures = asdict(measured.report)
    if measured.is_file:
        figures.update(sei=None, strip=None)
    return {
        "url": url,
        **{f"{key}_ms" if key in ("sei", "strip", "strip_minus_sei") else key: value for key, value in figures.items()},
        "sei_means": measured.sei_means,
        "strip_means": measured.strip_means,
        "here_synchronised": clock.synchronised(),
        "here_uncertainty_us": clock.uncertainty_us(),
    }
