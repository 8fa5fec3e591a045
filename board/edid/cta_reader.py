"""Reads a CTA-861 extension block."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction

from board.edid.base_reader import offer_of
from board.edid.cta import BASIC_AUDIO, HDMI_FORUM_OUI, HDMI_OUI, HDMI_VICS, YCBCR422, YCBCR444
from board.edid.dtd import LENGTH, decode_dtd
from board.edid.edid import Offer
from board.edid.framing import BLOCK
from board.edid.modes import BY_VIC

_TAGS = {1: "Audio", 2: "Video", 4: "Speaker allocation", 5: "VESA transfer characteristic", 6: "Video format"}
_VIDEO, _VENDOR, _EXTENDED = 2, 3, 7
_EXTENDED_TAGS = {
    0: "Video capability",
    1: "Vendor-specific video",
    2: "VESA display device",
    5: "Colorimetry",
    6: "HDR static metadata",
    7: "HDR dynamic metadata",
    8: "Native video resolution",
    13: "Video format preference",
    14: "YCbCr 4:2:0 video",
    15: "YCbCr 4:2:0 capability map",
    17: "Vendor-specific audio",
    18: "HDMI audio",
    19: "Room configuration",
    20: "Speaker location",
    32: "InfoFrame",
    34: "DisplayID video timing VII",
    35: "DisplayID video timing VIII",
    42: "DisplayID video timing X",
    0x78: "HDMI Forum extension count",
    0x79: "HDMI Forum sink capability",
}
_YCBCR420_VIDEO = 14
_VENDORS = {HDMI_OUI: "HDMI 1.4", HDMI_FORUM_OUI: "HDMI Forum (2.0)", bytes.fromhex("1a0000"): "AMD"}
_SCDC_PRESENT = 0x80
_HDMI_VICS = {code: vic for vic, code in HDMI_VICS.items()}


@dataclass(frozen=True, slots=True)
class Element:
    """One data block, as CTA-861 calls it. `tag` is 0 to 7, or 256 and more for an extended one."""

    tag: int
    payload: bytes

    @property
    def name(self) -> str:
        if self.tag == _VENDOR:
            oui = self.payload[2::-1].hex("-")
            return f"Vendor {_VENDORS.get(self.payload[:3], oui or 'without a name')}"
        if self.tag >= 256:
            return _EXTENDED_TAGS.get(self.tag - 256, f"Extended block {self.tag - 256}")
        return _TAGS.get(self.tag, f"Block {self.tag}")


@dataclass(frozen=True, slots=True)
class Hdmi:
    """What the vendor blocks of HDMI say; None for what they do not."""

    physical_address: str | None = None
    max_tmds_mhz: int | None = None
    scdc: bool = False


def elements(block: bytes) -> list[Element]:
    """Those of the collection that are whole."""
    found = []
    at, end = 4, _collection_end(block)
    while at < end:
        length = block[at] & 31
        payload = block[at + 1 : at + 1 + length]
        if at + 1 + length > end:
            break
        tag = block[at] >> 5
        if tag == _EXTENDED and payload:
            found.append(Element(256 + payload[0], payload[1:]))
        else:
            found.append(Element(tag, payload))
        at += 1 + length
    return found


def cta_offers(block: bytes) -> Iterator[Offer]:
    for each in elements(block):
        if each.tag == _VIDEO:
            yield from (_by_vic(_code(byte)) for byte in each.payload)
        elif each.tag == 256 + _YCBCR420_VIDEO:
            yield from (_by_vic(_code(byte), " 4:2:0 only") for byte in each.payload)
        elif each.tag == _VENDOR and each.payload[:3] == HDMI_OUI:
            yield from _hdmi_vics(each.payload)
    for _, raw in _detailed(block):
        if len(raw) == LENGTH and (timing := decode_dtd(raw)):
            yield offer_of(timing, "detailed")


def read_hdmi(block: bytes) -> Hdmi:
    address, most_mhz, scdc = None, None, False
    for each in elements(block):
        if each.tag != _VENDOR:
            continue
        if each.payload[:3] == HDMI_OUI and len(each.payload) >= 5:
            high, low = each.payload[3:5]
            address = f"{high >> 4}.{high & 15}.{low >> 4}.{low & 15}"
            most_mhz = max(most_mhz or 0, each.payload[6] * 5 if len(each.payload) > 6 else 0) or None
        elif each.payload[:3] == HDMI_FORUM_OUI and len(each.payload) >= 6:
            most_mhz = max(most_mhz or 0, each.payload[4] * 5) or None
            scdc = bool(each.payload[5] & _SCDC_PRESENT)
    return Hdmi(address, most_mhz, scdc)


def has_audio(block: bytes) -> bool:
    return block[1] >= 2 and bool(block[3] & BASIC_AUDIO)


def has_ycbcr(block: bytes) -> tuple[bool, bool]:
    """4:2:2, 4:4:4."""
    return block[1] >= 2 and bool(block[3] & YCBCR422), block[1] >= 2 and bool(block[3] & YCBCR444)


def cta_problems(block: bytes, number: int) -> Iterator[str]:
    start = block[2]
    if start in (1, 2, 3) or start > BLOCK - 1:
        yield f"block {number}: detailed timings cannot begin at byte {start}"
        return
    covered = 4 + sum(1 + len(each.payload) + (each.tag >= 256) for each in elements(block))
    if covered < _collection_end(block):
        yield f"block {number}: the data block at byte {covered} runs past its collection, which ends at {start}"
    for at, raw in _detailed(block):
        if len(raw) < LENGTH:
            yield f"block {number}: the detailed timing at byte {at} is cut off after {len(raw)} of {LENGTH} bytes"
        elif decode_dtd(raw) is None:
            yield f"block {number}: the detailed timing at byte {at} has no picture"


def _collection_end(block: bytes) -> int:
    """0 in byte 2 says that there is neither a collection nor a detailed timing."""
    return min(block[2], BLOCK - 1) if block[1] >= 3 else 0


def _detailed(block: bytes) -> Iterator[tuple[int, bytes]]:
    """Each timing with where it stands, until the padding; the last may be cut off by the end of the block."""
    if block[2] < 4:
        return
    for at in range(block[2], BLOCK - 1, LENGTH):
        raw = block[at : min(at + LENGTH, BLOCK - 1)]
        if raw[:2] in (b"\0\0", b"\0"):
            return
        yield at, raw


def _code(byte: int) -> int:
    """The VIC: to 64 the top bit says that the mode is native (CTA-861-H, section 7.5.1)."""
    return byte & 127 if 129 <= byte <= 192 else byte


def _by_vic(code: int, note: str = "") -> Offer:
    known = BY_VIC.get(code)
    place = f"VIC {code}{note}"
    if known is None:
        return Offer("unknown", Fraction(0), None, (place,))
    return Offer(known.name, known.timing.rate_hz, known.timing, (place,))


def _hdmi_vics(payload: bytes) -> Iterator[Offer]:
    """They follow the latencies, where byte 7 announces both (HDMI 1.4b, section 8.3.2)."""
    if len(payload) < 8 or not payload[7] & 0x20:
        return
    at = 8 + (2 if payload[7] & 0x80 else 0) + (2 if payload[7] & 0x40 else 0)
    if len(payload) < at + 2:
        return
    for code in payload[at + 2 : at + 2 + (payload[at + 1] >> 5)]:
        known = BY_VIC.get(_HDMI_VICS.get(code, 0))
        place = f"HDMI VIC {code}"
        if known is None:
            yield Offer("unknown", Fraction(0), None, (place,))
        else:
            yield Offer(known.name, known.timing.rate_hz, known.timing, (place,))
