from __future__ import annotations

import gc
import logging
import os
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest

from board.av.planes import PlaneIntake
from board.gst.encoder import GstEncoder
from board.gst.line import Line
from edge.model.board import EncoderFact, EncoderKind, GstElement, GstProperty
from edge.model.errors import EdgeError, EncoderFailed, Invalid, Missing, NotSupported
from edge.model.frame import Encoded, pts_of
from edge.model.video import EncodeTarget, Pixel, Trait, VideoFormat
from edge.ports import Encoder, Retarget
from edge.runtime.clock import SystemClock
from tests.board.gst.elements import X264, encoder_of, x264, x265
from tests.board.kit import HandClock, frame_of, run
from tests.contract.encoder_contract import busy_picture, sps_of
from tests.raw_bars import bars_frame, patch_codes, patch_means

_VIDEO = VideoFormat(320, 240, Fraction(30))
_TARGET = EncodeTarget(1_000_000, 4_000_000)


@pytest.fixture(autouse=True)
def _nothing_on_stderr(capfd: pytest.CaptureFixture[str]) -> Iterator[None]:
    yield
    gc.collect()
    assert capfd.readouterr() == ("", "")


class HastyClock(HandClock):
    """A second for each 20 ms of the machine's."""

    def mono_ns(self) -> int:
        return 50 * time.monotonic_ns()


def encode(encoder: Encoder, count: int, *, first: int = 0) -> list[Encoded]:
    units: list[Encoded] = []
    for index in range(first, first + count):
        units += encoder.encode(frame_of(busy_picture(_VIDEO, index), _VIDEO, index), force_key=False)
    return units


def test_it_is_what_the_profile_says() -> None:
    encoder = encoder_of(replace(x264(), name="orin", hardware=True))
    assert (encoder.name, encoder.hardware, encoder.traits) == ("orin", True, frozenset(Trait))


@pytest.mark.parametrize(
    ("fact", "complaint"),
    [
        (EncoderFact("orin", EncoderKind.GST), "orin: the board's profile names no GStreamer element"),
        (x264(pixel=Pixel.P010), "p010le is not given to GStreamer"),
        (x264(accepts=(Pixel.UYVY422, Pixel.RGB24)), "rgb24 is not given to GStreamer"),
    ],
)
def test_a_profile_that_cannot_be_followed_is_invalid(fact: EncoderFact, complaint: str) -> None:
    with pytest.raises(Invalid, match=complaint):
        encoder_of(fact)


@pytest.mark.parametrize(
    ("changes", "kind", "complaint"),
    [
        ({"element": "x266enc"}, Missing, "GStreamer has no element x266enc"),
        (
            {"element": "nvv4l2h264enc"},
            Missing,
            "nvv4l2h264enc: apt-get install nvidia-l4t-gstreamer; it is there only",
        ),
        ({"before": "nvvidconv"}, Missing, "GStreamer has no element nvvidconv: apt-get install nvidia-l4t-gstreamer"),
        ({"element": "vah265enc"}, Missing, "apt-get install gstreamer1.0-plugins-bad; it is there only where"),
        ({"element": "x264enc ! fakesink"}, Invalid, "'x264enc ! fakesink' is not the name of a GStreamer element"),
        ({"before": "videoconvert !"}, Invalid, "GStreamer: syntax error, in: appsrc"),
        ({"before": "videoconvert nope=1"}, NotSupported, 'no property "nope" in element "videoconvert"'),
        ({"after": "video/x-raw"}, NotSupported, "can handle caps video/x-raw"),
        ({"fixed": {"warp": 9}}, NotSupported, "x264enc has no property warp"),
        ({"fixed": {"tune": "loud"}}, NotSupported, "property tune cannot be 'loud'"),
        ({"fixed": {"option-string": "{nope}"}}, Invalid, "property option-string"),
        ({"bitrate": GstProperty("bitrate", 100.0)}, NotSupported, "property bitrate cannot be 100000000"),
        ({"key_signal": "force-IDR"}, NotSupported, "x264enc has no signal force-IDR"),
        ({"before": "capsfilter caps=video/x-raw,width=64"}, NotSupported, "takes no pictures of video/x-raw,format="),
        ({"pixel": Pixel.NV12, "before": "capsfilter caps=video/x-raw,format=I420"}, NotSupported, "format=NV12"),
    ],
)
def test_what_cannot_be_set_up_is_refused_by_name(
    changes: dict[str, object], kind: type[EdgeError], complaint: str
) -> None:
    with pytest.raises(kind) as refusal:
        encoder_of(x264(**changes)).open(_VIDEO, _TARGET)
    assert complaint in str(refusal.value)


def test_a_size_beyond_the_profile_is_not_supported() -> None:
    with pytest.raises(NotSupported, match="320x240 is beyond the 300x8192 of gst-x264"):
        encoder_of(replace(x264(), max_width=300)).open(_VIDEO, _TARGET)


def test_a_breakdown_in_the_middle_names_encoder_and_element() -> None:
    encoder = encoder_of(x264(before="identity name=weak error-after=6"))
    encoder.open(_VIDEO, _TARGET)
    assert len(encode(encoder, 5)) == 5
    with pytest.raises(EncoderFailed, match="gst-x264: identity: Failed after iterations as requested") as failure:
        encode(encoder, 5, first=5)
    assert failure.value.code == "encoder_failed"
    encoder.open(_VIDEO, _TARGET)
    assert [unit.key for unit in encode(encoder, 2)] == [True, False]
    encoder.close()


@pytest.mark.parametrize("where", ["before", "after"])
def test_an_encoder_that_never_answers_has_stalled(where: str) -> None:
    encoder = encoder_of(x264(**{where: "identity drop-probability=1"}), clock=HastyClock())
    encoder.open(_VIDEO, _TARGET)
    with pytest.raises(EncoderFailed, match="gst-x264: no picture within 2 s") as failure:
        encode(encoder, 50)
    assert failure.value.code == "encoder_stalled"
    encoder.close()


def test_an_encoder_that_falls_silent_has_stalled_sooner() -> None:
    encoder = encoder_of(x264(before="valve name=valve"))
    encoder.open(_VIDEO, _TARGET)
    assert len(encode(encoder, 3)) == 3
    _part(encoder, "valve").set_property("drop", True)
    with pytest.raises(EncoderFailed, match=r"no picture within 0.5 s"):
        encode(encoder, 50, first=3)
    encoder.close()


def test_pictures_are_not_piled_up_before_an_encoder_that_does_not_answer() -> None:
    encoder = encoder_of(x264(before="identity drop-probability=1"))
    encoder.open(_VIDEO, _TARGET)
    for index in range(4):
        assert encode(encoder, 1, first=index) == []
    with pytest.raises(EncoderFailed, match="no picture"):
        encode(encoder, 1, first=4)
    encoder.close()


def test_a_skipped_picture_costs_no_other_its_time() -> None:
    encoder = encoder_of(x264(before="valve name=valve"))
    encoder.open(_VIDEO, _TARGET)
    encode(encoder, 3)
    _part(encoder, "valve").set_property("drop", True)
    assert encode(encoder, 1, first=3) == []
    _part(encoder, "valve").set_property("drop", False)
    frames = [frame_of(busy_picture(_VIDEO, index), _VIDEO, index) for index in (4, 5)]
    units = [unit for frame in frames for unit in encoder.encode(frame, force_key=False)]
    assert [unit.pts for unit in units] == [pts_of(frame.stamps.captured_ns) for frame in frames]
    encoder.close()


def test_an_encoder_that_keeps_pictures_back_is_not_waited_for_in_vain() -> None:
    fixed = {**X264.fixed, "tune": 0, "rc-lookahead": 2, "sync-lookahead": 0, "b-adapt": False}
    encoder = encoder_of(x264(fixed=fixed))
    encoder.open(_VIDEO, _TARGET)
    units = encode(encoder, 12)
    kept = 12 - len(units)
    assert kept > 0
    assert cast(Any, encoder)._opened.session._flight.delay == kept
    for index in range(12, 20):
        (unit,) = encode(encoder, 1, first=index)
        assert unit.pts == pts_of(frame_of(busy_picture(_VIDEO, 0), _VIDEO, index - kept).stamps.captured_ns)
    encoder.close()


@pytest.mark.peer
def test_layouts_that_the_pipeline_converts_are_given_as_they_lie_and_may_change() -> None:
    own = (Pixel.UYVY422, Pixel.YUYV422, Pixel.NV12, Pixel.YUV420P)
    before = "videoconvert ! video/x-raw,format=I420"
    fact = x264(before=before, accepts=own)
    asked: list[Pixel] = []

    def intake(video: VideoFormat, pixel: Pixel) -> Any:
        convert = PlaneIntake(video, pixel)
        return lambda frame: asked.append(frame.format.pixel) or convert(frame)  # type: ignore[func-returns-value]

    encoder = GstEncoder(fact=fact, make_intake=intake, clock=SystemClock())
    encoder.open(replace(_VIDEO, pixel=Pixel.UYVY422), EncodeTarget(20_000_000, 20_000_000))
    shapes = [replace(_VIDEO, pixel=pixel) for pixel in (*own, Pixel.RGB24, *own)]
    units = [encoder.encode(bars_frame(shape, index), force_key=False)[0] for index, shape in enumerate(shapes)]
    encoder.close()
    assert asked == [Pixel.RGB24]
    assert [unit.key for unit in units] == [True] + [False] * (len(units) - 1)
    assert len(sps_of(encoder.codec, units)) == 1
    stream = b"".join(unit.data for unit in units)
    raw = run("ffmpeg", ["-v", "warning", "-f", "h264", "-i", "-", "-f", "rawvideo", "-"], stdin=stream)
    for picture in np.frombuffer(raw, np.uint8).reshape(len(units), -1):
        luma, half = _VIDEO.width * _VIDEO.height, (_VIDEO.height // 2, _VIDEO.width // 2)
        cb, cr = picture[luma : luma * 5 // 4].reshape(half), picture[luma * 5 // 4 :].reshape(half)
        whole = picture[:luma].reshape(_VIDEO.height, _VIDEO.width)
        found = patch_means((whole, cb, cr), _VIDEO.width, _VIDEO.height)
        assert np.abs(found - patch_codes(_VIDEO)).max() <= 3


def test_a_signal_asks_for_the_keyframe_where_the_profile_names_one() -> None:
    """No element of Debian's has one; that it is emitted is seen on a signal that an element has."""
    encoder = encoder_of(x264(key_signal="notify"))
    encoder.open(_VIDEO, _TARGET)
    line = cast(Line, cast(Any, encoder)._opened.line)
    emitted: list[str] = []
    line._encoder = _Emitter(emitted)
    line.force_key(0)
    assert emitted == ["notify"]
    encoder.close()


class _Emitter:
    def __init__(self, emitted: list[str]) -> None:
        self.emit = emitted.append


def test_without_a_live_rate_another_rate_needs_a_new_epoch() -> None:
    encoder = encoder_of(x265())
    encoder.open(_VIDEO, _TARGET)
    assert encoder.retarget(_TARGET) is Retarget.LIVE
    assert encoder.retarget(replace(_TARGET, max_bitrate_bps=3_000_000)) is Retarget.LIVE
    assert encoder.retarget(replace(_TARGET, bitrate_bps=900_000)) is Retarget.NEEDS_NEW_EPOCH
    encoder.close()
    assert encoder.retarget(_TARGET) is Retarget.NEEDS_NEW_EPOCH


def test_a_driver_that_is_not_given_back_is_told_and_holds_nobody_up(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    encoder = encoder_of(x264())
    encoder.open(_VIDEO, _TARGET)
    close = Line.close
    monkeypatch.setattr(Line, "close", lambda line: close(line) and False)
    with caplog.at_level(logging.WARNING):
        encoder.close()
    assert "encoder gst-x264: its driver does not give it back" in caplog.text


def test_opening_and_closing_leaves_no_thread_no_file_and_no_pipeline_behind() -> None:
    encoder = encoder_of(x264())
    broken = encoder_of(x264(before="identity error-after=1"))

    def once() -> tuple[int, int]:
        encoder.open(_VIDEO, _TARGET)
        encode(encoder, 1)
        encoder.close()
        broken.open(_VIDEO, _TARGET)
        with pytest.raises(EncoderFailed):
            encode(broken, 1)
        broken.close()
        with pytest.raises(NotSupported):
            encoder_of(x264(before="capsfilter caps=video/x-raw,width=64")).open(_VIDEO, _TARGET)
        gc.collect()
        return len(os.listdir("/proc/self/fd")), len(os.listdir("/proc/self/task"))

    seen = [once() for _ in range(20)]
    assert max(files for files, _ in seen[5:]) <= seen[4][0]
    assert max(threads for _, threads in seen) < seen[0][1] + 10  # GLib keeps a few that are idle
    assert not [thread.name for thread in threading.enumerate() if thread.name.startswith("gst-")]


def test_what_is_dropped_without_close_is_stopped() -> None:
    for index in range(5):
        encoder = encoder_of(x264())
        encoder.open(_VIDEO, _TARGET)
        encode(encoder, 1, first=index)
        del encoder
        gc.collect()
    assert not [thread.name for thread in threading.enumerate() if thread.name.startswith("gst-")]


def test_memory_does_not_grow_with_the_pictures() -> None:
    video = replace(_VIDEO, width=640, height=480)
    picture = busy_picture(video, 0)
    encoder = encoder_of(x264())
    encoder.open(video, _TARGET)
    pages = []
    for index in range(400):
        encoder.encode(frame_of(picture, video, index), force_key=False)
        if index % 100 == 99:
            pages.append(int(Path("/proc/self/statm").read_text().split()[1]))
    encoder.close()
    grown = (pages[-1] - pages[0]) * os.sysconf("SC_PAGE_SIZE")
    assert grown < 20 * picture.nbytes, "300 pictures left more than 20 of them behind"


def test_an_element_without_any_property_map_encodes() -> None:
    fact = EncoderFact("plain", EncoderKind.GST, gst=GstElement("x264enc", fixed={"tune": "zerolatency"}))
    encoder = encoder_of(fact)
    assert encoder.traits == frozenset()
    encoder.open(_VIDEO, _TARGET)
    assert [unit.key for unit in encode(encoder, 2)] == [True, False]
    encoder.close()


def _part(encoder: Encoder, name: str) -> Any:
    return cast(Any, encoder)._opened.line._pipeline.get_by_name(name)
