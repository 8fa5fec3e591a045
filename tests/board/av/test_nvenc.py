from __future__ import annotations

import av
import pytest

from board.av.library import Library
from board.av.nvenc import H264_NVENC, HEVC_NVENC
from edge.model.video import Refresh, Trait
from tests.board.av.wishes import wish

_BOTH = pytest.mark.parametrize("library", [H264_NVENC, HEVC_NVENC], ids=lambda library: library.ffmpeg)


@_BOTH
def test_it_is_set_for_one_picture_in_one_unit_out(library: Library) -> None:
    options = library.options(wish())
    said = {name: options[name] for name in ("tune", "zerolatency", "delay", "rc", "rc-lookahead", "forced-idr")}
    assert said == {
        "tune": "ull",
        "zerolatency": "1",
        "delay": "0",
        "rc": "cbr",
        "rc-lookahead": "0",
        "forced-idr": "1",
    }


@_BOTH
def test_it_keeps_to_the_wanted_rate_and_makes_no_claim_to_change_it_live(library: Library) -> None:
    assert library.opening_bps(wish()) == int(library.options(wish())["maxrate"]) == 8_000_000
    assert library.options(wish())["bufsize"] == "1000000"
    assert library.traits == {Trait.INTRA_REFRESH, Trait.SLICES}


@_BOTH
def test_refresh_and_slices_are_passed_on(library: Library) -> None:
    options = library.options(wish(refresh=Refresh.INTRA, slices=4))
    assert (options["intra-refresh"], options["slices"]) == ("1", "4")
    assert library.options(wish())["intra-refresh"] == "0"


def test_browsers_get_baseline() -> None:
    assert H264_NVENC.options(wish())["profile"] == "baseline"


@_BOTH
def test_ffmpeg_knows_every_option(library: Library) -> None:
    known = av.CodecContext.create(library.ffmpeg, "w").supported_options
    names = {option.name for option in (*known.private, *known.generic)}
    assert library.options(wish(refresh=Refresh.INTRA)).keys() <= names
