"""What an encoder puts out is a picture, or what belongs before one, or garbage."""

from __future__ import annotations

import pytest

from board.v4l2.coding import AnnexB, Picture
from edge.model.errors import EncoderFailed
from edge.model.video import Codec

START = b"\0\0\0\x01"
AUD, SPS, PPS, IDR, P = (START + bytes((head, 0x42)) for head in (0x09, 0x67, 0x68, 0x65, 0x41))
VPS5, SPS5, PPS5, IDR5, TRAIL5 = (START + bytes((kind << 1, 0x01)) for kind in (32, 33, 34, 19, 1))


@pytest.fixture
def h264() -> AnnexB:
    return AnnexB(Codec.H264)


def test_whole_keyframe_is_left_as_it_is(h264: AnnexB) -> None:
    assert h264.picture(SPS + PPS + IDR) == Picture(True, SPS + PPS + IDR)


def test_picture_that_is_no_keyframe_gets_nothing(h264: AnnexB) -> None:
    h264.picture(SPS + PPS + IDR)
    assert h264.picture(P) == Picture(False, P)


def test_intra_picture_that_is_no_idr_is_no_keyframe(h264: AnnexB) -> None:
    assert h264.picture(SPS + PPS + P) == Picture(False, SPS + PPS + P)


def test_parameter_sets_of_the_first_keyframe_go_before_the_next(h264: AnnexB) -> None:
    h264.picture(SPS + PPS + IDR)
    assert h264.picture(IDR) == Picture(True, SPS + PPS + IDR)


def test_parameter_sets_that_came_alone_go_before_the_keyframe(h264: AnnexB) -> None:
    assert h264.picture(SPS + PPS) is None
    assert h264.picture(IDR) == Picture(True, SPS + PPS + IDR)


def test_start_code_with_nothing_behind_it_is_no_picture(h264: AnnexB) -> None:
    assert h264.picture(START) is None


def test_what_is_missing_is_put_behind_the_delimiter(h264: AnnexB) -> None:
    h264.picture(SPS + PPS + IDR)
    assert h264.picture(AUD + IDR) == Picture(True, AUD + SPS + PPS + IDR)


def test_only_the_set_that_is_missing_is_added(h264: AnnexB) -> None:
    h264.picture(SPS + PPS + IDR)
    other = START + b"\x67\x64"
    found = h264.picture(other + IDR)
    assert found is not None
    assert found.data.count(b"\x67") == 1
    assert other in found.data
    assert PPS in found.data


def test_newer_parameter_sets_replace_older_ones(h264: AnnexB) -> None:
    other = START + b"\x67\x64"
    h264.picture(SPS + PPS + IDR)
    h264.picture(other + PPS + IDR)
    assert h264.picture(IDR) == Picture(True, other + PPS + IDR)


def test_keyframe_without_any_parameter_sets_is_garbage(h264: AnnexB) -> None:
    with pytest.raises(EncoderFailed, match="without parameter sets") as failed:
        h264.picture(IDR)
    assert failed.value.code == "encoder_garbage"


@pytest.mark.parametrize("data", [b"", b"\0" * 16, b"\x47" * 188, b"\0\0\0\0\x01\x65", SPS[1:3] + b"x"])
def test_what_is_no_byte_stream_is_garbage(h264: AnnexB, data: bytes) -> None:
    with pytest.raises(EncoderFailed, match=f"{len(data)} bytes that are no byte stream") as failed:
        h264.picture(data)
    assert failed.value.code == "encoder_garbage"


def test_hevc_has_three_parameter_sets_and_two_kinds_of_idr() -> None:
    hevc = AnnexB(Codec.H265)
    assert hevc.code == "HEVC"
    assert hevc.picture(VPS5 + SPS5 + PPS5) is None
    assert hevc.picture(IDR5) == Picture(True, VPS5 + SPS5 + PPS5 + IDR5)
    assert hevc.picture(TRAIL5) == Picture(False, TRAIL5)
    without_leading = START + bytes((20 << 1, 1))
    assert hevc.picture(without_leading) == Picture(True, VPS5 + SPS5 + PPS5 + without_leading)
