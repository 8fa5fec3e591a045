from __future__ import annotations

import pytest

from board.av.catalogue import LIBRARIES, make_av_encoder
from edge.model.board import EncoderFact, EncoderKind
from edge.model.errors import NotSupported
from edge.model.video import Codec


def fact(library: str, codec: Codec) -> EncoderFact:
    return EncoderFact(name="mine", kind=EncoderKind.AV, codec=codec, library=library)


@pytest.mark.parametrize(
    ("library", "codec", "hardware"),
    [
        ("libx264", Codec.H264, False),
        ("libx265", Codec.H265, False),
        ("h264_nvenc", Codec.H264, True),
        ("hevc_nvenc", Codec.H265, True),
        ("h264_qsv", Codec.H264, True),
        ("hevc_qsv", Codec.H265, True),
    ],
)
def test_a_fact_names_the_encoder_and_its_library_says_the_rest(library: str, codec: Codec, hardware: bool) -> None:
    encoder = make_av_encoder(fact(library, codec), speed="ultrafast")
    assert (encoder.name, encoder.codec, encoder.hardware) == ("mine", codec, hardware)


def test_no_library_is_described_twice() -> None:
    assert len({library.ffmpeg for library in LIBRARIES}) == len(LIBRARIES)


def test_an_unknown_library_is_not_supported_by_name() -> None:
    with pytest.raises(NotSupported, match="encoder mine: 'libfoo' is none of libx264, "):
        make_av_encoder(fact("libfoo", Codec.H264), speed="ultrafast")


def test_a_library_of_another_codec_is_not_supported() -> None:
    with pytest.raises(NotSupported, match="libx264 makes h264, not h265"):
        make_av_encoder(fact("libx264", Codec.H265), speed="ultrafast")
