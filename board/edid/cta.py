"""The CTA-861 extension block: modes by code, audio, and what HDMI adds in its vendor blocks."""

from __future__ import annotations

from collections.abc import Sequence

from board.edid.description import Colour, Description, physical_address
from board.edid.dtd import encode_dtd
from board.edid.framing import BLOCK, CTA_TAG, invalid
from board.edid.modes import Mode

HDMI_OUI = bytes.fromhex("030c00")
HDMI_FORUM_OUI = bytes.fromhex("d85dc4")
HDMI_14_MOST_KHZ = 340_000  # above it HDMI 2.0's scrambling and clock ratio are needed, which SCDC controls
HDMI_VICS = {95: 1, 94: 2, 93: 3, 98: 4}  # VIC -> the code that HDMI 1.4 has for the same mode
BASIC_AUDIO, YCBCR444, YCBCR422 = 0x40, 0x20, 0x10

_AUDIO, _VIDEO, _VENDOR, _SPEAKERS, _EXTENDED = 1, 2, 3, 4, 7
_UNDERSCAN = 0x80
_LPCM_STEREO = bytes((0x09, 0x07, 0x07))  # 2 channels; 32, 44.1, 48 kHz; 16, 20, 24 bits
_FRONT_LEFT_RIGHT = bytes((0x01, 0, 0))
# video capability: ranges are taken as the source's AVI infoframe says, pictures are never overscanned
_CAPABILITY, _YCBCR_RANGE, _RGB_RANGE_UNDERSCAN = 0x00, 0x80, 0x4A


def cta_block(description: Description, detailed: Sequence[Mode]) -> bytes:
    """127 bytes. `detailed` are modes to give as detailed timings. Raises Invalid when not all has room."""
    collection = b"".join(_collection(description))
    timings = b"".join(encode_dtd(each.timing, description.size_mm) for each in detailed)
    flags = _UNDERSCAN | (BASIC_AUDIO if description.audio else 0)
    flags |= YCBCR444 if Colour.YCBCR444 in description.colours else 0
    flags |= YCBCR422 if Colour.YCBCR422 in description.colours else 0
    # the preferred timing of the base block; an interlaced one may not be native alone
    native = 0 if description.preferred.timing.interlaced else 1
    block = bytes((CTA_TAG, 3, 4 + len(collection), flags | native)) + collection + timings
    if len(block) > BLOCK - 1:
        raise invalid(f"too many modes: they need {len(block) - BLOCK + 1} bytes more than an extension block has")
    return block.ljust(BLOCK - 1, b"\0")


def _collection(description: Description) -> list[bytes]:
    codes = [each.vic for each in description.offered if each.vic is not None]
    found = [_block(_VIDEO, bytes(codes))]
    if description.audio:
        found += [_block(_AUDIO, _LPCM_STEREO), _block(_SPEAKERS, _FRONT_LEFT_RIGHT)]
    found.append(_block(_VENDOR, _hdmi_14(description, codes)))
    if description.receiver.max_clock_khz > HDMI_14_MOST_KHZ:
        found.append(_block(_VENDOR, _hdmi_20(description.receiver.max_clock_khz)))
    ycbcr_range = _YCBCR_RANGE if Colour.YCBCR444 in description.colours else 0
    found.append(_block(_EXTENDED, bytes((_CAPABILITY, _RGB_RANGE_UNDERSCAN | ycbcr_range))))
    return found


def _block(tag: int, payload: bytes) -> bytes:
    if len(payload) > 31:
        raise invalid(f"too many modes: {len(payload)} do not fit into one block")
    return bytes((tag << 5 | len(payload),)) + payload


def _hdmi_14(description: Description, codes: Sequence[int]) -> bytes:
    address = physical_address(description.physical_address) or 0
    most_khz = min(description.receiver.max_clock_khz, HDMI_14_MOST_KHZ)
    payload = HDMI_OUI + address.to_bytes(2, "big") + bytes((0, most_khz // 5000))
    vics = bytes(HDMI_VICS[code] for code in codes if code in HDMI_VICS)
    if vics:
        payload += bytes((0x20, 0, len(vics) << 5)) + vics
    return payload


def _hdmi_20(max_clock_khz: int) -> bytes:
    scdc_present = 0x80
    return HDMI_FORUM_OUI + bytes((1, max_clock_khz // 5000, scdc_present, 0))
