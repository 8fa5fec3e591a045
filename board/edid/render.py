"""An EDID for people."""

from __future__ import annotations

from collections.abc import Iterator

from board.edid.edid import Edid, Offer


def describe(edid: Edid) -> Iterator[str]:
    """Lines of text; rates in Hz, clocks in MHz."""
    yield f"{'Name':<16}{edid.name or '(none)'}"
    yield f"{'Display id':<16}{edid.manufacturer} {edid.product:04x}, serial {_serial(edid)}"
    yield f"{'Year':<16}{edid.year}"
    yield f"{'Size':<16}{_size(edid)}"
    yield f"{'Preferred':<16}{_preferred(edid.preferred)}"
    yield f"{'Audio':<16}{'yes' if edid.audio else 'no'}"
    yield f"{'Colour':<16}{', '.join(edid.colours)}"
    yield f"{'HDMI':<16}{_hdmi(edid)}"
    if edid.limits:
        rates = edid.limits
        yield (
            f"{'Range':<16}{rates.v_min_hz} to {rates.v_max_hz} Hz, {rates.h_min_khz} to {rates.h_max_khz} kHz a line"
        )
    yield f"{'Checksums':<16}right in all {edid.block_count} blocks (EDID {edid.version})"
    yield f"{'Blocks':<16}{', '.join(edid.blocks) or 'only the base block'}"
    yield ""
    yield f"{'Mode':<20}{'Hz':>9}{'MHz':>10}  Told by"
    for offer in edid.modes:
        yield _mode(offer)


def _serial(edid: Edid) -> str:
    return f"{edid.serial:08x}" + (f" ({edid.serial_text})" if edid.serial_text else "")


def _size(edid: Edid) -> str:
    return f"{edid.size_cm[0]} x {edid.size_cm[1]} cm" if all(edid.size_cm) else "unknown"


def _preferred(offer: Offer | None) -> str:
    if offer is None or offer.timing is None:
        return "(none)"
    return f"{offer.name}, {float(offer.rate_hz):.3f} Hz, {offer.timing.clock_khz / 1000:.3f} MHz"


def _hdmi(edid: Edid) -> str:
    if edid.physical_address is None:
        return "no: a source will treat this as DVI"
    most = f", at most {edid.max_tmds_mhz} MHz" if edid.max_tmds_mhz else ""
    return f"CEC address {edid.physical_address}{most}" + (", HDMI 2.0" if edid.scdc else "")


def _mode(offer: Offer) -> str:
    rate = f"{float(offer.rate_hz):.3f}" if offer.rate_hz else ""
    clock = f"{offer.timing.clock_khz / 1000:.3f}" if offer.timing else ""
    return f"{offer.name:<20}{rate:>9}{clock:>10}  {', '.join(offer.places)}"
