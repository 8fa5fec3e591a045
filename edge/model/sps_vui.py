"""What an H.264 stream says of its colours, put right in its sequence parameter sets (ITU-T H.264, 7.3.2.1.1 and E.1).

For encoders that leave it out or say something else. Nothing but the VUI changes.
"""

from __future__ import annotations

from edge.model.annexb import escape, nal_offsets, nal_type, unescape
from edge.model.errors import Invalid
from edge.model.video import Codec, Colorimetry, Range, VideoFormat

_SPS = 7
# Code points of ISO/IEC 23091-2 for primaries, transfer, matrix
_CODE_POINTS = {
    Colorimetry.BT709: (1, 1, 1),
    Colorimetry.BT601: (6, 6, 6),
    Colorimetry.BT2020: (9, 14, 9),
    Colorimetry.SYCC: (1, 13, 6),
}
_UNSPECIFIED = 5  # video_format: component, PAL and so on are history
_SAR_EXTENDED = 255
_HIGH_PROFILES = frozenset((100, 110, 122, 244, 44, 83, 86, 118, 128, 138, 139, 134, 135))
_LONGEST_VECTOR = 15  # log2_max_mv_length_*
_MANY = 256  # no loop of a sane parameter set is longer


def say_colours(data: bytes, video: VideoFormat) -> bytes:
    """The access unit with the colours of `video` in each sequence parameter set.

    Where there was no VUI at all it also says that pictures are not reordered, so that no decoder waits for more.
    Raises Invalid `bad_parameter_set` on one that cannot be read.
    """
    units = list(nal_offsets(data))
    ends = (*(begin for begin, _ in units[1:]), len(data))
    out, at = [], 0
    for (_, body), end in zip(units, ends, strict=False):
        if nal_type(Codec.H264, data[body]) == _SPS:
            out += [data[at : body + 1], _rewritten(data[body + 1 : end], video)]
            at = end
    return b"".join((*out, data[at:]))


class _Bits:
    """The payload of a parameter set from its start to its stop bit, read in order. Raises Invalid at its end."""

    def __init__(self, payload: bytes) -> None:
        whole = "".join(f"{byte:08b}" for byte in unescape(payload))
        self.text = whole[: max(0, whole.rfind("1"))]  # rbsp_stop_one_bit
        self.at = 0

    def flag(self) -> bool:
        return bool(self.number(1))

    def number(self, bits: int) -> int:
        begin, self.at = self.at, self.at + bits
        if self.at > len(self.text):
            raise Invalid("a sequence parameter set ends too early", code="bad_parameter_set")
        return int(self.text[begin : self.at], 2)

    def golomb(self) -> int:
        """ue(v); of se(v) only the length matters here."""
        zeroes = 0
        while not self.flag():
            zeroes += 1
        return (1 << zeroes) - 1 + (self.number(zeroes) if zeroes else 0)

    def signed(self) -> int:
        code = self.golomb()
        return (code + 1) // 2 if code % 2 else -(code // 2)


def _rewritten(payload: bytes, video: VideoFormat) -> bytes:
    bits = _Bits(payload)
    reference_frames = _skip_to_vui(bits)
    if not bits.flag():
        return _packed(f"{bits.text[: bits.at - 1]}1{_new_vui(video, reference_frames)}")
    if bits.flag() and bits.number(8) == _SAR_EXTENDED:
        bits.number(32)
    if bits.flag():  # overscan
        bits.number(1)
    head = bits.text[: bits.at]
    if bits.flag():
        bits.number(4)
        if bits.flag():
            bits.number(24)
    return _packed(f"{head}{_signal_type(video)}{bits.text[bits.at :]}")


def _skip_to_vui(bits: _Bits) -> int:
    """Up to vui_parameters_present_flag; returns max_num_ref_frames."""
    profile = bits.number(8)
    bits.number(16)  # constraints, level
    bits.golomb()  # seq_parameter_set_id
    if profile in _HIGH_PROFILES:
        _skip_high(bits)
    bits.golomb()  # log2_max_frame_num_minus4
    _skip_picture_order(bits)
    reference_frames = bits.golomb()
    bits.number(1)  # gaps_in_frame_num_value_allowed_flag
    bits.golomb()  # width
    bits.golomb()  # height
    if not bits.flag():  # frame_mbs_only_flag
        bits.number(1)
    bits.number(1)  # direct_8x8_inference_flag
    if bits.flag():  # frame_cropping_flag
        for _ in range(4):
            bits.golomb()
    return reference_frames


def _skip_high(bits: _Bits) -> None:
    chroma = bits.golomb()
    if chroma == 3:
        bits.number(1)
    bits.golomb()  # bit depths
    bits.golomb()
    bits.number(1)  # qpprime_y_zero_transform_bypass_flag
    if bits.flag():  # seq_scaling_matrix_present_flag
        for index in range(12 if chroma == 3 else 8):
            if bits.flag():
                _skip_scaling_list(bits, 16 if index < 6 else 64)


def _skip_scaling_list(bits: _Bits, size: int) -> None:
    """7.3.2.1.1.1."""
    last = following = 8
    for _ in range(size):
        if following:
            following = (last + bits.signed()) % 256
        last = following or last


def _skip_picture_order(bits: _Bits) -> None:
    kind = bits.golomb()
    if kind == 0:
        bits.golomb()
    elif kind == 1:
        bits.number(1)
        bits.golomb()
        bits.golomb()
        for _ in range(min(_MANY, bits.golomb())):
            bits.golomb()


def _new_vui(video: VideoFormat, reference_frames: int) -> str:
    """Colours and bitstream restrictions; none of aspect ratio, overscan, chroma location, timing, HRD, pic_struct."""
    codes = (0, 0, _LONGEST_VECTOR, _LONGEST_VECTOR, 0, reference_frames)
    restrictions = "".join(_golomb(code) for code in codes)
    return f"00{_signal_type(video)}00000" + f"11{restrictions}"


def _signal_type(video: VideoFormat) -> str:
    full = int(video.range is Range.FULL)
    points = "".join(f"{point:08b}" for point in _CODE_POINTS[video.colorimetry])
    return f"1{_UNSPECIFIED:03b}{full}1{points}"


def _golomb(code: int) -> str:
    text = f"{code + 1:b}"
    return "0" * (len(text) - 1) + text


def _packed(bits: str) -> bytes:
    """With the stop bit, whole bytes, and no start code inside."""
    whole = f"{bits}1"
    whole += "0" * (-len(whole) % 8)
    return escape(int(whole, 2).to_bytes(len(whole) // 8, "big"))
