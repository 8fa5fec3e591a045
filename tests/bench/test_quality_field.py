from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import numpy as np

from edge.model.video import VideoFormat
from tests.bench.quality_field import Bytes, EndoscopeView, field_of

_VIDEO = VideoFormat(640, 360, Fraction(60))
_INSIDE = field_of(_VIDEO).mask(_VIDEO.width, _VIDEO.height)


def _luma(picture: Bytes, video: VideoFormat = _VIDEO) -> Bytes:
    return picture[: video.width * video.height].reshape(video.height, video.width)


def test_the_same_picture_is_drawn_each_time() -> None:
    assert np.array_equal(EndoscopeView(_VIDEO).picture(7), EndoscopeView(_VIDEO).picture(7))


def test_a_picture_is_flat_yuv420p() -> None:
    video = replace(_VIDEO, width=960, height=540)
    assert EndoscopeView(video).picture(0).shape == (960 * 540 * 3 // 2,)


def test_the_field_is_bright_and_red_and_the_surround_black() -> None:
    picture = EndoscopeView(_VIDEO).picture(0)
    luma, red = _luma(picture), picture[-_VIDEO.width * _VIDEO.height // 4 :].reshape(180, 320)
    empty = luma[:, 600:]
    assert luma[_INSIDE].mean() > 80
    assert 16 < empty.mean() < 18
    assert red[_INSIDE[::2, ::2]].mean() > 145
    assert np.all(red[:, 300:] == 128)


def test_the_surround_is_as_noisy_as_asked() -> None:
    for asked in (0.8, 2.5):
        corner = _luma(EndoscopeView(_VIDEO, surround_noise=asked).picture(0))[:, 600:]
        assert abs(corner.std() - asked) < 0.3


def test_everything_in_the_field_moves() -> None:
    view = EndoscopeView(_VIDEO)
    before, after = (_luma(view.picture(index)).astype(int) for index in (0, 30))
    changed = np.abs(after - before) > 6
    assert changed[_INSIDE].mean() > 0.4


def test_letters_stand_in_the_surround_and_the_time_runs() -> None:
    view = EndoscopeView(_VIDEO)
    first, later = (_luma(view.picture(index))[:, :100].astype(int) for index in (0, 60))
    assert first.max() > 200
    changed = np.abs(later - first).max(axis=1) > 100
    assert changed.any()
    assert not changed[: _VIDEO.height // 5].any(), "only the line with the time changes"
