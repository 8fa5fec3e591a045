"""What every EDID must be, whatever it says: blocks of 128 bytes, each with a checksum."""

from __future__ import annotations

from collections.abc import Iterator

from edge.model.errors import Invalid

BLOCK = 128
MOST_BLOCKS = 8  # of what the kernel's receivers take
HEADER = bytes.fromhex("00ffffffffffff00")
CTA_TAG = 0x02


def invalid(message: str) -> Invalid:
    return Invalid(message, code="edid_invalid")


def checksum(block: bytes) -> int:
    """The last byte that this block of 128 bytes must have."""
    return -sum(block[: BLOCK - 1]) % 256


def blocks(raw: bytes) -> list[bytes]:
    return [raw[at : at + BLOCK] for at in range(0, len(raw), BLOCK)]


def mended(raw: bytes) -> bytes:
    """The same with the right checksum in every whole block."""
    return b"".join(
        block if len(block) < BLOCK else block[:-1] + bytes((checksum(block),)) for block in blocks(bytes(raw))
    )


def frame_problems(raw: bytes) -> Iterator[str]:
    """What is wrong before a word is read; nothing when `raw` may be read."""
    if not raw:
        yield "is empty"
        return
    if len(raw) % BLOCK:
        yield f"length is {len(raw)} bytes, which is not a multiple of {BLOCK}"
    whole = [block for block in blocks(raw) if len(block) == BLOCK]
    if len(whole) > MOST_BLOCKS:
        yield f"has {len(whole)} blocks, at most {MOST_BLOCKS} are allowed"
    if raw[: len(HEADER)] != HEADER:
        yield f"block 0: wrong header: expected {HEADER.hex(' ')}, got {raw[: len(HEADER)].hex(' ')}"
    for number, block in enumerate(whole):
        if block[-1] != checksum(block):
            yield f"block {number}: wrong checksum: expected 0x{checksum(block):02x}, got 0x{block[-1]:02x}"
    if whole and not len(raw) % BLOCK and _extensions(whole) != len(whole) - 1:
        yield f"block 0 announces {_extensions(whole)} extension block(s), {len(whole) - 1} follow(s)"


def _extensions(whole: list[bytes]) -> int:
    """Byte 126, or what HDMI 2.1's override (HF-EEODB, which must open the first CTA extension) says instead."""
    if len(whole) > 1 and whole[1][0] == CTA_TAG and whole[1][4:6] == b"\xe2\x78":
        return whole[1][6]
    return whole[0][126]
