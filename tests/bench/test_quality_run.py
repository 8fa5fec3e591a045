from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction

import pytest

from board.av.x264 import X264Encoder
from edge.model.frame import Encoded, Frame
from edge.model.video import EncodeTarget, VideoFormat
from tests.bench.quality_run import encode, score
from tests.contract.encoder_contract import busy_picture

_VIDEO = VideoFormat(320, 240, Fraction(30))
_TARGET = EncodeTarget(2_000_000, 6_000_000)
_PICTURES = [busy_picture(_VIDEO, index) for index in range(30)]


class _Late(X264Encoder):
    """Gives each unit out two pictures late, as a pipeline does."""

    def __init__(self) -> None:
        super().__init__()
        self._held: list[Encoded] = []

    def encode(self, frame: Frame, *, force_key: bool) -> Sequence[Encoded]:
        self._held += super().encode(frame, force_key=force_key)
        ready, self._held = self._held[:-2], self._held[-2:]
        return ready


def test_a_run_says_the_bit_rate_and_sizes_of_what_came_out() -> None:
    coded = encode(X264Encoder, _PICTURES, _VIDEO, _TARGET)
    assert len(coded.units) == 30
    assert coded.bps == pytest.approx(8 * len(coded.stream))  # thirty pictures are one second
    assert coded.mean <= coded.largest == max(coded.sizes[1:])
    assert coded.delay == 0
    assert coded.cpu_ms > 0


def test_a_unit_that_comes_late_shows_as_delay() -> None:
    assert encode(_Late, _PICTURES[:8], _VIDEO, _TARGET).delay == 2


def test_more_bits_score_higher() -> None:
    few, many = (
        score(encode(X264Encoder, _PICTURES, _VIDEO, EncodeTarget(rate, rate)), _PICTURES, _VIDEO)
        for rate in (500_000, 6_000_000)
    )
    assert few.psnr_db + 3 < many.psnr_db < math.inf
    assert few.ssim < many.ssim
    assert few.worst_db <= few.psnr_db
