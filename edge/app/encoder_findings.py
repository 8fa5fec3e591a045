"""What is wrong with an input's encoders and rungs, with what to do about it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from edge.media.lineup import Verdict
from edge.model.status import Severity
from edge.runtime.issues import Finding

_FAILED = (
    "The next encoder has taken over. If this comes back, restart the box; then look at its power supply and its "
    "temperature."
)
_NARROW_S = 5.0
_UNFIT = "The next encoder is used. Update the board's drivers, or name another encoder in the configuration."
_ABSENT = "The next encoder is used. Install what the message names, or set board.profile to the board that this is."
_ENCODERS = {
    Verdict.FAILED: ("encoder_failed", _FAILED),
    Verdict.UNFIT: ("encoder_unfit", _UNFIT),
    Verdict.ABSENT: ("encoder_absent", _ABSENT),
}


def encoder_findings(entry: Mapping[str, Any], subject: str) -> Iterator[Finding]:
    """`entry`: that input in the status document."""
    for rung in entry["encoder"].get("rungs", ()):
        yield from _rung(rung)
    for candidate in entry["encoder"].get("candidates", ()):
        found = _ENCODERS.get(candidate["verdict"])
        if found is not None and (candidate["verdict"] != Verdict.ABSENT or candidate["expected"]):
            name = f"{subject}/{candidate['name']}" if subject else candidate["name"]
            yield Finding(found[0], Severity.WARNING, found[1], name, candidate["reason"])


def _rung(rung: Mapping[str, Any]) -> Iterator[Finding]:
    if rung.get("refusal"):
        advice = "Set the imaging device to 1920x1080, 50 or 60 Hz, progressive."
        yield Finding("encoder_refuses", Severity.ERROR, advice, rung["name"], rung["refusal"])
    if rung.get("shares"):
        advice = "Its receivers get the pictures of the first rung. Lower the source's mode, or use a stronger board."
        yield Finding("second_encode_refused", Severity.WARNING, advice, rung["name"], rung["shares"])
    if rung.get("narrow_s", 0) >= _NARROW_S:
        advice = "Run `edge linktest` towards the receiver; give the box more uplink, or set a lower bit rate."
        now, wished = (f"{rung[key] / 1e6:.1f}" for key in ("target_bps", "wished_bps"))
        given = f"the path to {rung['governing'] or 'a receiver that is silent'} carries {now} of {wished} Mbit/s"
        yield Finding("uplink_narrow", Severity.WARNING, advice, rung["name"], given)
    if rung.get("degraded"):
        advice = "Give the box more bandwidth, or raise the bit rate."
        given = f"{rung['width']}x{rung['height']} at {rung['fps']:.3g} frames/s goes out at {rung['target_bps']} bit/s"
        yield Finding("picture_degraded", Severity.WARNING, advice, rung["name"], given)
