"""What tests of the memory-to-memory encoder share: the client on a driver made of Python."""

from __future__ import annotations

from collections.abc import Callable

from board.av.planes import PlaneIntake
from board.v4l2.encoder import V4l2Encoder
from edge.model.board import EncoderFact, EncoderKind
from edge.model.video import VideoFormat
from tests.board.v4l2.drivers.kernel import FakeKernel

BCM2835 = EncoderFact(
    "bcm2835", EncoderKind.V4L2M2M, hardware=True, driver="bcm2835-codec", card="bcm2835-codec-encode"
)
ANY = EncoderFact("m2m", EncoderKind.V4L2M2M, hardware=True)


def encoder_on(
    kernel: FakeKernel,
    fact: EncoderFact = BCM2835,
    *,
    finish: Callable[[bytes, VideoFormat], bytes] = lambda data, video: data,
) -> V4l2Encoder:
    return V4l2Encoder(fact, kernel=kernel, clock=kernel.clock, intake_for=PlaneIntake, finish=finish)
