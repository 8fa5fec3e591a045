"""A USB capture dongle made of software: uvcvideo sees it as a real one, on a cable that can be pulled.

    with Dongle(content=moving_grey) as dongle:   # plugged in
        dongle.pull(); dongle.plug()

It needs the modules vhci-hcd and uvcvideo (fixture `dongle` of tests/vm/guest/conftest.py loads them).
"""

from __future__ import annotations

import struct
import threading
import time
from collections.abc import Callable, Sequence
from typing import Self

from tests.vm import uvc_descriptors
from tests.vm.usbip import Cable, Setup, Stall
from tests.vm.uvc_descriptors import CONTROL_INTERFACE, STREAM_INTERFACE, Mode

MODES = (
    Mode("MJPG", 640, 480),
    Mode("MJPG", 1280, 720),
    Mode("MJPG", 1920, 1080),
    Mode("YUYV", 640, 480),
    Mode("YUYV", 1280, 720),
)
NAME = "Scope Dongle"
Content = Callable[[Mode, int], bytes | None]
"""The bytes of the frame with that number in that mode, as they go over the cable; None: no frame now."""

_STRINGS = (uvc_descriptors.languages(), *(uvc_descriptors.string(text) for text in ("Scopecast", NAME, "0001")))
_STANDARD, _CLASS = 0x00, 0x20
_GET_DESCRIPTOR, _GET_STATUS = 6, 0
_SET_CUR, _GET_LEN, _GET_INFO = 0x01, 0x85, 0x86
_PROBE, _COMMIT, _ERROR_CODE = 1, 2, 2
_NEGOTIATION = struct.Struct("<HBBIHHHHHII")
_PAYLOAD_BYTES = 16384  # one transfer of uvcvideo at high speed (32 packets of 512)
_HEADER_BYTES, _EOH, _EOF, _ERROR = 2, 0x80, 0x02, 0x40


class Dongle:
    """Plugged in on entering, unplugged on leaving. Thread-safe for its owner.

    `fps` bounds the pace whatever the mode says; under software emulation raw video is slower still.
    """

    def __init__(self, *, content: Content, modes: Sequence[Mode] = MODES, fps: float = 15.0) -> None:
        self._groups = uvc_descriptors.formats(modes)
        self._configuration = uvc_descriptors.configuration(modes)
        self._stream = _Stream(content, 1.0 / fps)
        self._wish = self._groups[0][0]
        self._cable: Cable | None = None
        self._thread: threading.Thread | None = None

    @property
    def mode(self) -> Mode | None:
        """What the host has committed to; None before it streams."""
        return self._stream.mode

    @property
    def frames_sent(self) -> int:
        return self._stream.sent

    def show(self, content: Content) -> None:
        """From the next frame on."""
        self._stream.content = content

    def flag_errors(self, on: bool) -> None:
        """Whether each frame ends with UVC's error bit, which makes uvcvideo mark its buffer."""
        self._stream.faulty = on

    def plug(self) -> None:
        """Raises OSError when vhci-hcd is not loaded; RuntimeError when it is plugged in."""
        if self._cable is not None:
            raise RuntimeError("the dongle is plugged in already")
        self._stream.reset()
        self._cable = cable = Cable()
        self._thread = threading.Thread(target=cable.serve, args=(self,), name="dongle", daemon=True)
        self._thread.start()
        cable.plug()

    def pull(self) -> None:
        """As if somebody tripped over the cable; nothing happens when it is out."""
        cable, self._cable = self._cable, None
        if cable is None or self._thread is None:
            return
        cable.pull()
        self._thread.join(20)
        cable.close()

    def __enter__(self) -> Self:
        self.plug()
        return self

    def __exit__(self, *_: object) -> None:
        self.pull()

    # what the cable asks, in its thread

    def control(self, setup: Setup, sent: bytes) -> bytes:
        kind = setup.request_type & 0x60
        if kind == _STANDARD:
            return self._standard(setup)
        if kind == _CLASS and setup.request_type & 0x1F == 1:
            return self._video(setup, sent)
        raise Stall

    def bulk(self, room: int) -> bytes | None:
        return self._stream.payload(room)

    def due_s(self) -> float | None:
        return self._stream.due_s()

    def _standard(self, setup: Setup) -> bytes:
        if setup.request == _GET_STATUS:
            return b"\0\0"
        if setup.request != _GET_DESCRIPTOR:
            return b""  # SET_CONFIGURATION, SET_INTERFACE, CLEAR_FEATURE: agreed
        kind, index = setup.value >> 8, setup.value & 0xFF
        if kind == 1:
            return uvc_descriptors.device(0x1209, 0x0001)  # pid.codes' numbers for tests
        if kind == 2:
            return self._configuration
        if kind == 3 and index < len(_STRINGS):
            return _STRINGS[index]
        raise Stall

    def _video(self, setup: Setup, sent: bytes) -> bytes:
        interface, selector = setup.index & 0xFF, setup.value >> 8
        if interface == CONTROL_INTERFACE and selector == _ERROR_CODE:
            return b"\0"
        if interface != STREAM_INTERFACE or selector not in (_PROBE, _COMMIT):
            raise Stall
        if setup.request == _SET_CUR:
            self._wish = self._chosen(sent)
            if selector == _COMMIT:
                self._stream.start(self._wish)
            return b""
        if setup.request == _GET_LEN:
            return struct.pack("<H", _NEGOTIATION.size)
        return b"\x03" if setup.request == _GET_INFO else self._offer(self._wish)

    def _chosen(self, negotiation: bytes) -> Mode:
        _, form, frame, *_ = _NEGOTIATION.unpack(negotiation[: _NEGOTIATION.size])
        if not 1 <= form <= len(self._groups) or not 1 <= frame <= len(self._groups[form - 1]):
            raise Stall
        return self._groups[form - 1][frame - 1]

    def _offer(self, mode: Mode) -> bytes:
        form = next(at for at, group in enumerate(self._groups, 1) if mode in group)
        frame = self._groups[form - 1].index(mode) + 1
        return _NEGOTIATION.pack(1, form, frame, mode.interval, 0, 0, 0, 0, 0, mode.frame_bytes, _PAYLOAD_BYTES)


class _Stream:
    """Frames cut into payloads (UVC 1.5, 2.4.3.2), paced."""

    def __init__(self, content: Content, interval_s: float) -> None:
        self.content = content
        self.faulty = False
        self.sent = 0
        self.mode: Mode | None = None
        self._interval_s = interval_s
        self.reset()

    def reset(self) -> None:
        self.mode = None
        self._rest: bytes | None = None
        self._next_at = 0.0
        self._toggle = 0

    def start(self, mode: Mode) -> None:
        self.reset()
        self.mode = mode

    def due_s(self) -> float | None:
        return None if self.mode is None else max(0.001, self._next_at - time.monotonic())

    def payload(self, room: int) -> bytes | None:
        rest = self._frame()
        if rest is None:
            return None
        part, rest = rest[: room - _HEADER_BYTES], rest[room - _HEADER_BYTES :]
        flags = _EOH | self._toggle
        if rest:
            self._rest = rest
        else:
            flags |= _EOF | (_ERROR if self.faulty else 0)
            self._rest = None
            self._toggle ^= 1
            self.sent += 1
        return bytes((_HEADER_BYTES, flags)) + part

    def _frame(self) -> bytes | None:
        """What is left of the frame that is going out, or the next one when it is due."""
        if self._rest is not None or self.mode is None:
            return self._rest
        now = time.monotonic()
        if now < self._next_at:
            return None
        self._next_at = max(now, self._next_at + self._interval_s)
        return self.content(self.mode, self.sent)
