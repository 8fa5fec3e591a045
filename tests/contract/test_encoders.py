"""The encoder contract on libx264."""

from __future__ import annotations

import pytest

from board.av.x264 import X264Encoder
from edge.ports import Encoder
from tests.board.gst.elements import encoder_of, x264
from tests.contract.encoder_contract import EncoderContract


class TestX264Encoder(EncoderContract):
    @pytest.fixture
    def encoder(self) -> Encoder:
        return X264Encoder()


class TestX264EncoderWithTwoThreads(EncoderContract):
    @pytest.fixture
    def encoder(self) -> Encoder:
        return X264Encoder(threads=2)


class TestGstEncoderOnX264(EncoderContract):
    @pytest.fixture
    def encoder(self) -> Encoder:
        return encoder_of(x264())
