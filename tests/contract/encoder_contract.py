"""What every H.264 Encoder must do. Subclass it and give an `encoder` fixture (not open)."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from edge.model.annexb import nal_offsets, nal_type
from edge.model.errors import Fault, NotSupported
from edge.model.frame import Encoded, pts_of
from edge.model.video import Codec, Colorimetry, EncodeTarget, Pixel, Range, VideoFormat
from edge.ports import Encoder, Retarget
from tests.board.kit import Bytes, frame_of, run
from tests.raw_bars import bars_frame, patch_codes, patch_means

_SPS, _PPS, _IDR = 7, 8, 5
_TARGET = EncodeTarget(bitrate_bps=2_000_000, max_bitrate_bps=6_000_000)
_VIDEO = VideoFormat(320, 240, Fraction(30))
_PATCHES = ((63, 102, 240), (32, 240, 118), (173, 42, 26), (180, 128, 128), (16, 128, 128), (235, 128, 128))


# ffprobe's names of primaries, transfer and matrix
SIGNALLED = {
    Colorimetry.BT709: ("bt709", "bt709", "bt709"),
    Colorimetry.BT601: ("smpte170m", "smpte170m", "smpte170m"),
    Colorimetry.BT2020: ("bt2020", "bt2020-10", "bt2020nc"),
    Colorimetry.SYCC: ("bt709", "iec61966-2-1", "smpte170m"),
}


def nal_kinds(unit: Encoded) -> list[int]:
    return [nal_type(Codec.H264, unit.data[body]) for _, body in nal_offsets(unit.data)]


def sps_of(units: Sequence[Encoded]) -> set[bytes]:
    """The different sequence parameter sets in these units."""
    found = set()
    for unit in units:
        marks = [*nal_offsets(unit.data), (len(unit.data), len(unit.data))]
        for (_, body), (end, _) in pairwise(marks):
            if nal_type(Codec.H264, unit.data[body]) == _SPS:
                found.add(unit.data[body:end])
    return found


def busy_picture(video: VideoFormat, index: int) -> Bytes:
    """Blocks that move and a little noise: work for the rate control at any size."""
    rng = np.random.default_rng(7)
    blocks = rng.integers(40, 210, (video.height * 3 // 2 // 6 + 1, video.width // 4 + 1), dtype=np.uint8)
    whole = np.kron(blocks, np.ones((6, 4), np.uint8))[: video.height * 3 // 2, : video.width]
    noise = np.random.default_rng(index).integers(0, 12, whole.shape, dtype=np.uint8)
    return (np.roll(whole, 3 * index, axis=1) + noise).reshape(-1)


def patch_picture(video: VideoFormat) -> Bytes:
    """yuv420p: vertical stripes of known code values."""
    columns = np.arange(video.width) * len(_PATCHES) // video.width
    planes = []
    for index in range(3):
        values = np.array([patch[index] for patch in _PATCHES], np.uint8)[columns]
        height = video.height if index == 0 else video.height // 2
        planes.append(np.tile(values if index == 0 else values[::2], (height, 1)).reshape(-1))
    return np.concatenate(planes)


def _split(picture: Bytes, video: VideoFormat) -> tuple[Bytes, Bytes, Bytes]:
    """The planes of a flat yuv420p picture."""
    luma, half = video.width * video.height, (video.height // 2, video.width // 2)
    cb, cr = picture[luma : luma * 5 // 4], picture[luma * 5 // 4 :]
    return picture[:luma].reshape(video.height, video.width), cb.reshape(half), cr.reshape(half)


class EncoderContract:
    @pytest.fixture
    def opened(self, encoder: Encoder):  # type: ignore[no-untyped-def]
        encoder.open(_VIDEO, _TARGET)
        yield encoder
        encoder.close()

    def _encode(self, encoder: Encoder, count: int, *, first: int = 0, key_at: int = -1) -> list[Encoded]:
        units: list[Encoded] = []
        for index in range(first, first + count):
            frame = frame_of(busy_picture(_VIDEO, index), _VIDEO, index)
            units += encoder.encode(frame, force_key=index == key_at)
        return units

    def test_each_frame_gives_one_unit_at_once_with_its_own_time(self, opened: Encoder) -> None:
        for index in range(40):
            frame = frame_of(busy_picture(_VIDEO, index), _VIDEO, index)
            units = opened.encode(frame, force_key=False)
            assert [unit.pts for unit in units] == [pts_of(frame.stamps.captured_ns)]

    def test_first_unit_is_a_keyframe_and_the_next_comes_after_a_gop(self, opened: Encoder) -> None:
        keys = [index for index, unit in enumerate(self._encode(opened, 125)) if unit.key]
        assert keys == [0, 60, 120]

    def test_keyframe_on_demand_comes_with_that_very_frame(self, opened: Encoder) -> None:
        keys = [index for index, unit in enumerate(self._encode(opened, 20, key_at=13)) if unit.key]
        assert keys == [0, 13]

    def test_parameter_sets_stand_before_every_idr(self, opened: Encoder) -> None:
        for unit in self._encode(opened, 70, key_at=30):
            kinds = [kind for kind in nal_kinds(unit) if kind in (_SPS, _PPS, _IDR)]
            assert kinds[:3] == ([_SPS, _PPS, _IDR] if unit.key else [])

    def test_a_content_cut_alone_makes_no_keyframe(self, opened: Encoder) -> None:
        units = self._encode(opened, 5)
        black = np.full(_VIDEO.width * _VIDEO.height * 3 // 2, 20, np.uint8)
        units += opened.encode(frame_of(black, _VIDEO, 5), force_key=False)
        assert [unit.key for unit in units] == [True] + [False] * 5

    @pytest.mark.peer
    def test_ffmpeg_decodes_every_unit_without_a_word(self, opened: Encoder) -> None:
        stream = b"".join(unit.data for unit in self._encode(opened, 30, key_at=11))
        raw = run("ffmpeg", ["-v", "warning", "-f", "h264", "-i", "-", "-f", "rawvideo", "-"], stdin=stream)
        assert len(raw) == 30 * _VIDEO.width * _VIDEO.height * 3 // 2

    @pytest.mark.peer
    @pytest.mark.parametrize("reach", list(Range))
    @pytest.mark.parametrize("colorimetry", list(Colorimetry))
    def test_the_stream_says_what_its_colours_mean(
        self, encoder: Encoder, tmp_path: Path, colorimetry: Colorimetry, reach: Range
    ) -> None:
        video = replace(_VIDEO, colorimetry=colorimetry, range=reach)
        encoder.open(video, _TARGET)
        unit = encoder.encode(frame_of(patch_picture(video), video, 0), force_key=False)[0]
        (tmp_path / "one.h264").write_bytes(unit.data)
        shown = run("ffprobe", ["-v", "error", "-show_streams", "-of", "json", str(tmp_path / "one.h264")])
        stream = json.loads(shown)["streams"][0]
        assert tuple(stream[f"color_{part}"] for part in ("primaries", "transfer", "space")) == SIGNALLED[colorimetry]
        assert stream["color_range"] == ("tv" if reach is Range.LIMITED else "pc")
        assert stream["has_b_frames"] == 0
        assert stream["profile"] == "Constrained Baseline"

    @pytest.mark.peer
    @pytest.mark.parametrize("reach", list(Range))
    def test_colours_come_out_as_they_went_in(self, encoder: Encoder, reach: Range) -> None:
        video = replace(_VIDEO, range=reach)
        encoder.open(video, _TARGET)
        picture = patch_picture(video)
        units = [encoder.encode(frame_of(picture, video, index), force_key=False)[0] for index in range(10)]
        stream = b"".join(unit.data for unit in units)
        layout = "yuv420p" if reach is Range.LIMITED else "yuvj420p"
        raw = run(
            "ffmpeg", ["-v", "error", "-f", "h264", "-i", "-", "-pix_fmt", layout, "-f", "rawvideo", "-"], stdin=stream
        )
        last = np.frombuffer(raw, np.uint8)[-picture.size :]
        stripes = np.arange(len(_PATCHES)) * video.width // len(_PATCHES) + video.width // len(_PATCHES) // 2
        for column in stripes:
            for size, begin in self._planes(video):
                at = begin + (video.height // 2 * video.width + column if size == 1 else self._chroma_at(video, column))
                assert abs(int(last[at]) - int(picture[at])) <= 3

    @staticmethod
    def _planes(video: VideoFormat) -> list[tuple[int, int]]:
        luma = video.width * video.height
        return [(1, 0), (2, luma), (2, luma * 5 // 4)]

    @staticmethod
    def _chroma_at(video: VideoFormat, column: int) -> int:
        return video.height // 4 * (video.width // 2) + column // 2

    def test_bitrate_follows_a_live_retarget_both_ways_in_one_stream(self, encoder: Encoder) -> None:
        target = EncodeTarget(bitrate_bps=1_500_000, max_bitrate_bps=4_000_000)
        encoder.open(_VIDEO, target)
        everything: list[Encoded] = []
        for wanted in (1_500_000, 4_000_000, 800_000):
            assert encoder.retarget(replace(target, bitrate_bps=wanted)) is Retarget.LIVE
            units = self._encode(encoder, 150, first=len(everything))
            settled = units[45:]
            measured = sum(len(unit.data) for unit in settled) * 8 / (len(settled) / 30)
            assert abs(measured / wanted - 1) < 0.2, f"{measured:.0f} bit/s instead of {wanted}"
            everything += units
        assert len(sps_of(everything)) == 1
        assert sum(unit.key for unit in everything) == -(-450 // 60)

    def test_a_rate_above_the_ceiling_or_another_gop_needs_a_new_epoch(self, opened: Encoder) -> None:
        assert opened.retarget(EncodeTarget(7_000_000, 9_000_000)) is Retarget.NEEDS_NEW_EPOCH
        assert opened.retarget(replace(_TARGET, gop_s=1.0)) is Retarget.NEEDS_NEW_EPOCH

    @pytest.mark.peer
    def test_nothing_is_kept_of_a_frame_after_encode(self, opened: Encoder) -> None:
        buffer = np.empty(_VIDEO.width * _VIDEO.height * 3 // 2, np.uint8)
        stream = b""
        for index in range(12):
            buffer[:] = busy_picture(_VIDEO, index)
            frame = frame_of(buffer, _VIDEO, index)
            stream += b"".join(unit.data for unit in opened.encode(frame, force_key=False))
            frame.lease.release()
            buffer[:] = 255
        raw = run("ffmpeg", ["-v", "error", "-f", "h264", "-i", "-", "-f", "rawvideo", "-"], stdin=stream)
        for index, picture in enumerate(np.frombuffer(raw, np.uint8).reshape(12, -1)):
            error = picture.astype(np.int16) - busy_picture(_VIDEO, index)
            assert np.abs(error).mean() < 10

    @pytest.mark.parametrize(
        ("video", "target", "complaint"),
        [
            (replace(_VIDEO, width=321), _TARGET, "321x240"),
            (replace(_VIDEO, height=0), _TARGET, "320x0"),
            (replace(_VIDEO, fps=Fraction(0)), _TARGET, "0 frames/s"),
            (_VIDEO, EncodeTarget(0, 1_000_000), "bitrate 0"),
            (_VIDEO, EncodeTarget(2_000_000, 1_000_000), "bitrate 2000000"),
        ],
    )
    def test_what_it_cannot_encode_is_not_supported(
        self, encoder: Encoder, video: VideoFormat, target: EncodeTarget, complaint: str
    ) -> None:
        with pytest.raises(NotSupported, match=complaint):
            encoder.open(video, target)

    @pytest.mark.peer
    @pytest.mark.parametrize("first", list(Pixel))
    def test_frames_of_every_layout_go_through_one_set_up_with_their_colours(
        self, encoder: Encoder, first: Pixel
    ) -> None:
        video = replace(_VIDEO, pixel=first)
        encoder.open(video, EncodeTarget(20_000_000, 20_000_000))
        shapes = [replace(video, pixel=pixel, range=Range.LIMITED) for pixel in (first, *Pixel, first)]
        units = [encoder.encode(bars_frame(shape, index), force_key=False)[0] for index, shape in enumerate(shapes)]
        assert [unit.key for unit in units] == [True] + [False] * (len(units) - 1)
        assert len(sps_of(units)) == 1
        stream = b"".join(unit.data for unit in units)
        raw = run("ffmpeg", ["-v", "error", "-f", "h264", "-i", "-", "-f", "rawvideo", "-"], stdin=stream)
        for picture in np.frombuffer(raw, np.uint8).reshape(len(units), -1):
            found = patch_means(_split(picture, video), video.width, video.height)
            assert np.abs(found - patch_codes(video)).max() <= 3

    def test_full_range_rgb_shares_the_set_up_of_limited_yuv(self, opened: Encoder) -> None:
        video = replace(_VIDEO, pixel=Pixel.BGR24, range=Range.FULL)
        assert opened.encode(bars_frame(video), force_key=False)[0].key
        assert not opened.encode(bars_frame(_VIDEO, 1), force_key=False)[0].key

    @pytest.mark.parametrize(
        ("other", "named"),
        [
            (replace(_VIDEO, width=640), "640"),
            (replace(_VIDEO, fps=Fraction(25)), "25"),
            (replace(_VIDEO, range=Range.FULL), "full"),
            (replace(_VIDEO, pixel=Pixel.UYVY422, colorimetry=Colorimetry.BT601), "bt601"),
        ],
    )
    def test_a_frame_of_another_shape_or_colour_is_a_fault(
        self, opened: Encoder, other: VideoFormat, named: str
    ) -> None:
        with pytest.raises(Fault, match=named):
            opened.encode(bars_frame(other), force_key=False)

    def test_it_opens_again_for_another_format(self, opened: Encoder) -> None:
        other = replace(_VIDEO, width=480)
        opened.open(other, _TARGET)
        assert opened.encode(frame_of(busy_picture(other, 0), other, 0), force_key=False)[0].key

    def test_encoding_before_open_or_after_close_is_a_fault(self, encoder: Encoder) -> None:
        frame = frame_of(busy_picture(_VIDEO, 0), _VIDEO, 0)
        with pytest.raises(Fault):
            encoder.encode(frame, force_key=False)
        encoder.open(_VIDEO, _TARGET)
        encoder.close()
        encoder.close()
        with pytest.raises(Fault):
            encoder.encode(frame, force_key=False)
