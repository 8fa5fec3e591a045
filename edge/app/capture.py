"""The capture device or camera of this box, as configured."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from board.rpi.camera import CameraWish
from board.rpi.lens import CameraSettings, Focus, WhiteBalance
from board.rpi.source import PicameraSource
from board.v4l2.finder import Finder
from board.v4l2.kernel import LinuxKernel
from board.v4l2.pictures import Overrule
from board.v4l2.profile import read_profiles
from board.v4l2.receiver import ReceiverWish
from board.v4l2.source import V4l2Source, V4l2Wish
from board.v4l2.usb import UsbRebind
from edge.app.edids import edid_chooser
from edge.config.source import PicameraConfig, V4l2Config
from edge.model.board import CaptureFact
from edge.model.picture import CaptureMode
from edge.model.video import Colorimetry, Range
from edge.ports import Clock, Source

_AUTO = "auto"


def make_capture(
    config: V4l2Config, *, clock: Clock, modes: tuple[CaptureMode, ...] = (), facts: Sequence[CaptureFact] = ()
) -> Source:
    """`facts`: what the board's profile knows of its receivers. Raises Invalid on an EDID that cannot be had,
    naming the option."""
    kernel, profiles = LinuxKernel(), read_profiles()
    return V4l2Source(
        clock=clock,
        kernel=kernel,
        find=Finder(kernel=kernel, profiles=profiles, wanted=config.device).find,
        profiles=profiles,
        wish=V4l2Wish(
            receiver=ReceiverWish(
                input_index=config.input,
                edid_for=edid_chooser(config.edid, lock=config.edid_lock, facts=facts),
                kinds=config.formats,
            ),
            modes=modes,
            overrule=Overrule(
                None if config.colorimetry == _AUTO else Colorimetry(config.colorimetry),
                None if config.range == _AUTO else Range(config.range),
            ),
        ),
        rebind=UsbRebind(),
    )


def make_camera(config: PicameraConfig, *, clock: Clock) -> Source:
    settings = CameraSettings(
        focus=Focus(config.focus) if config.focus else None,
        lens_dioptres=config.lens_dioptres,
        exposure_us=config.exposure_us,
        gain=config.gain,
        white_balance=WhiteBalance(config.white_balance) if config.white_balance else None,
    )
    wish = CameraWish(
        index=config.index, width=config.width, height=config.height, fps=Fraction(config.fps), settings=settings
    )
    return PicameraSource(clock=clock, wish=wish)
