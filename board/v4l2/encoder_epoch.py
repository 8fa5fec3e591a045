"""One set-up of an encoder node: the runs that it takes, as pictures come in one layout or memory or another."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from board.v4l2.abi.codes import Memory
from board.v4l2.buffers import DriverBuffer
from board.v4l2.coding import GARBAGE, Coding, Picture
from board.v4l2.encoder_node import EncoderNode
from board.v4l2.encoder_session import EncoderSession, Feed
from board.v4l2.fill import DIRECT
from board.v4l2.kernel import Kernel
from board.v4l2.layout import Kind
from board.v4l2.node import Node
from board.v4l2.unit_parts import Dropped
from edge.model.errors import DeviceGone, EncoderFailed, NotSupported
from edge.model.frame import Frame, Plane
from edge.model.video import EncodeTarget, Pixel, Trait, VideoFormat
from edge.ports import Clock, Retarget

_LOG = logging.getLogger(__name__)
Intake = Callable[[Frame], Sequence[Plane]]  # any layout -> the planes of a yuv420p picture, valid until the next call


class EncoderEpoch:
    """Begins with a run for pictures in `pixel`. Raises as EncoderSession does.

    The node is opened anew at a keyframe that is due anyway, when pictures come in another layout or memory that the
    encoder could take directly; and at once when a picture is not in a buffer that it could read although the others
    were. `copying`: why pictures are always to be copied, empty when they need not be.
    """

    def __init__(
        self,
        *,
        found: EncoderNode,
        kernel: Kernel,
        clock: Clock,
        coding: Coding,
        intake: Intake,
        video: VideoFormat,
        pixel: Pixel,
        target: EncodeTarget,
        copying: str = "",
    ) -> None:
        self._found = found
        self._kernel = kernel
        self._clock = clock
        self._coding = coding
        self._intake = intake
        self._video = video
        self._target = target
        self._dropped = Dropped()
        self._runs = 0
        self.copying = copying
        self.import_misbehaved = False  # it took captured buffers, and then stalled or put out garbage
        self._session = self._started(Feed(_kind_for(found, pixel)))
        for sentence in self._session.controls.disobeyed:
            _LOG.warning("%s did not take a setting: %s", found.path, sentence)

    @property
    def traits(self) -> frozenset[Trait]:
        return self._session.traits

    @property
    def needs_key(self) -> bool:
        """Whether a unit is missing on which later ones may build."""
        return self._session.lost

    def encode(self, frame: Frame, *, key_due: bool) -> Picture | None:
        """None where the encoder skips the picture. Raises EncoderFailed; the epoch may only be closed then."""
        self._aim(frame, key_due=key_due)
        stamp_us = frame.stamps.captured_ns // 1000
        native = frame.lease.native
        if self._session.feed.memory is Memory.DMABUF and isinstance(native, DriverBuffer) and self._admit(native):
            try:
                return self._session.encode_import(native, stamp_us=stamp_us, force_key=key_due)
            except EncoderFailed as error:
                if self._session.begun:
                    raise
                self._begin_copying(self._session.feed.kind, error)
        planes, given = self._lying(frame)
        return self._session.encode_copy(planes, given, stamp_us=stamp_us, force_key=key_due)

    def set_bitrate(self, bps: int) -> Retarget:
        answer = self._session.set_bitrate(bps)
        if answer is Retarget.LIVE:
            self._target = replace(self._target, bitrate_bps=bps)
        return answer

    def close(self) -> None:
        """Raises nothing."""
        self._session.close()

    def detail(self) -> Mapping[str, Any]:
        """The node and how it is driven; `runs` is how often it was begun."""
        controls = self._session.controls
        told: dict[str, Any] = {
            "node": self._found.path,
            "card": self._found.card.name,
            "takes": self._session.feed.kind.code,
            "copies": self._session.feed.memory is Memory.MMAP,
            "runs": self._runs,
            "junk_units": self._dropped.junk,
            "late_units": self._dropped.late,
            "skipped_pictures": self._dropped.skipped,
        }
        further = {
            "copies_because": self.copying,
            "disobeyed": list(controls.disobeyed),
            "unknown_controls": list(controls.unknown),
        }
        return told | {name: value for name, value in further.items() if value}

    def _aim(self, frame: Frame, *, key_due: bool) -> None:
        """Have a run that can take this frame; at a keyframe the one that takes it with least work."""
        session = self._session
        wanted = self._wanted(frame)
        if wanted == session.feed:
            if key_due and session.begun and not session.can_force_keys:
                self._begin(wanted)  # only a new beginning makes a keyframe
        elif key_due or session.feed.memory is Memory.DMABUF:
            self._begin(wanted)

    def _admit(self, buffer: DriverBuffer) -> bool:
        """Whether its picture can be read in place; where it cannot, the run is one that copies afterwards."""
        try:
            self._session.admit(buffer)
        except DeviceGone:  # the capture has ended meanwhile: this picture is its last, the next come from another
            self._begin(Feed(self._session.feed.kind))
            return False
        except EncoderFailed as error:
            self._begin_copying(self._session.feed.kind, error)
            return False
        return True

    def _wanted(self, frame: Frame) -> Feed:
        if (feed := self._import_of(frame)) is not None:
            return feed
        now = self._session.feed.kind
        if frame.format.pixel in (now.pixel, Pixel.YUV420P):  # what costs one copy
            return Feed(now)
        return Feed(_kind_for(self._found, frame.format.pixel))

    def _import_of(self, frame: Frame) -> Feed | None:
        """How the encoder would read that picture where it lies; None when it cannot."""
        native, planes = frame.lease.native, frame.lease.planes
        if self.copying or not isinstance(native, DriverBuffer):
            return None
        stride = planes[0].stride
        if planes[0].memory.nbytes != stride * frame.format.height:
            return None
        wanted = (frame.format.pixel, native.ring.memory_planes)
        kind = next((kind for kind in self._found.kinds if (kind.pixel, kind.buffers) == wanted), None)
        return None if kind is None else Feed(kind, Memory.DMABUF, stride)

    def _lying(self, frame: Frame) -> tuple[Sequence[Plane], Pixel]:
        """Planes that can be copied into the encoder's own buffer, and their layout."""
        if frame.format.pixel in (self._session.feed.kind.pixel, Pixel.YUV420P):
            return frame.lease.planes, frame.format.pixel
        return self._intake(frame), Pixel.YUV420P

    def _begin(self, feed: Feed) -> None:
        """End the present run and begin another; one that copies when an import is refused."""
        self._session.close()
        try:
            self._session = self._started(feed)
        except (EncoderFailed, NotSupported) as error:
            if feed.memory is not Memory.DMABUF:
                raise EncoderFailed(str(error), code=error.code) from error
            self._begin_copying(feed.kind, error)

    def _begin_copying(self, kind: Kind, error: EncoderFailed | NotSupported) -> None:
        self.copying = str(error)
        self.import_misbehaved = error.code in ("encoder_stalled", GARBAGE)
        _LOG.warning("%s: captured pictures are copied: %s", self._found.path, self.copying)
        self._begin(Feed(kind))

    def _started(self, feed: Feed) -> EncoderSession:
        self._runs += 1
        return EncoderSession(
            found=self._found,
            node=Node(self._found.path, kernel=self._kernel),
            feed=feed,
            coding=self._coding,
            video=self._video,
            target=self._target,
            clock=self._clock,
            dropped=self._dropped,
        )


def _kind_for(found: EncoderNode, pixel: Pixel) -> Kind:
    """Pictures as they lie, else what yuv420p is nearest to."""
    order = (pixel, Pixel.YUV420P, Pixel.NV12, *DIRECT)
    return min(found.kinds, key=lambda kind: (order.index(kind.pixel or pixel), kind.buffers))
