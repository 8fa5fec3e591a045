"""A Source that is a Raspberry Pi camera module."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from typing import Any

from board.rpi.camera import Camera, CameraWish
from board.rpi.lens import CameraSettings
from board.rpi.library import load_picamera2
from board.rpi.sensor_clock import SensorClock
from edge.model.errors import DeviceGone
from edge.model.frame import Frame, Stamps
from edge.model.signal import Signal, SignalState
from edge.ports import Clock

_SLICE_S = 0.2  # how long a close from another thread may have to wait
_STALL_NS = 3_000_000_000
_CLOSED = Signal(SignalState.NO_DEVICE, "the camera is not open")
_TOLD = ("ExposureTime", "AnalogueGain", "ColourTemperature", "LensPosition", "FocusFoM", "Lux", "SensorTemperature")


class PicameraSource:
    """Frames are the camera's own buffers on lease. A camera has no signal to lose, but its ribbon can come
    off: without pictures for 3 s it counts as gone. `load` gives the module picamera2.
    """

    def __init__(
        self,
        *,
        clock: Clock,
        wish: CameraWish,
        load: Callable[[], Any] = load_picamera2,
        sensor_clock: SensorClock | None = None,
    ) -> None:
        self._clock = clock
        self._wish = wish
        self._load = load
        self._sensor_clock = sensor_clock or SensorClock()
        self._reading = threading.RLock()
        self._camera: Camera | None = None
        self._signal = _CLOSED
        self._metadata: Mapping[str, Any] = {}
        self._generation = 0
        self._seq = -1
        self._cut = True
        self._last_ns = 0
        self._alive_ns = 0
        self._dropped = 0

    @property
    def name(self) -> str:
        return "picamera2"

    def open(self) -> None:
        """Raises Missing, DeviceGone; NotSupported and Invalid when the camera cannot be set as wished."""
        with self._reading:
            self._tear_down()
            self._generation += 1
            self._camera = Camera(self._load(), self._wish, generation=self._generation)
            self._cut = True
            self._alive_ns = self._clock.mono_ns()
            self._signal = Signal(SignalState.NO_SIGNAL, "the camera is starting")

    def read(self, timeout_s: float) -> Frame | Signal | None:
        with self._reading:
            give_up_ns = self._clock.mono_ns() + round(timeout_s * 1e9)
            while True:
                camera = self._camera
                if camera is None or self._signal is _CLOSED:
                    raise DeviceGone("the camera is closed")
                left_s = max(0.0, (give_up_ns - self._clock.mono_ns()) / 1e9)
                request = camera.take(min(left_s, _SLICE_S))
                if request is not None:
                    return self._frame(camera, request)
                self._check_stalled(camera)
                if self._clock.mono_ns() >= give_up_ns:
                    return None

    def signal(self) -> Signal:
        return self._signal

    def adjust(self, settings: CameraSettings) -> None:
        """Focus, exposure and white balance of the running camera. Raises Invalid, NotSupported, DeviceGone."""
        camera = self._camera
        if camera is None:
            raise DeviceGone("the camera is closed")
        camera.adjust(settings)

    def close(self) -> None:
        self._signal = _CLOSED
        camera = self._camera
        if camera is not None:
            camera.cancel()
        with self._reading:
            self._tear_down()
            self._signal = _CLOSED

    def detail(self) -> Mapping[str, Any]:
        camera, metadata = self._camera, self._metadata
        if camera is None:
            return {"driver": "picamera2"}
        return {
            "driver": "picamera2",
            "card": camera.model,
            "pixel_format": camera.format.pixel,
            "buffers_on_loan": camera.on_loan,
            "dropped": self._dropped,
            **{name: metadata[name] for name in _TOLD if name in metadata},
        }

    def _frame(self, camera: Camera, request: Any) -> Frame:
        now = self._clock.mono_ns()
        self._metadata = request.get_metadata()
        captured_ns = self._sensor_clock.captured_ns(self._metadata.get("SensorTimestamp"), now)
        self._count(captured_ns)
        cut, self._cut = self._cut, False
        self._alive_ns, self._last_ns = now, captured_ns
        if self._signal is not _CLOSED:
            self._signal = Signal(SignalState.LOCKED, format=camera.format)
        return Frame(
            seq=self._seq,
            format=camera.format,
            lease=camera.lease(request),
            stamps=Stamps(captured_ns=captured_ns, dequeued_ns=now),
            utc_ns=self._clock.utc_ns(captured_ns),
            discontinuity=cut,
        )

    def _count(self, captured_ns: int) -> None:
        """Frame numbers keep the gap of pictures that nobody took."""
        period_ns = int(self._metadata.get("FrameDuration", 0)) * 1000
        missed = 0
        if period_ns and not self._cut:
            missed = max(0, round((captured_ns - self._last_ns) / period_ns) - 1)
        self._dropped += missed
        self._seq += 1 + missed

    def _check_stalled(self, camera: Camera) -> None:
        """Raises DeviceGone."""
        if self._clock.mono_ns() - self._alive_ns < max(_STALL_NS, round(3_000_000_000 / camera.format.fps)):
            return
        model = camera.model
        self._tear_down()
        self._signal = Signal(SignalState.NO_DEVICE, f"camera {model} delivers no pictures")
        raise DeviceGone(f"camera {model} delivers no pictures; its ribbon may be loose")

    def _tear_down(self) -> None:
        camera, self._camera = self._camera, None
        if camera is not None:
            camera.close()
