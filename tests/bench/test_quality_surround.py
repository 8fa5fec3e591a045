from __future__ import annotations

from fractions import Fraction

import numpy as np

from board.av.x264 import X264
from edge.model.video import VideoFormat
from tests.bench.quality_clip import endoscope
from tests.bench.quality_field import field_of
from tests.bench.quality_run import Coded, Framed, encode, score
from tests.bench.quality_setting import target
from tests.bench.quality_surround import Told, adaptive, cropped, painted, strips
from tests.board.kit import frame_of

_VIDEO = VideoFormat(640, 368, Fraction(60))
_CIRCLE = field_of(_VIDEO)
_CLIP = endoscope(12, video=_VIDEO)
_INSIDE = _CIRCLE.mask(_VIDEO.width, _VIDEO.height)


def test_the_strips_cover_the_circle_and_leave_most_of_the_surround() -> None:
    covered = np.zeros_like(_INSIDE)
    for part in strips(_CIRCLE, _VIDEO):
        assert part.within(_VIDEO.width, _VIDEO.height)
        covered[part.y : part.y + part.height, part.x : part.x + part.width] = True
    assert covered[_INSIDE].all()
    assert covered[~_INSIDE].mean() < 0.25


def test_painting_changes_the_surround_alone() -> None:
    before, after = _CLIP.pictures[0][: _INSIDE.size], painted(_CLIP, _CIRCLE).pictures[0][: _INSIDE.size]
    flat = _INSIDE.reshape(-1)
    assert np.array_equal(before[flat], after[flat])
    assert np.all(after[~flat] == 16)


def test_cropping_keeps_the_square_around_the_field() -> None:
    square, box = cropped(_CLIP, _CIRCLE), _CIRCLE.box
    luma = _CLIP.pictures[3][: _INSIDE.size].reshape(_INSIDE.shape)
    small = square.pictures[3][: box.width * box.height].reshape(box.height, box.width)
    assert np.array_equal(small, luma[box.y : box.y + box.height, box.x : box.x + box.width])
    assert square.inside is not None
    assert square.inside.sum() == _INSIDE.sum()


def test_an_encoder_with_adaptive_quantisation_obeys_a_region_of_interest() -> None:
    """What is measured is real: the surround is coded coarser."""

    def outside_db(framed: Framed) -> float:
        coded: Coded = encode(adaptive(X264, on=True), _CLIP.pictures, _VIDEO, target(8_000_000), framed=framed)
        return score(coded, _CLIP.pictures, _VIDEO, inside=~_INSIDE).inside_db

    assert outside_db(Told(_VIDEO, _CIRCLE)) < outside_db(frame_of) - 3
