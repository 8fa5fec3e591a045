"""What every Encoder must do, of H.264 or H.265. Subclass it and give an `encoder` fixture (not open)."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from fractions import Fraction
from functools import cache
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from edge.model.annexb import is_idr, is_slice, nal_offsets, nal_type
from edge.model.errors import EncoderFailed, Fault, NotSupported
from edge.model.frame import Encoded, pts_of
from edge.model.video import Codec, Colorimetry, EncodeTarget, Pixel, Range, Refresh, Trait, VideoFormat
from edge.ports import Encoder, Retarget
from tests.board.kit import Bytes, frame_of, run
from tests.raw_bars import bars_frame, patch_codes, patch_means

_SETS = {Codec.H264: [7, 8], Codec.H265: [32, 33, 34]}  # SPS, PPS; VPS, SPS, PPS
_SPS = {Codec.H264: 7, Codec.H265: 33}
_FFMPEG = {Codec.H264: "h264", Codec.H265: "hevc"}
_TARGET = EncodeTarget(bitrate_bps=2_000_000, max_bitrate_bps=6_000_000)
_VIDEO = VideoFormat(320, 240, Fraction(30))
_PATCHES = ((63, 102, 240), (32, 240, 118), (173, 42, 26), (180, 128, 128), (16, 128, 128), (235, 128, 128))
_LIVE_BPS = (1_500_000, 4_000_000, 800_000, 3_000_000)


# ffprobe's names of primaries, transfer and matrix
SIGNALLED = {
    Colorimetry.BT709: ("bt709", "bt709", "bt709"),
    Colorimetry.BT601: ("smpte170m", "smpte170m", "smpte170m"),
    Colorimetry.BT2020: ("bt2020", "bt2020-10", "bt2020nc"),
    Colorimetry.SYCC: ("bt709", "iec61966-2-1", "smpte170m"),
}


def nal_kinds(codec: Codec, unit: Encoded) -> list[int]:
    return [nal_type(codec, unit.data[body]) for _, body in nal_offsets(unit.data)]


def sps_of(codec: Codec, units: Sequence[Encoded]) -> set[bytes]:
    """The different sequence parameter sets in these units."""
    found = set()
    for unit in units:
        marks = [*nal_offsets(unit.data), (len(unit.data), len(unit.data))]
        for (_, body), (end, _) in pairwise(marks):
            if nal_type(codec, unit.data[body]) == _SPS[codec]:
                found.add(unit.data[body:end])
    return found


def bits_per_second(units: Sequence[Encoded], video: VideoFormat) -> float:
    return sum(len(unit.data) for unit in units) * 8 / (len(units) / float(video.fps))


def fullest_bits(units: Sequence[Encoded], bits_per_frame: float) -> float:
    """How full a leaky bucket gets that these units flow into: what CBR's buffer must hold."""
    level = fullest = 0.0
    for unit in units:
        level += len(unit.data) * 8
        fullest = max(fullest, level)
        level = max(0.0, level - bits_per_frame)
    return fullest


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


@cache
def busy_frame_bytes(index: int) -> Bytes:
    return busy_picture(_VIDEO, index)


class EncoderContract:
    """`profile`: as ffprobe names it. `traits`: exactly what the encoder says it can.

    `rate_error` and `settle_s`: how near a busy picture's bitrate comes to what was asked, and how soon.
    `obeys_buffer`: whether `vbv_frames` reaches the encoder at all.
    """

    codec = Codec.H264
    profile = "Constrained Baseline"
    traits: frozenset[Trait] = frozenset()
    rate_error = 0.1
    obeys_buffer = True
    settle_s = 0.5

    def break_down(self, encoder: Encoder) -> None:
        """Do something to that open encoder after which its library, element or driver refuses the next picture."""
        raise NotImplementedError

    @pytest.fixture
    def opened(self, encoder: Encoder) -> Iterator[Encoder]:
        encoder.open(_VIDEO, _TARGET)
        yield encoder
        encoder.close()

    def _encode(self, encoder: Encoder, count: int, *, first: int = 0, key_at: int = -1) -> list[Encoded]:
        units: list[Encoded] = []
        for index in range(first, first + count):
            frame = frame_of(busy_frame_bytes(index), _VIDEO, index)
            units += encoder.encode(frame, force_key=index == key_at)
        return units

    def _decode(self, units: Sequence[Encoded], *, layout: str = "yuv420p", level: str = "warning") -> Bytes:
        """The pictures as ffmpeg sees them, one row of bytes each; it must not have said a word of that `level`."""
        reading = ["-v", level, "-f", _FFMPEG[self.codec], "-i", "-"]
        writing = ["-pix_fmt", layout, "-f", "rawvideo", "-"]
        raw = run("ffmpeg", [*reading, *writing], stdin=b"".join(unit.data for unit in units))
        return np.frombuffer(raw, np.uint8).reshape(-1, _VIDEO.width * _VIDEO.height * 3 // 2)

    def test_it_says_what_it_is(self, encoder: Encoder) -> None:
        assert encoder.name
        assert (encoder.codec, encoder.traits) == (self.codec, self.traits)

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
        sets = _SETS[self.codec]
        for unit in self._encode(opened, 70, key_at=30):
            kinds = [kind for kind in nal_kinds(self.codec, unit) if kind in sets or is_slice(self.codec, kind)]
            assert unit.key == any(is_idr(self.codec, kind) for kind in kinds)
            assert kinds[: len(sets)] == sets or not unit.key

    def test_a_content_cut_alone_makes_no_keyframe(self, opened: Encoder) -> None:
        units = self._encode(opened, 5)
        black = np.full(_VIDEO.width * _VIDEO.height * 3 // 2, 20, np.uint8)
        units += opened.encode(frame_of(black, _VIDEO, 5), force_key=False)
        assert [unit.key for unit in units] == [True] + [False] * 5

    @pytest.mark.peer
    def test_ffmpeg_decodes_every_unit_without_a_word(self, opened: Encoder) -> None:
        assert len(self._decode(self._encode(opened, 30, key_at=11))) == 30

    @pytest.mark.peer
    @pytest.mark.parametrize("reach", list(Range))
    @pytest.mark.parametrize("colorimetry", list(Colorimetry))
    def test_the_stream_says_what_its_colours_mean(
        self, encoder: Encoder, tmp_path: Path, colorimetry: Colorimetry, reach: Range
    ) -> None:
        video = replace(_VIDEO, colorimetry=colorimetry, range=reach)
        encoder.open(video, _TARGET)
        unit = encoder.encode(frame_of(patch_picture(video), video, 0), force_key=False)[0]
        stream_file = tmp_path / f"one.{_FFMPEG[self.codec]}"
        stream_file.write_bytes(unit.data)
        shown = run("ffprobe", ["-v", "error", "-show_streams", "-of", "json", str(stream_file)])
        stream = json.loads(shown)["streams"][0]
        assert tuple(stream[f"color_{part}"] for part in ("primaries", "transfer", "space")) == SIGNALLED[colorimetry]
        assert stream["color_range"] == ("tv" if reach is Range.LIMITED else "pc")
        assert stream["has_b_frames"] == 0
        assert (stream["codec_name"], stream["profile"]) == (_FFMPEG[self.codec], self.profile)

    @pytest.mark.peer
    @pytest.mark.parametrize("reach", list(Range))
    def test_colours_come_out_as_they_went_in(self, encoder: Encoder, reach: Range) -> None:
        video = replace(_VIDEO, range=reach)
        encoder.open(video, _TARGET)
        picture = patch_picture(video)
        units = [encoder.encode(frame_of(picture, video, index), force_key=False)[0] for index in range(10)]
        last = self._decode(units, layout="yuv420p" if reach is Range.LIMITED else "yuvj420p", level="error")[-1]
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

    def test_a_busy_picture_gets_the_bitrate_that_was_asked_for(self, encoder: Encoder) -> None:
        encoder.open(_VIDEO, replace(_TARGET, bitrate_bps=1_500_000))
        self._assert_rate(self._encode(encoder, 90), 1_500_000)

    def _assert_rate(self, units: Sequence[Encoded], wanted_bps: int) -> None:
        """That they come near it once the encoder has settled."""
        measured = bits_per_second(units[round(self.settle_s * _VIDEO.fps) :], _VIDEO)
        assert abs(measured / wanted_bps - 1) <= self.rate_error, f"{measured:.0f} bit/s instead of {wanted_bps}"

    def test_a_change_of_bitrate_is_live_in_one_stream_or_needs_a_new_epoch(self, encoder: Encoder) -> None:
        target = EncodeTarget(bitrate_bps=_LIVE_BPS[0], max_bitrate_bps=max(_LIVE_BPS))
        encoder.open(_VIDEO, target)
        if Trait.LIVE_BITRATE not in encoder.traits:
            assert encoder.retarget(replace(target, bitrate_bps=_LIVE_BPS[1])) is Retarget.NEEDS_NEW_EPOCH
            self._assert_rate(self._encode(encoder, 75), _LIVE_BPS[0])
            return
        everything: list[Encoded] = []
        for wanted in _LIVE_BPS:
            assert encoder.retarget(replace(target, bitrate_bps=wanted)) is Retarget.LIVE
            units = self._encode(encoder, 75, first=len(everything))
            self._assert_rate(units, wanted)
            everything += units
        assert len(sps_of(self.codec, everything)) == 1
        assert sum(unit.key for unit in everything) == len(everything) // 60

    def test_a_retarget_to_what_it_has_already_needs_no_new_epoch(self, opened: Encoder) -> None:
        assert opened.retarget(_TARGET) is Retarget.LIVE

    @pytest.mark.parametrize(
        "target",
        [
            EncodeTarget(7_000_000, 9_000_000),
            replace(_TARGET, bitrate_bps=0),
            replace(_TARGET, gop_s=1.0),
            replace(_TARGET, vbv_frames=2.0),
        ],
    )
    def test_a_rate_above_the_ceiling_or_another_gop_or_buffer_needs_a_new_epoch(
        self, opened: Encoder, target: EncodeTarget
    ) -> None:
        assert opened.retarget(target) is Retarget.NEEDS_NEW_EPOCH

    @pytest.mark.parametrize("vbv_frames", [2.0, 4.0])
    def test_what_it_puts_out_fits_the_buffer_keyframes_included(self, encoder: Encoder, vbv_frames: float) -> None:
        """A leaky bucket of that size, emptied at the bitrate, does not run over by more than a tenth."""
        rate = 1_500_000
        encoder.open(_VIDEO, EncodeTarget(rate, rate, gop_s=1.0, vbv_frames=vbv_frames))
        per_frame = rate / float(_VIDEO.fps)
        units = self._encode(encoder, 90, key_at=45)
        kept = fullest_bits(units, per_frame) <= 1.1 * vbv_frames * per_frame
        assert kept is self.obeys_buffer

    @pytest.mark.peer
    def test_with_intra_refresh_only_the_first_and_those_asked_for_are_keyframes(self, encoder: Encoder) -> None:
        encoder.open(_VIDEO, replace(_TARGET, refresh=Refresh.INTRA, gop_s=1.0))
        units = self._encode(encoder, 100, key_at=70)
        keys = [index for index, unit in enumerate(units) if unit.key]
        if Trait.INTRA_REFRESH not in encoder.traits:
            assert keys == [0, 30, 60, 70]
            return
        assert keys == [0, 70]
        whole = self._decode(units)
        assert len(whole) == len(units)
        assert (self._decode(units[70:]) == whole[70:]).all(), "a receiver that joins at a keyframe sees the same"

    @pytest.mark.peer
    def test_intra_refresh_heals_what_a_lost_unit_broke_within_two_turns(self, encoder: Encoder) -> None:
        encoder.open(_VIDEO, replace(_TARGET, refresh=Refresh.INTRA, gop_s=0.5))
        if Trait.INTRA_REFRESH not in encoder.traits:
            return
        units = self._encode(encoder, 20 + 2 * 15 + 2)
        whole = self._decode(units).astype(np.int16)
        broken = self._decode(units[:20] + units[21:], level="quiet")
        assert np.abs(broken[20] - whole[21]).mean() > 1, "the loss was not seen"
        assert np.abs(broken[-1] - whole[-1]).mean() < 0.1

    @pytest.mark.peer
    def test_slices_are_as_many_as_asked_for_in_one_unit(self, encoder: Encoder) -> None:
        encoder.open(_VIDEO, replace(_TARGET, slices=3))
        units = self._encode(encoder, 10, key_at=5)
        counts = {sum(is_slice(self.codec, kind) for kind in nal_kinds(self.codec, unit)) for unit in units}
        assert len(units) == len(self._decode(units)) == 10
        assert counts == {3} or Trait.SLICES not in encoder.traits

    def test_a_breakdown_is_encoder_failed_by_name_and_opening_anew_mends_it(self, opened: Encoder) -> None:
        self._encode(opened, 3)
        self.break_down(opened)
        with pytest.raises(EncoderFailed, match=opened.name):
            self._encode(opened, 1, first=3)
        opened.open(_VIDEO, _TARGET)
        assert [unit.key for unit in self._encode(opened, 2, first=4)] == [True, False]

    @pytest.mark.peer
    def test_nothing_is_kept_of_a_frame_after_encode(self, opened: Encoder) -> None:
        buffer = np.empty(_VIDEO.width * _VIDEO.height * 3 // 2, np.uint8)
        units: list[Encoded] = []
        for index in range(12):
            buffer[:] = busy_picture(_VIDEO, index)
            frame = frame_of(buffer, _VIDEO, index)
            units += opened.encode(frame, force_key=False)
            frame.lease.release()
            buffer[:] = 255
        for index, picture in enumerate(self._decode(units)):
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
        assert len(sps_of(self.codec, units)) == 1
        for picture in self._decode(units):
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
