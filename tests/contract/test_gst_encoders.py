"""The encoder contract on GStreamer's elements for libx264 and libx265."""

from __future__ import annotations

from typing import Any, cast

import pytest

from edge.model.video import Codec, Trait
from edge.ports import Encoder
from tests.board.gst.elements import encoder_of, x264, x265
from tests.contract.encoder_contract import EncoderContract


class GstEncoderContract(EncoderContract):
    def break_down(self, encoder: Encoder) -> None:
        """A pipeline takes no picture after the end of the stream."""
        cast(Any, encoder)._opened.line._source.end_of_stream()


class TestGstEncoderOnX264(GstEncoderContract):
    traits = frozenset(Trait)
    rate_error = 0.2  # libx264 alone; board/av trims it

    @pytest.fixture
    def encoder(self) -> Encoder:
        return encoder_of(x264())


class TestGstEncoderOnX265(GstEncoderContract):
    codec = Codec.H265
    profile = "Main"
    traits = frozenset((Trait.INTRA_REFRESH,))

    @pytest.fixture
    def encoder(self) -> Encoder:
        return encoder_of(x265())
