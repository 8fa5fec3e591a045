"""Files: what v4l2-ctl writes is read, what we write it reads, and what is neither is refused with its line."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from board.edid.build import build
from board.edid.framing import checksum
from board.edid.hex_text import from_hex, import_edid, to_hex, unpacked
from board.edid.presets import preset
from edge.model.errors import Invalid

GOOD = build(preset("2-lane"))


def test_text_is_sixteen_bytes_a_line_and_a_gap_between_blocks() -> None:
    lines = to_hex(GOOD).splitlines()
    assert lines[0] == "00 ff ff ff ff ff ff 00 " + GOOD[8:16].hex(" ")
    assert [len(line) for line in lines] == [47] * 8 + [0] + [47] * 8


def test_text_has_no_letter_that_v4l2_ctl_would_take_for_a_digit_of_its_own() -> None:
    """It skips what is no hexadecimal digit and joins the rest in pairs."""
    digits = "".join(letter for letter in to_hex(GOOD) if letter in "0123456789abcdefABCDEF")
    assert bytes.fromhex(digits) == GOOD


@pytest.mark.parametrize(
    "content",
    [
        GOOD,
        to_hex(GOOD).encode(),
        to_hex(GOOD).upper().replace("\n", "\r\n").encode(),
        GOOD.hex().encode(),
        GOOD.hex(" ").encode() + b"\n\n",
        "\ufeff".encode() + to_hex(GOOD).encode(),
        ", ".join(f"0x{byte:02x}" for byte in GOOD).encode(),
        ",\n".join(f"0X{byte:X}" for byte in GOOD).encode(),
        ("# für den Turm\n/* two\n blocks */ " + to_hex(GOOD).replace("\n", " // face\n") + "; end").encode(),
    ],
    ids=["raw", "ours", "upper", "unbroken", "one line", "mark", "0x", "0X short", "comments"],
)
def test_each_form_is_recognised(content: bytes) -> None:
    assert import_edid(content) == GOOD


@given(st.binary(max_size=600))
def test_text_comes_back_as_the_same_bytes(raw: bytes) -> None:
    assert from_hex(to_hex(raw)) == raw


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("00 ff\n00 fg", "line 2: 'fg' is not hexadecimal"),
        ("/* a\nb */\n00 f", "line 3: 'f' has an odd number of digits"),
        ("00fff", "line 1: '00fff' has an odd number of digits"),
        ("0x", "line 1: '0x' is not hexadecimal"),
        ("# only a comment", "is empty"),
        (" \n", "is empty"),
        ("00 ff\n# more\n٣٣", "line 3: '٣٣' is not hexadecimal"),
        ("0x00 0x111", "line 1: '0x111' has an odd number of digits"),
        ("hello " * 100, "line 1: 'hello' is not hexadecimal"),
    ],
)
def test_text_that_is_no_edid_is_refused_with_its_line(text: str, message: str) -> None:
    with pytest.raises(Invalid) as caught:
        import_edid(text.encode())
    assert (caught.value.code, str(caught.value)) == ("edid_invalid", message)


def test_wrong_checksum_is_refused_with_block_and_value() -> None:
    by_hand = bytearray(GOOD)
    by_hand[200] ^= 1
    with pytest.raises(Invalid) as caught:
        import_edid(to_hex(bytes(by_hand)).encode())
    right = checksum(bytes(by_hand[128:]))
    assert str(caught.value) == f"block 1: wrong checksum: expected 0x{right:02x}, got 0x{GOOD[255]:02x}"


def test_mending_puts_checksums_right_and_nothing_else() -> None:
    spoilt = GOOD[:127] + b"\0" + GOOD[128:255] + b"\0"
    assert import_edid(spoilt, mend=True) == GOOD
    assert import_edid(to_hex(spoilt).encode(), mend=True) == GOOD
    with pytest.raises(Invalid, match="wrong header"):
        import_edid(b"\1" + GOOD[1:], mend=True)
    with pytest.raises(Invalid, match="length is 200 bytes"):
        import_edid(GOOD[:200], mend=True)


def test_binary_without_a_header_is_told_so() -> None:
    with pytest.raises(Invalid, match=r"block 0: wrong header: expected 00 ff .*, got ff ff"):
        import_edid(b"\xff" * 128)


def test_file_of_another_kind_is_not_read_to_its_end() -> None:
    with pytest.raises(Invalid, match="2000000 bytes are too many for an EDID"):
        unpacked(b"00 " * 666_666 + b"00")


@given(st.binary(max_size=400) | st.text(max_size=400).map(str.encode))
def test_hostile_files_do_no_worse_than_invalid(content: bytes) -> None:
    try:
        import_edid(content, mend=True)
    except Invalid as error:
        code = error.code
    else:
        code = "edid_invalid"
    assert code == "edid_invalid"
