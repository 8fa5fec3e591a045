"""One opened camera module: configured, started, asked for pictures one by one."""

from __future__ import annotations

import contextlib
import threading
from concurrent.futures import CancelledError
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

from board.rpi.layout import colours_of, format_of, planes_of
from board.rpi.lens import CameraSettings
from edge.model.errors import DeviceGone, Invalid, NotSupported
from edge.model.frame import Lease
from edge.model.video import Pixel, VideoFormat

_STREAM = "main"


@dataclass(frozen=True, slots=True)
class CameraWish:
    """`index` as `rpicam-hello --list-cameras` numbers them."""

    index: int = 0
    width: int = 1920
    height: int = 1080
    fps: Fraction = Fraction(30)
    pixel: Pixel = Pixel.YUV420P
    buffers: int = 6
    settings: CameraSettings = field(default_factory=CameraSettings)


class Camera:
    """Opens in the constructor. `library` is the module picamera2.

    Raises DeviceGone when the camera is not there or somebody else's, NotSupported and
    Invalid when it cannot be set as wished.
    """

    def __init__(self, library: Any, wish: CameraWish, *, generation: int) -> None:
        self._library = library
        self._wish = wish
        self._generation = generation
        self._job: Any = None
        self._counting = threading.Lock()
        self.on_loan = 0
        self.model = _model(library, wish.index)
        try:
            self._camera = library.Picamera2(wish.index)
        except (RuntimeError, IndexError, OSError) as error:
            raise _not_opened(wish.index, error) from error
        try:
            self.format, self.stride = self._configure()
            self._camera.start()
        except (RuntimeError, OSError) as error:
            self.close()
            raise _not_opened(wish.index, error) from error
        except Exception:
            self.close()
            raise

    def adjust(self, settings: CameraSettings) -> None:
        """Takes effect a few pictures later. Raises Invalid, NotSupported."""
        self._camera.set_controls(self._controls(settings))

    def take(self, timeout_s: float) -> Any:
        """The next completed request, which is the caller's to release; None when none came in time.

        Raises DeviceGone when `cancel` was called.
        """
        if self._job is None:
            self._job = self._camera.capture_request(wait=False)
        try:
            request = self._camera.wait(self._job, timeout=timeout_s)
        except TimeoutError:
            return None  # the job stays: a picture that comes between two calls is not lost
        except CancelledError as error:
            self._job = None
            raise DeviceGone("the camera is closed") from error
        except (RuntimeError, OSError) as error:
            self._job = None
            raise DeviceGone(f"camera {self.model} fails: {error}") from error
        self._job = None
        return request

    def lease(self, request: Any) -> Lease:
        """The request's own memory. The last release gives it back to the camera, also after `close`.

        Raises NotSupported, and has given it back then, when the memory is not as the camera said.
        """
        try:
            with self._library.MappedArray(request, _STREAM, reshape=False, write=False) as mapped:
                whole = memoryview(mapped.array)
            planes = planes_of(whole, self.format.pixel, self.format.height, self.stride)
        except Exception:
            request.release()
            raise
        self._lent(1)

        def give_back() -> None:
            # picamera2 unmaps buffers of an earlier configuration here, which fails while anybody looks at them
            with contextlib.suppress(BufferError):
                for view in (*(plane.memory for plane in planes), whole):
                    view.release()
            self._lent(-1)
            request.release()

        return Lease(planes, generation=self._generation, native=request, give_back=give_back)

    def cancel(self) -> None:
        """Ends a `take` of another thread."""
        self._camera.cancel_all_and_flush()

    def close(self) -> None:
        """No error when the camera has gone."""
        job, self._job = self._job, None
        with contextlib.suppress(RuntimeError, OSError):
            self._camera.cancel_all_and_flush()
        if job is not None:  # a picture that nobody came for
            with contextlib.suppress(CancelledError, TimeoutError, RuntimeError, OSError):
                self._camera.wait(job, timeout=0).release()
        with contextlib.suppress(RuntimeError, OSError):
            self._camera.close()

    def _lent(self, more: int) -> None:
        with self._counting:
            self.on_loan += more

    def _configure(self) -> tuple[VideoFormat, int]:
        wish = self._wish
        controls = {}
        if "FrameDurationLimits" in self._camera.camera_controls:
            period_us = round(1_000_000 / wish.fps)
            controls["FrameDurationLimits"] = (period_us, period_us)
        self._camera.configure(
            self._camera.create_video_configuration(
                main={"size": (wish.width, wish.height), "format": format_of(wish.pixel)},
                buffer_count=wish.buffers,
                controls=controls,
                display=None,
                encode=None,
            )
        )
        # only now: the limits are those of the sensor mode that was chosen
        self._camera.set_controls(self._controls(wish.settings))
        return self._as_configured()

    def _as_configured(self) -> tuple[VideoFormat, int]:
        """What libcamera has made of it: it may adjust size, stride and colour space, but not the format."""
        found = self._camera.camera_configuration()
        stream, pixel = found[_STREAM], self._wish.pixel
        if stream["format"] != format_of(pixel):
            raise NotSupported(f"camera {self._wish.index} ({self.model}) gives {stream['format']} for {pixel}")
        width, height = stream["size"]
        colours = colours_of(found["colour_space"], pixel, height)
        return VideoFormat(width, height, self._wish.fps, pixel, *colours), stream["stride"]

    def _controls(self, settings: CameraSettings) -> dict[str, Any]:
        if settings.exposure_us is not None and settings.exposure_us > 1_000_000 / self._wish.fps:
            raise Invalid(
                f"camera: an exposure of {settings.exposure_us} us is longer than a picture at {self._wish.fps} Hz"
            )
        return settings.controls(self._camera.camera_controls)


def _model(library: Any, index: int) -> str:
    cameras = [one.get("Model", one["Id"]) for one in library.Picamera2.global_camera_info()]
    if not 0 <= index < len(cameras):
        there = ", ".join(f"{number} ({model})" for number, model in enumerate(cameras)) or "none"
        raise DeviceGone(f"no camera module {index}; there is {there}")
    return str(cameras[index])


def _not_opened(index: int, error: Exception) -> DeviceGone:
    """picamera2 wraps what libcamera said once or twice."""
    said: BaseException = error
    while said.__cause__ is not None:
        said = said.__cause__
    return DeviceGone(f"camera module {index} cannot be opened: {said}")
