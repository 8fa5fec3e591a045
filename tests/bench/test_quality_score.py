from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest

from edge.model.frame import Plane
from edge.model.video import VideoFormat
from tests.bench.quality_score import Bytes, Scoring
from tests.contract.encoder_contract import busy_picture

_VIDEO = VideoFormat(128, 96, Fraction(30))
_LUMA = _VIDEO.width * _VIDEO.height


def _planes(flat: Bytes, video: VideoFormat = _VIDEO) -> list[Plane]:
    luma, quarter, half = video.width * video.height, video.width * video.height // 4, video.width // 2
    parts = ((flat[:luma], video.width), (flat[luma : luma + quarter], half), (flat[luma + quarter :], half))
    return [Plane(part.data, stride) for part, stride in parts]


def test_what_is_unchanged_has_no_error() -> None:
    scoring = Scoring(_VIDEO)
    picture = busy_picture(_VIDEO, 0)
    scoring.take(picture, _planes(picture), _VIDEO)
    assert (scoring.score.psnr_db, scoring.score.ssim) == (math.inf, 1.0)


def test_the_psnr_is_that_of_the_mean_error_of_luma() -> None:
    """By the definition: 10 log10(255^2 / mean squared error), here of one picture two off and one unchanged."""
    scoring = Scoring(_VIDEO)
    picture = busy_picture(_VIDEO, 0)
    brighter = picture.copy()
    brighter[:_LUMA] += 2
    brighter[_LUMA:] += 9  # colour does not count
    scoring.take(picture, _planes(brighter), _VIDEO)
    scoring.take(picture, _planes(picture), _VIDEO)
    seen = scoring.score
    assert seen.psnr_db == pytest.approx(10 * math.log10(255**2 / 2), abs=0.01)
    assert seen.worst_db == pytest.approx(10 * math.log10(255**2 / 4), abs=0.01)
    assert seen.ssim < 1


def test_only_what_is_inside_the_mask_counts_as_inside() -> None:
    inside = np.zeros((_VIDEO.height, _VIDEO.width), bool)
    inside[:, 64:] = True
    picture = busy_picture(_VIDEO, 0)
    wrong_outside = picture.copy()
    wrong_outside[:_LUMA].reshape(inside.shape)[~inside] += 10
    scoring = Scoring(_VIDEO, inside=inside)
    scoring.take(picture, _planes(wrong_outside), _VIDEO)
    assert scoring.score.inside_db == math.inf
    assert scoring.score.psnr_db < 40


def test_a_smaller_picture_is_compared_in_the_originals_size() -> None:
    small = VideoFormat(64, 48, Fraction(30))
    grey = np.full(_LUMA * 3 // 2, 120, np.uint8)
    scoring = Scoring(_VIDEO)
    scoring.take(grey, _planes(np.full(64 * 48 * 3 // 2, 120, np.uint8), small), small)
    assert scoring.score.psnr_db == math.inf
