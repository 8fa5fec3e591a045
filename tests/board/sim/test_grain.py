from __future__ import annotations

from fractions import Fraction

import numpy as np

from board.sim.picture import Moment, Pattern
from edge.model.video import VideoFormat
from tests.board.kit import UTC_0_NS, BlockPainter


def lumas(grain: int, counters: tuple[int, ...]) -> list[np.ndarray]:
    """At one and the same time, so that nothing but counter and noise differ."""
    pattern = Pattern(format=VideoFormat(640, 360, Fraction(30)), painter=BlockPainter(), grain=grain)
    sheet = pattern.sheet()
    found = []
    for counter in counters:
        pattern.draw(sheet, Moment(UTC_0_NS, counter))
        found.append(sheet.luma.copy())
    return found


def test_lower_part_is_new_in_every_frame_and_no_stronger_than_asked() -> None:
    [still] = lumas(0, (0,))
    one, next_ = lumas(9, (0, 1))
    below = slice(int(360 * 0.64), None)
    assert (one[below] != next_[below]).mean() > 0.8
    noise = one[below].astype(int) - still[below]
    assert (noise.min(), noise.max()) == (-9, 9)
    assert abs(noise.mean()) < 0.1


def test_upper_part_stays_as_it_is_without_grain() -> None:
    [still], [one] = lumas(0, (3,)), lumas(9, (3,))
    above = slice(0, int(360 * 0.64))
    assert (one[above] == still[above]).all()


def test_same_counter_gets_the_same_noise_in_another_pattern() -> None:
    assert (lumas(9, (5,))[0] == lumas(9, (1, 5))[1]).all()
