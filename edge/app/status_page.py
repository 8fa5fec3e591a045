"""The status document (docs/contracts/http.md) as a page for a terminal."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from edge.model.inputs import Input

_GOOD, _BAD, _SO_SO = "green", "bold red", "yellow"
_COLOURS = {"error": _BAD, "warning": _SO_SO, "info": "cyan"}
Document = Mapping[str, Any]


def status_page(document: Document) -> RenderableType:
    """What is absent from the document is left out of the page."""
    table = Table(box=None, show_header=False, pad_edge=False)
    table.add_column(style="bold", no_wrap=True)
    table.add_column()
    for label, value in _lines(document):
        table.add_row(label, value)
    return Group(table, *_issues(document))


def _lines(document: Document) -> Iterator[tuple[str, Text]]:
    yield "box", _box(document)
    yield from _input(document)
    for other in document.get("inputs", ())[1:]:
        yield "input", Text(f"{other['name']}, source {other['source']['kind']}")
        yield from _input(other)
    for sink in document.get("sinks", ()):
        yield "output", _sink(sink)
    yield "viewers", Text(str(len(document.get("viewers", ()))))
    for viewer in document.get("viewers", ()):
        yield "", _viewer(viewer)
    if link := document.get("link"):
        yield "link", _link(link)
    if (desired := document.get("desired")) and desired.get("rev"):
        yield "desired", _desired(desired)
    if health := document.get("health"):
        yield "health", _health(health)


def _input(entry: Document) -> Iterator[tuple[str, Text]]:
    """Of the whole document, whose picture is the first input's, or of one of its `inputs`."""
    yield "picture", _picture(entry.get("picture") or {})
    yield "signal", _signal(entry.get("signal") or {})
    if (source := entry.get("source") or {}).get("card"):
        yield "device", _device(source)
    if preset := entry.get("preset"):
        yield "preset", _preset(preset, entry.get("mask") or {}, entry.get("crop") or {})
    for rung in (entry.get("encoder") or {}).get("rungs", ()):
        yield "encoder", _rung(entry["encoder"], rung)
    if tried := (entry.get("encoder") or {}).get("candidates"):
        yield "", _candidates(tried)
    if latency := _latency(entry.get("latency") or {}):
        yield "latency", latency


def _box(document: Document) -> Text:
    name = (document.get("box") or {}).get("name", "unnamed")
    board = (document.get("board") or {}).get("name", "unknown")
    version = (document.get("versions") or {}).get("scopecast", "?")
    return Text(f"{name}, board {board}, scopecast {version}")


def _picture(picture: Document) -> Text:
    if picture.get("live"):
        return Text("LIVE", _GOOD)
    return Text.assemble(("NOT LIVE", _BAD), f": {picture.get('reason') or 'no picture yet'}")


def _device(source: Document) -> Text:
    text = Text(f"{source['card']} at {source['node']} ({source['driver']}, {source['bus']})")
    for key in ("pixel_format", "timings"):
        if source.get(key):
            text.append(f", {source[key]}")
    if source.get("recovery"):
        text.append(f", recovering: {source['recovery']}", _SO_SO)
    return text.append(f", {source['trouble']}", _SO_SO) if source.get("trouble") else text


def _signal(signal: Document) -> Text:
    state = str(signal.get("state", "unknown"))
    text = Text.assemble((state, _GOOD if state == "locked" else _BAD))
    if video := signal.get("format"):
        text.append(f", {video['width']}x{video['height']} at {video['fps']:g} fps")
    if signal.get("detail"):
        text.append(f", {signal['detail']}")
    if (age_s := signal.get("last_change_age_s")) is not None:
        text.append(f", since {_duration(age_s)}")
    return text.append(f", {signal.get('lock_changes', 0)} lock change(s)")


def _preset(preset: Document, mask: Document, crop: Document) -> Text:
    text = Text(f"{preset.get('title') or preset.get('name')}, masked: {mask.get('areas', 0)} area(s)")
    if rect := crop.get("rect"):
        text.append(", cropped to {2}x{3}+{0}+{1}".format(*rect))
    return text.append(f", picture withheld: {mask['withheld']}", _BAD) if mask.get("withheld") else text


def _rung(encoder: Document, rung: Document) -> Text:
    name, by = rung.get("name"), rung.get("encoder", encoder.get("name"))
    if rung.get("refusal"):
        return Text.assemble(f"{name}: ", (str(rung["refusal"]), _BAD))
    if rung.get("shares"):
        return Text.assemble(f"{name}: the pictures of the first rung, since ", (str(rung["shares"]), _SO_SO))
    if not by:
        return Text(f"{name}: idle, nobody receives it")
    where = "hardware" if rung.get("hardware", encoder.get("hardware")) else "software"
    measured, target = rung.get("measured_bps") or 0, rung.get("target_bps") or 0
    text = Text(
        f"{name}: {by} ({where}), {rung.get('codec')}, "
        f"{measured / 1e6:.1f} of {target / 1e6:.1f} Mbit/s, {rung.get('fps') or 0:.1f} fps"
    )
    if (rung.get("narrow_s") or 0) > 0:
        text.append(f", held to that by {rung['governing']}, {rung['wished_bps'] / 1e6:.1f} are wished for", _SO_SO)
    return text.append(f", reduced to {rung['width']}x{rung['height']}", _SO_SO) if rung.get("degraded") else text


def _candidates(candidates: Iterable[Document]) -> Text:
    """What the board's encoders are worth, the bad ones with their reason."""
    parts = [f"{one['name']} {one['verdict']}" + (f" ({one['reason']})" if one["reason"] else "") for one in candidates]
    return Text("tried: " + ", ".join(parts))


def _sink(sink: Document) -> Text:
    state = str(sink.get("state"))
    colour = {"live": _GOOD, "failed": _BAD, "connecting": _SO_SO}.get(state, "")
    text = Text.assemble(f"{sink.get('name')} ({_kind(sink)}): ", (state, colour))
    text.append(f", {sink.get('delivered', 0)} delivered, {sink.get('dropped', 0)} dropped")
    return text.append(f", {sink['last_error']}") if sink.get("last_error") else text


def _kind(sink: Document) -> str:
    rung = sink.get("rung", Input.MAIN)
    return str(sink.get("kind")) if rung == Input.MAIN else f"{sink.get('kind')}, {rung}"


def _viewer(viewer: Document) -> Text:
    text = Text(f"{str(viewer.get('session', ''))[:8]} {viewer.get('state', '')}")
    if viewer.get("rtt_ms") is not None:
        text.append(f", round trip {viewer['rtt_ms']:.0f} ms")
    seen = viewer.get("glass_to_glass_ms")
    if seen:
        text.append(f", glass to glass p50 {seen['p50']:.0f} ms, p95 {seen['p95']:.0f} ms")
    verdict = viewer.get("seen")
    if verdict and not verdict["live"]:
        text.append(f", NOT LIVE there ({verdict['reason']})", _BAD)
    return text


def _latency(latency: Document) -> Text | None:
    box = latency.get("box")
    if not box:
        return None
    text = Text(f"box p50 {_ms(box['p50'])} ms, p95 {_ms(box['p95'])} ms")
    stages = latency.get("stages") or {}
    shown = [f"{name} {_ms(stages[name]['p95'])}" for name in ("capture", "wait", "encode") if stages.get(name)]
    return text.append(f" (p95 of {', '.join(shown)})") if shown else text


def _link(link: Document) -> Text:
    state = str(link.get("state", "unknown"))
    text = Text.assemble((state, _GOOD if state == "online" else _SO_SO))
    if link.get("broker"):
        text.append(f", broker {link['broker']}")
    return text.append(f", {link['last_error']}") if link.get("last_error") else text


def _desired(desired: Document) -> Text:
    """Revision and what became of it; where commands have gone on since."""
    status = str(desired.get("status"))
    text = Text.assemble(f"revision {desired['rev']} ", (status, _GOOD if status == "applied" else _SO_SO))
    if drift := desired.get("drift"):
        text.append(f", changed by commands since: {', '.join(drift)}")
    return text


def _health(health: Document) -> Text:
    status = str(health.get("status", "unknown"))
    colour = {"ok": _GOOD, "degraded": _SO_SO}.get(status, _BAD)
    parts = [
        f"{name} {health[key]:.0f} {unit}" for key, name, unit in _HEALTH if isinstance(health.get(key), int | float)
    ]
    return Text.assemble((status, colour), ", " if parts else "", ", ".join(parts))


_HEALTH = (
    ("cpu_pct", "CPU", "%"),
    ("mem_pct", "memory", "%"),
    ("disk_free_pct", "disk free", "%"),
    ("temperature_c", "temperature", "C"),
)


def _issues(document: Document) -> Iterator[Text]:
    for issue in document.get("issues", ()):
        title = " ".join(str(issue[key]) for key in ("code", "subject") if issue.get(key))
        text = Text.assemble("\n", (f"! {title}", _COLOURS.get(str(issue.get("severity")), "")))
        if issue.get("detail"):
            text.append(f": {issue['detail']}")
        yield text.append(f"\n  {issue.get('suggestion', '')}")


def _ms(us: float) -> str:
    return f"{us / 1000:.1f}"


def _duration(seconds: float) -> str:
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.0f} h"
