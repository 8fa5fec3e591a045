from __future__ import annotations

from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from board.sim.cadence import Cadence

_RATES = st.sampled_from([Fraction(24000, 1001), Fraction(25), Fraction(50), Fraction(60000, 1001), Fraction(60)])


@given(fps=_RATES, index=st.integers(0, 10**9), start_ns=st.integers(0, 10**15))
def test_a_frame_is_due_at_its_deadline_and_not_before(fps: Fraction, index: int, start_ns: int) -> None:
    cadence = Cadence(fps, start_ns=start_ns)
    due_ns = cadence.due_ns(index)
    assert cadence.newest_due(due_ns) == index
    assert cadence.newest_due(due_ns - 1) == index - 1


def test_a_day_at_59_94_does_not_drift() -> None:
    cadence = Cadence(Fraction(60000, 1001), start_ns=7)
    assert cadence.due_ns(60000 * 86) == 7 + 1001 * 86 * 1_000_000_000
