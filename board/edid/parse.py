"""From bytes to what they say."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from board.edid.base_reader import base_offers, base_problems, read_identity, read_limits, read_text
from board.edid.cta_reader import cta_offers, cta_problems, elements, has_audio, has_ycbcr, read_hdmi
from board.edid.description import Colour
from board.edid.dtd import as_dtd
from board.edid.edid import Edid, Offer
from board.edid.framing import CTA_TAG, blocks, frame_problems, invalid

_EXTENSIONS = {
    CTA_TAG: "CTA-861 extension",
    0x10: "Video timing extension",
    0x40: "Display information extension",
    0x50: "Localized string extension",
    0x70: "DisplayID extension",
    0xF0: "Block map",
    0xFF: "Maker's extension",
}
_NAME, _SERIAL_TEXT = 0xFC, 0xFF


def problems(raw: bytes) -> tuple[str, ...]:
    """All that is wrong with it; empty when `parse` takes it."""
    found = list(frame_problems(raw))
    if not found:
        base, *extensions = blocks(raw)
        found += base_problems(base)
        for number, block in enumerate(extensions, start=1):
            if block[0] == CTA_TAG:
                found += cta_problems(block, number)
    return tuple(found)


def parse(raw: bytes) -> Edid:
    """Raises Invalid (edid_invalid) with a line for each problem."""
    wrong = problems(raw)
    if wrong:
        raise invalid("\n".join(wrong))
    base, *extensions = blocks(raw)
    ctas = [block for block in extensions if block[0] == CTA_TAG]
    identity = read_identity(base)
    hdmi = [read_hdmi(block) for block in ctas]
    offers = _merged([*base_offers(base), *(offer for block in ctas for offer in cta_offers(block))])
    return Edid(
        manufacturer=identity.manufacturer,
        product=identity.product,
        serial=identity.serial,
        name=read_text(base, _NAME),
        serial_text=read_text(base, _SERIAL_TEXT),
        year=identity.year,
        version=identity.version,
        size_cm=identity.size_cm,
        preferred=next((offer for offer in offers if "detailed" in offer.places), None),
        modes=offers,
        limits=read_limits(base),
        audio=any(has_audio(block) for block in ctas),
        colours=_colours(ctas),
        physical_address=next((each.physical_address for each in hdmi if each.physical_address), None),
        max_tmds_mhz=max((each.max_tmds_mhz for each in hdmi if each.max_tmds_mhz), default=None),
        scdc=any(each.scdc for each in hdmi),
        blocks=_block_names(extensions),
        block_count=1 + len(extensions),
    )


def _merged(offers: Iterable[Offer]) -> tuple[Offer, ...]:
    """One for each timing, with all the places where it stands; those without a name stay apart."""
    found: dict[object, Offer] = {}
    for offer in offers:
        key = as_dtd(offer.timing) if offer.timing else offer.name if offer.rate_hz else offer.places
        known = found.get(key)
        if known is None:
            found[key] = offer
        else:
            found[key] = replace(known, places=tuple(dict.fromkeys(known.places + offer.places)))
    return tuple(found.values())


def _colours(ctas: list[bytes]) -> tuple[Colour, ...]:
    flags = [has_ycbcr(block) for block in ctas]
    found = [Colour.RGB]
    if any(of_422 for of_422, _ in flags):
        found.append(Colour.YCBCR422)
    if any(of_444 for _, of_444 in flags):
        found.append(Colour.YCBCR444)
    return tuple(found)


def _block_names(extensions: list[bytes]) -> tuple[str, ...]:
    found: list[str] = []
    for block in extensions:
        found.append(_EXTENSIONS.get(block[0], f"Extension 0x{block[0]:02x}"))
        if block[0] == CTA_TAG:
            found += [each.name for each in elements(block)]
    return tuple(found)
