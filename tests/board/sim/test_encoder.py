from __future__ import annotations

import pytest

from board.av.x264 import X264Encoder
from board.sim.encoder import SimEncoder
from board.sim.encoder_trouble import EncoderFault, EncoderTrouble
from edge.model.annexb import first_slice_offset
from edge.model.errors import EncoderFailed, Invalid
from edge.model.video import Codec, EncodeTarget, Trait
from edge.ports import Encoder
from tests.contract.encoder_contract import EncoderContract
from tests.fakes import SMALL, FakeClock, make_frame

TARGET = EncodeTarget(1_000_000, 2_000_000)


class _Bench:
    def __init__(self) -> None:
        self.clock = FakeClock()
        self.slept: list[float] = []
        self.trouble = EncoderTrouble(clock=self.clock)
        self.encoder = SimEncoder(inner=X264Encoder(), trouble=self.trouble, sleep=self.slept.append)
        self.encoder.open(SMALL, TARGET)

    def encode(self) -> bytes:
        self.clock.advance(20)
        [unit] = self.encoder.encode(make_frame(self.clock), force_key=False)
        return unit.data


class _ClockThatPasses(FakeClock):
    """A second goes by with each look."""

    def mono_ns(self) -> int:
        self.now_ns += 1_000_000_000
        return self.now_ns


class TestSimEncoder(EncoderContract):
    traits = frozenset(Trait)

    @pytest.fixture
    def encoder(self) -> Encoder:
        self.trouble = EncoderTrouble(clock=_ClockThatPasses())
        return SimEncoder(inner=X264Encoder(), trouble=self.trouble)

    def break_down(self, encoder: Encoder) -> None:
        self.trouble.fault("encoder_fails", 1.5)  # for the next picture alone


def test_it_works_until_it_is_told_otherwise() -> None:
    bench = _Bench()
    assert first_slice_offset(Codec.H264, bench.encode()) is not None
    assert (bench.encoder.name, bench.encoder.hardware) == ("sim-x264", False)


@pytest.mark.parametrize(
    ("fault", "code"), [("encoder_fails", "encoder_failed"), ("encoder_stalls", "encoder_stalled")]
)
def test_told_to_break_down_it_does_so_for_as_long_as_it_is_told(fault: str, code: str) -> None:
    bench = _Bench()
    bench.trouble.fault(fault, 3.0)
    with pytest.raises(EncoderFailed) as caught:
        bench.encode()
    assert caught.value.code == code
    bench.clock.advance(3000)
    assert bench.encode()


def test_a_stall_is_noticed_at_the_deadline() -> None:
    bench = _Bench()
    bench.trouble.fault("encoder_stalls", None)
    with pytest.raises(EncoderFailed, match=r"within 0\.5 s"):
        bench.encode()
    assert bench.slept == [0.5]


def test_garbage_holds_no_picture() -> None:
    bench = _Bench()
    bench.trouble.fault("encoder_garbage", None)
    assert first_slice_offset(Codec.H264, bench.encode()) is None


def test_slow_still_works() -> None:
    bench = _Bench()
    bench.trouble.fault("encoder_slow", None)
    assert bench.encode()
    assert len(bench.slept) == 1


def test_while_it_fails_it_does_not_open() -> None:
    bench = _Bench()
    bench.trouble.fault("encoder_fails", None)
    with pytest.raises(EncoderFailed, match="told not to open"):
        bench.encoder.open(SMALL, TARGET)
    bench.trouble.fault("encoder_ok", None)
    bench.encoder.open(SMALL, TARGET)


@pytest.mark.parametrize(
    ("kind", "seconds", "words"),
    [("encoder_explodes", None, "encoder_fails, encoder_stalls"), ("encoder_fails", -1.0, "above 0"), ("", None, "''")],
)
def test_a_fault_that_cannot_be_is_refused(kind: str, seconds: float | None, words: str) -> None:
    with pytest.raises(Invalid, match=words):
        _Bench().trouble.fault(kind, seconds)


def test_it_knows_its_own_faults() -> None:
    trouble = _Bench().trouble
    assert all(trouble.knows(fault) for fault in EncoderFault)
    assert not trouble.knows("no_signal")
