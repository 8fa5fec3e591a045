"""The encoder contract on what FFmpeg encodes in software."""

from __future__ import annotations

from typing import Any, cast

import pytest

from board.av.catalogue import make_av_encoder
from board.av.x264 import X264Encoder
from edge.config.encode import EncoderConfig
from edge.model.board import EncoderFact, EncoderKind
from edge.model.video import Codec, Trait
from edge.ports import Encoder
from tests.contract.encoder_contract import EncoderContract


class AvEncoderContract(EncoderContract):
    def break_down(self, encoder: Encoder) -> None:
        """FFmpeg takes no picture after the end of the stream."""
        cast(Any, encoder)._context.encode(None)


class TestX264Encoder(AvEncoderContract):
    traits = frozenset(Trait)

    @pytest.fixture
    def encoder(self) -> Encoder:
        return X264Encoder(speed=EncoderConfig().speed)


class TestX264EncoderWithTwoThreads(AvEncoderContract):
    traits = frozenset(Trait)

    @pytest.fixture
    def encoder(self) -> Encoder:
        return X264Encoder(threads=2)


class TestX265Encoder(AvEncoderContract):
    codec = Codec.H265
    profile = "Main"
    traits = frozenset((Trait.INTRA_REFRESH,))

    @pytest.fixture
    def encoder(self) -> Encoder:
        fact = EncoderFact(name="x265", kind=EncoderKind.AV, codec=Codec.H265, library="libx265")
        return make_av_encoder(fact, speed=EncoderConfig().speed)
