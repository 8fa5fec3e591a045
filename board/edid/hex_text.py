"""EDIDs in files: binary, or hex text as v4l2-ctl reads and writes it."""

from __future__ import annotations

import re

from board.edid.framing import BLOCK, HEADER, invalid, mended
from board.edid.parse import problems

_COMMENT = re.compile(r"/\*.*?\*/|(?://|#|;).*?$", re.DOTALL | re.MULTILINE)
_LONGEST = 1 << 20
_PER_LINE = 16


def to_hex(raw: bytes) -> str:
    """16 bytes a line, an empty line between blocks. No comments: v4l2-ctl would read their letters as digits."""
    lines = []
    for at in range(0, len(raw), _PER_LINE):
        if at and at % BLOCK == 0:
            lines.append("")
        lines.append(raw[at : at + _PER_LINE].hex(" "))
    return "\n".join(lines) + "\n"


def from_hex(text: str) -> bytes:
    """Digits in pairs, apart or not, with or without `0x` and commas; comments as `#`, `//`, `;` or `/* */`.

    Raises Invalid (edid_invalid) naming the line.
    """
    found = bytearray()
    bare = _COMMENT.sub(lambda comment: "\n" * comment[0].count("\n"), text)
    for number, line in enumerate(bare.splitlines(), start=1):
        for word in line.replace(",", " ").split():
            digits = word
            if word[:2] in ("0x", "0X"):
                digits = word[2:] if len(word) != 3 else f"0{word[2]}"
            if re.fullmatch("[0-9a-fA-F]+", digits) is None:
                raise invalid(f"line {number}: {word[:20]!r} is not hexadecimal")
            if len(digits) % 2:
                raise invalid(f"line {number}: {word[:20]!r} has an odd number of digits")
            found += bytes.fromhex(digits)
    return bytes(found)


def import_edid(content: bytes, *, mend: bool = False) -> bytes:
    """The bytes of an EDID from a file's content, binary or hex text. With `mend`, wrong checksums are put right.

    Raises Invalid (edid_invalid) with a line for each problem.
    """
    raw = unpacked(content)
    if mend:
        raw = mended(raw)
    wrong = problems(raw)
    if wrong:
        raise invalid("\n".join(wrong))
    return raw


def unpacked(content: bytes) -> bytes:
    """The same without a look at what it says. Raises Invalid (edid_invalid) for text that is not hexadecimal."""
    if len(content) > _LONGEST:
        raise invalid(f"{len(content)} bytes are too many for an EDID")
    text = _as_text(content)
    return bytes(content) if text is None else from_hex(text)


def _as_text(content: bytes) -> str | None:
    """None for what is binary."""
    if content.startswith(HEADER):
        return None
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return None
    return text if all(letter.isprintable() or letter in "\t\r\n\f" for letter in text) else None
