"""The encoder contract on the memory-to-memory client over a driver made of Python."""

from __future__ import annotations

from dataclasses import replace

import pytest

from board.v4l2.abi.codes import Cid
from edge.model.sps_vui import say_colours
from edge.ports import Encoder
from tests.board.kit import HandClock
from tests.board.v4l2.drivers.bcm2835_codec import add_bcm2835_codec, without
from tests.board.v4l2.drivers.kernel import FakeKernel
from tests.board.v4l2.m2m_kit import ANY, encoder_on
from tests.contract.encoder_contract import EncoderContract


class TestBcm2835(EncoderContract):
    @pytest.fixture
    def encoder(self) -> Encoder:
        kernel = FakeKernel(clock=HandClock())
        add_bcm2835_codec(kernel)
        return encoder_on(kernel)


class TestBcm2835ThatSaysNoColours(EncoderContract):
    @pytest.fixture
    def encoder(self) -> Encoder:
        kernel = FakeKernel(clock=HandClock())
        add_bcm2835_codec(kernel).moods.says_colours = False
        return encoder_on(kernel, finish=say_colours)


class TestNv12OnlySinglePlanar(EncoderContract):
    """Another make: it takes nothing but NV12, rounds sizes up to 16 and repeats no parameter sets."""

    @pytest.fixture
    def encoder(self) -> Encoder:
        kernel = FakeKernel(clock=HandClock())
        driver = replace(
            without(Cid.MPEG_VIDEO_REPEAT_SEQ_HEADER, Cid.MPEG_VIDEO_HEADER_MODE),
            takes={"NV12": 128},
            size_step=16,
            multiplanar=False,
        )
        add_bcm2835_codec(kernel, driver)
        return encoder_on(kernel, ANY)
