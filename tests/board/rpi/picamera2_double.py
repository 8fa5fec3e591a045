"""picamera2's public face as `board.rpi` uses it, with memory and time of its own and the same rules.

Signatures are those of picamera2 0.3.38 (picamera2_api.txt, held by test_double.py).
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import CancelledError
from types import SimpleNamespace, TracebackType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge.ports import Clock

LIMITS = {
    "FrameDurationLimits": (8333, 200_000_000, (33333, 33333)),
    "ExposureTime": (26, 66_666, 20_000),
    "AnalogueGain": (1.0, 16.0, 1.0),
    "AfMode": (0, 2, 0),
    "AfTrigger": (0, 1, 0),
    "LensPosition": (0.0, 15.0, 1.0),
    "AwbEnable": (False, True, None),
    "AwbMode": (0, 7, 0),
    "ColourGains": (0.0, 32.0, None),
}


def colour_space(primaries: str, transfer: str, encoding: str, range: str) -> SimpleNamespace:
    """As libcamera's binding shows one: enumerations with names."""
    named = {"primaries": primaries, "transferFunction": transfer, "ycbcrEncoding": encoding, "range": range}
    return SimpleNamespace(**{key: SimpleNamespace(name=value) for key, value in named.items()})


SYCC = colour_space("Rec709", "Srgb", "Rec601", "Full")
SMPTE170M = colour_space("Smpte170m", "Rec709", "Rec601", "Limited")
REC709 = colour_space("Rec709", "Rec709", "Rec709", "Limited")


class Machine:
    """What the cameras are plugged into. `nap` passes time; `asleep_ns` is boot time ahead of monotonic time."""

    def __init__(self, clock: Clock, nap: Callable[[float], object] | None = None) -> None:
        self.clock = clock
        self.changed = threading.Condition()
        self.nap = nap or self._nap
        self.models = ["imx708"]
        self.limits = dict(LIMITS)
        self.busy = False
        self.delivers = True
        self.padding = 64
        self.adjust_size: Callable[[tuple[int, int]], tuple[int, int]] = lambda size: size
        self.adjust_format: Callable[[str], str] = lambda name: name
        self.space: Any = None
        self.asleep_ns = 0
        self.opened: list[Picamera2] = []
        machine = self

        class Bound(Picamera2):
            def __init__(self, camera_num=0, verbose_console=None, tuning=None, allocator=None):  # type: ignore[no-untyped-def]
                super().__init__(machine, camera_num)

            @staticmethod
            def global_camera_info() -> list[dict[str, Any]]:
                return [{"Model": model, "Id": f"/base/{model}", "Num": n} for n, model in enumerate(machine.models)]

        self.library = SimpleNamespace(Picamera2=Bound, MappedArray=MappedArray)

    @property
    def camera(self) -> Picamera2:
        """The one opened last."""
        return self.opened[-1]

    def _nap(self, seconds: float) -> None:
        with self.changed:
            self.changed.wait(seconds)


class Job:
    def __init__(self) -> None:
        self.cancelled = False
        self.result: CompletedRequest | None = None


class CompletedRequest:
    def __init__(self, camera: Picamera2, index: int, captured_ns: int) -> None:
        self.picam2 = camera
        self.index = index
        self.ref_count = 1
        self.lock = camera.request_lock
        self._metadata = {
            "SensorTimestamp": captured_ns,
            "FrameDuration": round(camera.period_ns / 1000),
            "ExposureTime": 9_000,
            "LensPosition": 2.5,
        }

    def get_metadata(self) -> dict[str, Any]:
        return dict(self._metadata)

    def release(self) -> None:
        with self.lock:
            self.ref_count -= 1
            if self.ref_count < 0:
                raise RuntimeError("CompletedRequest: lock now has negative ref_count")
            self.picam2.recycle(self.index)


class MappedArray:
    def __init__(self, request: CompletedRequest, stream: str, reshape: bool = True, write: bool = True) -> None:
        assert stream == "main"
        assert not reshape, "a reshaped array is not contiguous"
        self._request = request
        self._array: NDArray[np.uint8] | None = None

    def __enter__(self) -> MappedArray:
        self._array = np.frombuffer(self._request.picam2.buffers[self._request.index], np.uint8)
        return self

    def __exit__(
        self, exc_type: type[BaseException] | None, exc_value: BaseException | None, exc_traceback: TracebackType | None
    ) -> None:
        self._array = None

    @property
    def array(self) -> NDArray[np.uint8] | None:
        return self._array


class Picamera2:
    def __init__(self, machine: Machine, camera_num: int) -> None:
        if machine.busy:
            try:
                raise RuntimeError("Failed to acquire camera: Device or resource busy")
            except RuntimeError as error:
                raise RuntimeError("Camera __init__ sequence did not complete.") from error
        self._machine = machine
        self._config: dict[str, Any] = {}
        self._job: Job | None = None
        self._free: list[int] = []
        self._drawn = 0
        self._due_ns = 0
        self.request_lock = threading.Lock()
        self.buffers: list[bytearray] = []
        self.controls: dict[str, Any] = {}
        self.started = self.closed = False
        self.period_ns = 0
        machine.opened.append(self)

    @property
    def camera_controls(self) -> dict[str, tuple[Any, Any, Any]]:
        return self._machine.limits

    @staticmethod
    def global_camera_info() -> list[dict[str, Any]]:
        return []  # each machine's own class knows its cameras

    def create_video_configuration(
        self,
        main={},  # noqa: B006 - the real one's signature
        lores=None,
        raw={},  # noqa: B006
        transform=None,
        colour_space=None,
        buffer_count=6,
        controls={},  # noqa: B006
        display="main",
        encode="main",
        queue=True,
        sensor={},  # noqa: B006
        use_case="video",
    ) -> dict[str, Any]:
        standard = SMPTE170M if main["size"][0] < 1280 or main["size"][1] < 720 else REC709
        space = colour_space or self._machine.space or standard
        return {"main": dict(main), "colour_space": space, "buffer_count": buffer_count, "controls": dict(controls)}

    def configure(self, camera_config=None) -> None:
        if self.started:
            raise RuntimeError("Camera must be stopped before configuring")
        main = camera_config["main"]
        main["size"] = self._machine.adjust_size(main["size"])
        main["format"] = self._machine.adjust_format(main["format"])
        width, height = main["size"]
        row = width * 3 if main["format"] in ("RGB888", "BGR888") else width
        main["stride"] = -(-row // self._machine.padding) * self._machine.padding
        size = main["stride"] * height
        if main["format"] in ("YUV420", "NV12"):
            size = size * 3 // 2
        self.buffers = [bytearray(size) for _ in range(camera_config["buffer_count"])]
        self._free = list(range(len(self.buffers)))
        self._config = camera_config
        self.set_controls(camera_config["controls"])

    def camera_configuration(self) -> dict[str, Any]:
        return self._config

    def set_controls(self, controls) -> None:
        for name, value in controls.items():
            if name not in self.camera_controls:
                raise RuntimeError(f"Control {name} is not advertised by libcamera")
            self.controls[name] = value

    def start(self, config=None, show_preview=False) -> None:
        if not self._config:
            raise RuntimeError("Camera has not been configured")
        self.started = True
        self.period_ns = self.controls.get("FrameDurationLimits", (33333, 33333))[0] * 1000
        self._due_ns = self._machine.clock.mono_ns() + self.period_ns

    def capture_request(self, wait=None, signal_function=None, flush=None) -> Job:
        assert wait is False, "a capture that cannot be cancelled"
        assert self._job is None, "a second job would take every other picture"
        self._job = Job()
        return self._job

    def wait(self, job, timeout=None) -> CompletedRequest:
        """Pictures are drawn when they are due; who comes late gets the newest."""
        give_up_ns = self._machine.clock.mono_ns() + round(timeout * 1e9)
        while True:
            now = self._machine.clock.mono_ns()
            if job.cancelled:
                raise CancelledError
            if self.started and self._machine.delivers and self._free and now >= self._due_ns:
                self._job = None
                return self._draw(now)
            if now >= give_up_ns:
                raise TimeoutError
            waiting = self._machine.delivers and self._free and now < self._due_ns
            self._machine.nap((min(give_up_ns, self._due_ns) - now if waiting else give_up_ns - now) / 1e9)

    def cancel_all_and_flush(self) -> None:
        with self._machine.changed:
            if self._job is not None:
                self._job.cancelled = True
            self._job = None
            self._machine.changed.notify_all()

    def stop(self) -> None:
        self.started = False

    def close(self) -> None:
        self.stop()
        self.closed = True

    def recycle(self, index: int) -> None:
        if self.started:
            self._free.append(index)

    @property
    def out(self) -> int:
        """Buffers that somebody holds."""
        return len(self.buffers) - len(self._free)

    def _draw(self, now: int) -> CompletedRequest:
        late = (now - self._due_ns) // self.period_ns
        captured_ns = self._due_ns + late * self.period_ns
        self._due_ns = captured_ns + self.period_ns
        index = self._free.pop(0)
        self._drawn += 1
        self.buffers[index][:] = bytes((self._drawn % 251,)) * len(self.buffers[index])
        return CompletedRequest(self, index, captured_ns + self._machine.asleep_ns)
