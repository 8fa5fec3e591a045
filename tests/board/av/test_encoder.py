from __future__ import annotations

import logging
from dataclasses import replace
from fractions import Fraction

import pytest

from board.av.catalogue import LIBRARIES
from board.av.encoder import AvEncoder
from board.av.library import Library
from board.av.x264 import X264
from board.av.x265 import X265
from edge.model.errors import EncoderFailed, Missing, NotSupported
from edge.model.video import EncodeTarget, Pixel, Range, VideoFormat
from edge.ports import Retarget
from tests.board.kit import frame_of
from tests.contract.encoder_contract import busy_picture
from tests.raw_bars import bars_frame

_VIDEO = VideoFormat(320, 240, Fraction(30))
_TARGET = EncodeTarget(1_000_000, 4_000_000)


@pytest.mark.parametrize("library", [one for one in LIBRARIES if one.hardware], ids=lambda library: library.ffmpeg)
def test_hardware_that_is_not_there_is_unavailable_with_the_librarys_reason(
    library: Library, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    encoder = AvEncoder(library, name="hw", speed="ultrafast")
    with caplog.at_level(logging.DEBUG), pytest.raises(EncoderFailed) as failure:
        encoder.open(_VIDEO, _TARGET)
    said = str(failure.value)
    assert said.startswith(f"hw: no {library.machine} on this machine: ")
    assert ("libcuda.so.1" if "nvenc" in library.ffmpeg else "MFX session") in said
    assert "asked for 320x240 at 30 frames/s" in said
    assert failure.value.code == "encoder_failed"
    assert encoder.retarget(_TARGET) is Retarget.NEEDS_NEW_EPOCH
    assert not caplog.records
    assert capfd.readouterr() == ("", "")


def test_an_ffmpeg_without_that_encoder_is_missing_it() -> None:
    encoder = AvEncoder(replace(X264, ffmpeg="h264_elsewhere"), name="hw", speed="ultrafast")
    with pytest.raises(Missing, match="hw: the FFmpeg of this installation has no h264_elsewhere"):
        encoder.open(_VIDEO, _TARGET)


@pytest.mark.parametrize("reach", list(Range))
@pytest.mark.parametrize("pixel", [Pixel.YUV420P, Pixel.NV12, Pixel.UYVY422, Pixel.BGR24])
def test_a_library_that_takes_nv12_codes_the_same_stream(pixel: Pixel, reach: Range) -> None:
    video = replace(_VIDEO, pixel=pixel, range=reach)
    streams = []
    for library in (X264, replace(X264, pixel=Pixel.NV12)):
        encoder = AvEncoder(library, name="x", speed="ultrafast")
        encoder.open(video, _TARGET)
        streams.append([encoder.encode(bars_frame(video, index), force_key=False)[0].data for index in range(3)])
    assert streams[0] == streams[1]


def test_an_unknown_speed_of_x265_is_not_supported_by_name() -> None:
    with pytest.raises(NotSupported, match=r"x refuses 320x240 .*'warp'.*preset"):
        AvEncoder(X265, name="x", speed="warp").open(_VIDEO, _TARGET)


def test_a_breakdown_names_encoder_and_library() -> None:
    encoder = AvEncoder(X264, name="main one", speed="ultrafast")
    encoder.open(_VIDEO, _TARGET)
    assert encoder._context is not None
    encoder._context.encode(None)
    with pytest.raises(EncoderFailed, match="main one: libx264 broke down while encoding"):
        encoder.encode(frame_of(busy_picture(_VIDEO, 0), _VIDEO, 0), force_key=False)


@pytest.mark.parametrize("library", [X264, X265], ids=lambda library: library.ffmpeg)
def test_encoding_writes_no_log(
    library: Library, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    with caplog.at_level(logging.DEBUG):
        encoder = AvEncoder(library, name="x", speed="ultrafast")
        encoder.open(_VIDEO, _TARGET)
        encoder.encode(frame_of(busy_picture(_VIDEO, 0), _VIDEO, 0), force_key=True)
        encoder.close()
        del encoder
    assert not caplog.records
    assert capfd.readouterr() == ("", "")


def test_a_source_slower_than_it_says_gets_more_for_each_picture() -> None:
    sizes = []
    for period in (1, 2):
        encoder = AvEncoder(X264, name="x", speed="ultrafast")
        encoder.open(_VIDEO, _TARGET)
        frames = (frame_of(busy_picture(_VIDEO, index), _VIDEO, index * period) for index in range(60))
        units = [encoder.encode(frame, force_key=False)[0] for frame in frames]
        sizes.append(sum(len(unit.data) for unit in units[30:]))
    assert sizes[1] > 1.25 * sizes[0]
