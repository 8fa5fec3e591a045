"""The encoder contract on the memory-to-memory client over a driver made of Python."""

from __future__ import annotations

import errno
from dataclasses import replace

import pytest

from board.v4l2.abi.codes import Cid
from board.v4l2.abi.requests import Vidioc
from edge.model.sps_vui import say_colours
from edge.model.video import Trait
from edge.ports import Encoder
from tests.board.kit import HandClock
from tests.board.v4l2.drivers.bcm2835_codec import add_bcm2835_codec, without
from tests.board.v4l2.drivers.kernel import FakeKernel
from tests.board.v4l2.m2m_kit import ANY, encoder_on
from tests.contract.encoder_contract import EncoderContract


class M2mEncoderContract(EncoderContract):
    traits = frozenset((Trait.LIVE_BITRATE,))
    rate_error = 0.25  # of libx264 inside the driver, which is slow to take a higher rate
    obeys_buffer = False  # bcm2835-codec has no control for it

    @pytest.fixture
    def kernel(self) -> FakeKernel:
        self._kernel = FakeKernel(clock=HandClock())
        return self._kernel

    def break_down(self, encoder: Encoder) -> None:
        self._kernel.fail(Vidioc.QBUF, errno.EIO)


class TestBcm2835(M2mEncoderContract):
    @pytest.fixture
    def encoder(self, kernel: FakeKernel) -> Encoder:
        add_bcm2835_codec(kernel)
        return encoder_on(kernel)


class TestBcm2835ThatSaysNoColours(M2mEncoderContract):
    @pytest.fixture
    def encoder(self, kernel: FakeKernel) -> Encoder:
        add_bcm2835_codec(kernel).moods.says_colours = False
        return encoder_on(kernel, finish=say_colours)


class TestNv12OnlySinglePlanar(M2mEncoderContract):
    """Another make: it takes nothing but NV12, rounds sizes up to 16 and repeats no parameter sets."""

    @pytest.fixture
    def encoder(self, kernel: FakeKernel) -> Encoder:
        driver = replace(
            without(Cid.MPEG_VIDEO_REPEAT_SEQ_HEADER, Cid.MPEG_VIDEO_HEADER_MODE),
            takes={"NV12": 128},
            size_step=16,
            multiplanar=False,
        )
        add_bcm2835_codec(kernel, driver)
        return encoder_on(kernel, ANY)
