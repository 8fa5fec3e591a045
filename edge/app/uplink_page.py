"""An uplink test in words, for a technician, and as JSON, for programs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from edge.measure.uplink import Stretch
from edge.measure.uplink_ramp import Order
from edge.measure.uplink_verdict import LEAST_LATENCY_MS, ROUND_TRIPS, Finding, Verdict

_SAID = {Verdict.GOOD: "GOOD", Verdict.TIGHT: "TIGHT", Verdict.NOT_ENOUGH: "NOT ENOUGH"}


def mbps(bits: float) -> str:
    return f"{bits / 1e6:.1f} Mb/s"


def progress(order: Order, seen: Stretch, *, full: bool) -> str:
    """One line for a stretch that has ended."""
    state = "  the path is full" if full else ""
    return (
        f"{order.stage:<5} {mbps(order.rate_bps):>10}  arrived {mbps(seen.delivered_bps):>10}"
        f"  round trip {seen.rtt_p50_ms:.0f} ms  sent again {seen.loss:.1%}{state}"
    )


def page(where: str, finding: Finding) -> str:
    idle, held, need = finding.idle, finding.held, finding.need
    at = f"at {mbps(held.rate_bps)}"
    latency = f"set the SRT latency to {finding.latency_ms} ms ({ROUND_TRIPS} round trips, {LEAST_LATENCY_MS} at least)"
    needed = f"{mbps(need.bitrate_bps)} ({need.whose}) and a quarter for sending again"
    lines = (
        f"uplink to {where}",
        f"capacity    {_capacity(finding)}",
        f"round trip  p50 / p95: idle {_trips(idle)}, {at} {_trips(held)}",
        f"jitter      {held.jitter_ms:.0f} ms {at}",
        f"loss        {held.loss:.2%} sent again {at}, {held.late:.2%} too late to be sent",
        f"latency     {latency}",
        f"needed      {mbps(finding.needed_bps)}: {needed}",
        f"headroom    {finding.headroom:+.0%} of what is needed",
        f"{_SAID[finding.verdict]:<11} {finding.advice}",
    )
    return "\n".join(lines)


def document(where: str, finding: Finding) -> Mapping[str, Any]:
    wire = asdict(finding)
    for stretch in ("idle", "held"):
        wire[stretch]["jitter_ms"] = getattr(finding, stretch).jitter_ms
    return {"peer": where, **wire}


def _capacity(finding: Finding) -> str:
    found = mbps(finding.capacity_bps)
    if finding.sender_limited:
        return f"{found} at least (this machine could not send more)"
    if finding.full_at_bps is None:
        return f"{found} at least (the test went no higher)"
    kept = "" if finding.steady else ", and not even nine tenths of it could be kept up"
    return f"{found} (full at {mbps(finding.full_at_bps)}{kept})"


def _trips(stretch: Stretch) -> str:
    return f"{stretch.rtt_p50_ms:.0f} / {stretch.rtt_p95_ms:.0f} ms"
