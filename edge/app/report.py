"""The commissioning report: what a technician signs when an installation is right, read off the status document."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from edge.media.lineup import Verdict
from edge.model.inputs import Input

_BUDGET_MS = 200.0
Document = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Check:
    """One line: what was looked at, whether it is as it must be, and what was found."""

    what: str
    good: bool
    found: str


@dataclass(frozen=True, slots=True)
class Report:
    """`made_at` is RFC 3339. `ready`: every check is good."""

    made_at: str
    box: str
    version: str
    board: str
    checks: tuple[Check, ...]

    @property
    def ready(self) -> bool:
        return all(check.good for check in self.checks)

    def wire(self) -> Mapping[str, Any]:
        return {**asdict(self), "ready": self.ready}


def report_of(document: Document, *, made_at: str) -> Report:
    """Raises nothing: what the document does not have counts as not good."""
    board = document.get("board") or {}
    return Report(
        made_at=made_at,
        box=str((document.get("box") or {}).get("id", "")),
        version=str((document.get("versions") or {}).get("scopecast", "")),
        board=f"{board.get('title') or 'unknown'}: {board.get('why') or 'no reason is known'}",
        checks=tuple(_checks(document)),
    )


def _checks(document: Document) -> Iterator[Check]:
    for entry in document.get("inputs", ()):
        prefix = "" if entry["name"] == Input.MAIN else f"{entry['name']}: "
        for check in _input(entry):
            yield Check(prefix + check.what, check.good, check.found)
    yield from _encoders(document)
    yield _seen(document)
    yield from _outputs(document)
    yield _errors(document)


def _errors(document: Document) -> Check:
    errors = [issue for issue in document.get("issues", ()) if issue.get("severity") == "error"]
    found = "; ".join(f"{issue['code']} {issue.get('subject', '')}".strip() for issue in errors)
    return Check("issues", not errors, found or "no error stands")


def _input(entry: Document) -> Iterator[Check]:
    signal, picture = entry.get("signal") or {}, entry.get("picture") or {}
    yield Check("signal", signal.get("state") == "locked", _joined(signal.get("state"), _mode(signal.get("format"))))
    live = picture.get("live") is True
    yield Check("picture", live, "live" if live else f"not live: {picture.get('reason') or 'unknown'}")
    mask = entry.get("mask") or {}
    yield Check("mask", not mask.get("withheld"), mask.get("withheld") or f"{mask.get('areas', 0)} area(s)")
    yield _delay((entry.get("latency") or {}).get("box"))


def _mode(video: Document | None) -> str:
    if video is None:
        return ""
    return f"{video['width']}x{video['height']} at {video['fps']:g} frames/s, {video['colorimetry']} {video['range']}"


def _delay(box: Document | None) -> Check:
    if box is None:
        return Check("delay in the box", False, "unknown")
    p50_ms, p95_ms = box["p50"] / 1000, box["p95"] / 1000
    return Check("delay in the box", p95_ms <= _BUDGET_MS, f"p50 {p50_ms:.1f} ms, p95 {p95_ms:.1f} ms")


def _encoders(document: Document) -> Iterator[Check]:
    encoder = document.get("encoder") or {}
    for rung in encoder.get("rungs", ()):
        if rung.get("encoder") or rung.get("shares") or rung.get("refusal"):
            yield _rung(rung)
    for one in encoder.get("candidates", ()):
        missed = one["verdict"] == Verdict.ABSENT and one["expected"]
        good = not missed and one["verdict"] not in (Verdict.UNFIT, Verdict.FAILED)
        yield Check(f"encoder {one['name']}", good, _joined(one["verdict"], _figures(one), one["reason"]))


def _rung(rung: Document) -> Check:
    reduced = "reduced for want of bit rate" if rung.get("degraded") else ""
    trouble = rung.get("refusal") or rung.get("shares") or reduced
    what = f"{rung['encoder']}, {rung['codec']}, {rung['target_bps'] / 1e6:.1f} Mbit/s" if rung.get("encoder") else ""
    return Check(f"rung {rung['name']}", not trouble, _joined(what, trouble))


def _figures(candidate: Document) -> str:
    trial = candidate.get("trial")
    if not trial:
        return ""
    return f"{trial['width']}x{trial['height']} in {trial['encode_p50_ms']:.1f} ms, {trial['delay_frames']} held back"


def _seen(document: Document) -> Check:
    """What the last hop makes of it is known only where somebody watches."""
    seen = [v["glass_to_glass_ms"]["p95"] for v in document.get("viewers", ()) if v.get("glass_to_glass_ms")]
    if not seen:
        return Check("glass to glass", False, "nobody watches: open the page, then make the report")
    return Check("glass to glass", max(seen) <= _BUDGET_MS, f"p95 {max(seen):.0f} ms of {_BUDGET_MS:.0f} ms")


def _outputs(document: Document) -> Iterator[Check]:
    for sink in document.get("sinks", ()):
        if sink.get("running"):
            trouble = sink.get("last_error") or sink.get("code")
            yield Check(f"output {sink['name']}", not trouble, _joined(sink.get("state"), trouble))


def _joined(*parts: str | None) -> str:
    return ", ".join(part for part in parts if part)
