from __future__ import annotations

import av
import pytest

from board.av.library import Library
from board.av.qsv import H264_QSV, HEVC_QSV
from edge.model.video import Pixel, Trait
from tests.board.av.wishes import wish

_BOTH = pytest.mark.parametrize("library", [H264_QSV, HEVC_QSV], ids=lambda library: library.ffmpeg)


@_BOTH
def test_it_has_one_picture_under_way_and_looks_at_none_ahead(library: Library) -> None:
    options = library.options(wish())
    assert (options["async_depth"], options["look_ahead_depth"], options["low_delay_brc"]) == ("1", "0", "1")


@_BOTH
def test_every_keyframe_is_an_idr(library: Library) -> None:
    options = library.options(wish())
    assert (options["forced_idr"], options["idr_interval"]) == ("1", "0")


@_BOTH
def test_it_is_cbr_since_its_maximum_is_its_rate(library: Library) -> None:
    options = library.options(wish())
    assert library.opening_bps(wish()) == int(options["maxrate"]) == 8_000_000
    assert options["bufsize"] == "1000000"


@_BOTH
def test_it_cuts_slices_and_claims_nothing_more(library: Library) -> None:
    assert library.options(wish(slices=4))["slices"] == "4"
    assert library.traits == {Trait.SLICES}


@_BOTH
def test_it_is_given_nv12(library: Library) -> None:
    formats = av.CodecContext.create(library.ffmpeg, "w").codec.video_formats
    assert library.pixel is Pixel.NV12
    assert library.pixel.value in {one.name for one in formats or ()}


@_BOTH
def test_ffmpeg_knows_every_option(library: Library) -> None:
    known = av.CodecContext.create(library.ffmpeg, "w").supported_options
    names = {option.name for option in (*known.private, *known.generic)}
    assert library.options(wish()).keys() <= names
