"""A board's hardware encoder behind a V4L2 memory-to-memory node, such as bcm2835-codec."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from board.v4l2.coding import GARBAGE, AnnexB, Coding
from board.v4l2.encoder_epoch import EncoderEpoch, Intake
from board.v4l2.encoder_node import find_encoder
from board.v4l2.kernel import Kernel
from edge.model.board import EncoderFact
from edge.model.errors import DeviceGone, EncoderFailed, Fault, Invalid, NotSupported
from edge.model.frame import Encoded, Frame, pts_of
from edge.model.video import Codec, EncodeTarget, Trait, VideoFormat
from edge.ports import Clock, Retarget

_LOG = logging.getLogger(__name__)
_LEAST_PX = 16


class V4l2Encoder:
    """Synchronous: one picture in, its unit out.

    `intake_for` makes, for a coded format, what brings pictures into yuv420p when the encoder cannot take them as they
    lie. `finish` gets each keyframe before it goes out, with the coded format, to put right what the hardware leaves
    out of its parameter sets; it may raise Invalid. `coding_for`: how units of a codec are read.
    """

    def __init__(
        self,
        fact: EncoderFact,
        *,
        kernel: Kernel,
        clock: Clock,
        intake_for: Callable[[VideoFormat], Intake],
        finish: Callable[[bytes, VideoFormat], bytes] = lambda data, video: data,
        coding_for: Callable[[Codec], Coding] = AnnexB,
    ) -> None:
        self._fact = fact
        self._kernel = kernel
        self._clock = clock
        self._intake_for = intake_for
        self._finish = finish
        self._coding_for = coding_for
        self._epoch: EncoderEpoch | None = None
        self._video: VideoFormat | None = None  # the format checked last
        self._target: EncodeTarget | None = None
        self._traits = frozenset((Trait.LIVE_BITRATE,))
        self._copying = ""  # why captured buffers are never to be handed over
        self._key_due = False
        self._told = False

    @property
    def name(self) -> str:
        return self._fact.name

    @property
    def hardware(self) -> bool:
        return self._fact.hardware

    @property
    def codec(self) -> Codec:
        return self._fact.codec

    @property
    def traits(self) -> frozenset[Trait]:
        """What the driver has shown when it was last opened; before that, what is to be expected."""
        return self._traits

    def open(self, video: VideoFormat, target: EncodeTarget) -> None:
        """Raises NotSupported for a size, rate or bitrate, DeviceGone where there is no such node, EncoderFailed."""
        self.close()
        _check(video, target)
        coding = self._coding_for(self._fact.codec)
        self._epoch = EncoderEpoch(
            found=find_encoder(self._kernel, coding.code, driver=self._fact.driver, card=self._fact.card),
            kernel=self._kernel,
            clock=self._clock,
            coding=coding,
            intake=self._intake_for(video.coded),
            video=video.coded,
            pixel=video.pixel,
            target=target,
            copying=self._copying,
        )
        self._traits = self._epoch.traits
        self._video, self._target = video, target
        self._key_due, self._told = True, False

    def encode(self, frame: Frame, *, force_key: bool) -> Sequence[Encoded]:
        """Empty where the encoder skips the picture. Raises Fault for a frame of another size, rate or colours."""
        epoch = self._epoch
        if epoch is None or self._video is None:
            raise Fault(f"encoder {self.name} used before open")
        if frame.format is not self._video and frame.format.coded != self._video.coded:
            raise Fault(f"encoder {self.name} opened for {self._video.coded} was given {frame.format}")
        self._video = frame.format
        self._key_due = self._key_due or force_key
        try:
            picture = epoch.encode(frame, key_due=self._key_due)
            if picture is None:
                return []
            data = self._finish(picture.data, frame.format.coded) if picture.key else picture.data
        except (EncoderFailed, DeviceGone, Invalid) as error:
            self.close()
            raise EncoderFailed(f"encoder {self.name}: {error}", code=_code(error)) from error
        if self._key_due and not picture.key and not self._told:
            self._told = True
            _LOG.warning("%s: a keyframe was asked for and did not come; asking again", self.name)
        self._key_due = (self._key_due and not picture.key) or epoch.needs_key
        return [Encoded(pts_of(frame.stamps.captured_ns), picture.key, data)]

    def retarget(self, target: EncodeTarget) -> Retarget:
        """The rate changes at once, up to the ceiling it was opened with; everything else needs a new epoch."""
        opened = self._target
        if self._epoch is None or opened is None or not 0 < target.bitrate_bps <= opened.max_bitrate_bps:
            return Retarget.NEEDS_NEW_EPOCH
        alike = replace(target, bitrate_bps=opened.bitrate_bps, max_bitrate_bps=opened.max_bitrate_bps)
        return self._epoch.set_bitrate(target.bitrate_bps) if alike == opened else Retarget.NEEDS_NEW_EPOCH

    def close(self) -> None:
        if self._epoch is not None:
            self._epoch.close()
            if self._epoch.import_misbehaved:
                self._copying = self._epoch.copying
        self._epoch = self._video = self._target = None

    def detail(self) -> Mapping[str, Any]:
        """The node and what the driver does with our wishes, for the status document; empty while closed."""
        return self._epoch.detail() if self._epoch is not None else {}


def _code(error: EncoderFailed | DeviceGone | Invalid) -> str:
    if isinstance(error, EncoderFailed):
        return error.code
    return GARBAGE if isinstance(error, Invalid) else EncoderFailed.code


def _check(video: VideoFormat, target: EncodeTarget) -> None:
    if video.width % 2 or video.height % 2 or video.width < _LEAST_PX or video.height < _LEAST_PX:
        raise NotSupported(f"{video.width}x{video.height}: sides must be even and at least {_LEAST_PX} pixels")
    if not 0 < video.fps <= 240:
        raise NotSupported(f"{video.fps} frames/s is outside 0..240")
    if not 0 < target.bitrate_bps <= target.max_bitrate_bps:
        raise NotSupported(f"bitrate {target.bitrate_bps} bit/s is not within 1..{target.max_bitrate_bps}")
