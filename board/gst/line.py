"""One running pipeline: raw pictures in at one end, access units out at the other."""

from __future__ import annotations

import re
import weakref
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from board.gst.library import GStreamer
from board.gst.limited import within
from board.gst.properties import set_property
from board.gst.refusal import described, is_of_resources, refused_description
from board.gst.settings import Setting
from edge.model.board import GstElement
from edge.model.errors import EncoderFailed, Invalid, NotSupported
from edge.model.video import Codec

_CODED = {
    Codec.H264: "video/x-h264,stream-format=byte-stream,alignment=au",
    Codec.H265: "video/x-h265,stream-format=byte-stream,alignment=au",
}
_MOST_UNITS = 8
_SINK_MORE = "enable-last-sample=false wait-on-eos=false"
_LOOK_NS = 2_000_000
_CLOSE_S = 2.0


@dataclass(frozen=True, slots=True)
class Coded:
    """What came out: its time in the pipeline in ns, and Annex B bytes."""

    running_ns: int
    data: bytes = field(repr=False)


class Line:
    """Made stopped, with its properties set; errors call it by `name`.

    One thread uses it; GStreamer's own threads run no Python.

    Raises in the constructor Missing naming an element that is not there, NotSupported naming a property or value
    that an element does not take, Invalid when the description cannot be read.
    """

    def __init__(
        self, *, name: str, library: GStreamer, element: GstElement, codec: Codec, settings: Iterable[Setting]
    ) -> None:
        self._name = name
        self._library = library
        self._key_signal = element.key_signal
        self._pipeline = _parsed(library, element, codec)
        self._source, self._encoder, self._sink = (
            self._pipeline.get_by_name(name) for name in ("frames", "encoder", "units")
        )
        self._bus = self._pipeline.get_bus()
        self._caps = ""
        self._stopped = weakref.finalize(self, _stop, self._pipeline, library.gst.State.NULL)
        self._stopped.atexit = False  # the process ends anyway, and no thread can be started then
        for name, value in settings:
            self.set(name, value)
        if self._key_signal and not library.gobject.signal_lookup(self._key_signal, self._encoder):
            raise NotSupported(f"{element.element} has no signal {self._key_signal}")
        if self._source.find_property("max-buffers") is not None:  # GStreamer 1.20
            self._source.set_property("max-buffers", 1)

    def set(self, name: str, value: Any) -> None:
        """Raises NotSupported naming the element's property."""
        set_property(self._library, self._encoder, name, value)

    def start(self, caps: str, limit_s: float) -> None:
        """The encoder has taken pictures of those caps when it returns.

        Raises NotSupported when it does not take them, EncoderFailed when it does not start.
        """
        gst = self._library.gst
        self._carry(caps)
        changed: list[Any] = []
        if not within(limit_s, lambda: changed.append(self._pipeline.set_state(gst.State.PLAYING)), name="gst-open"):
            raise EncoderFailed(f"{self._name}: does not start within {limit_s:g} s", code="encoder_stalled")
        self.check()
        if changed != [gst.StateChangeReturn.SUCCESS] and changed != [gst.StateChangeReturn.ASYNC]:
            raise EncoderFailed(f"{self._name}: does not start, and does not say why")
        self._check_caps()
        self._await_caps(round(limit_s * 1e9 / _LOOK_NS))

    def push(self, data: bytes, caps: str, running_ns: int, *, duration_ns: int) -> None:
        """Give a picture. Raises EncoderFailed when the pipeline does not take it."""
        gst = self._library.gst
        if caps != self._caps:
            self._carry(caps)
        buffer = gst.Buffer.new_wrapped(data)
        buffer.pts, buffer.duration = running_ns, duration_ns
        flow = self._source.push_buffer(buffer)
        if flow is not gst.FlowReturn.OK:
            self.check()
            raise EncoderFailed(f"{self._name}: takes no picture: {flow.value_nick}")

    def force_key(self, running_ns: int) -> None:
        """Have a keyframe made of the next picture, which has that time."""
        if self._key_signal:
            self._encoder.emit(self._key_signal)
            return
        event = self._library.video.video_event_new_upstream_force_key_unit(running_ns, True, 0)
        self._encoder.get_static_pad("src").send_event(event)

    def pull(self, wait_ns: int) -> Coded | None:
        """The next unit, if it comes in that time. Raises EncoderFailed naming the element that broke down."""
        sample = self._sink.try_pull_sample(wait_ns)
        if sample is None:
            self.check()
            if self._sink.is_eos():
                raise EncoderFailed(f"{self._name}: has ended the stream")
            return None
        buffer = sample.get_buffer()
        running_ns = sample.get_segment().to_running_time(self._library.gst.Format.TIME, buffer.pts)
        return Coded(running_ns, buffer.extract_dup(0, buffer.get_size()))

    def check(self) -> None:
        """Raises EncoderFailed with the first error that an element has told; forgets everything else that they say."""
        message = self._bus.pop_filtered(self._library.gst.MessageType.ERROR)
        if message is not None:
            raise EncoderFailed(f"{self._name}: {described(message)}")

    def close(self) -> bool:
        """Whether everything could be given back; comes back in any case. What is dropped unclosed is closed too."""
        return self._stopped() is not False

    def _carry(self, caps: str) -> None:
        self._source.set_caps(self._library.gst.Caps.from_string(caps))
        self._caps = caps

    def _check_caps(self) -> None:
        """Elements can tell what they take once the device is open."""
        given = self._library.gst.Caps.from_string(self._caps)
        taken = self._source.get_static_pad("src").peer_query_caps(None)
        if not taken.can_intersect(given):
            raise NotSupported(f"{self._name}: takes no pictures of {self._caps}; it takes {taken.to_string()[:300]}")

    def _await_caps(self, looks: int) -> None:
        """They reach the encoder before the first picture does, and it sets itself up for them."""
        pad, kind = self._encoder.get_static_pad("sink"), self._library.gst.MessageType.ERROR
        for _ in range(looks):
            if pad.get_current_caps() is not None:
                return
            message = self._bus.timed_pop_filtered(_LOOK_NS, kind)
            if message is not None:
                kind = EncoderFailed if is_of_resources(message) else NotSupported
                raise kind(f"{self._name}: takes no pictures of {self._caps}: {described(message)}")
        raise EncoderFailed(f"{self._name}: does not answer to {self._caps}", code="encoder_stalled")


def _stop(pipeline: Any, null: Any) -> bool:
    """Elements that are freed while they run reach for memory that is not theirs any more."""
    return within(_CLOSE_S, lambda: pipeline.set_state(null), name="gst-close")


def _parsed(library: GStreamer, element: GstElement, codec: Codec) -> Any:
    if not re.fullmatch(r"[\w-]+", element.element):
        raise Invalid(f"{element.element!r} is not the name of a GStreamer element")
    parts = (
        "appsrc name=frames is-live=true format=time do-timestamp=false block=false",
        element.before,
        f"{element.element} name=encoder",
        element.after,
        f"capsfilter caps={_CODED[codec]}",  # not as a link's caps: `after` may end in such
        f"appsink name=units sync=false async=false qos=false drop=false max-buffers={_MOST_UNITS} {_SINK_MORE}",
    )
    gst, description = library.gst, " ! ".join(part for part in parts if part)
    context = gst.ParseContext.new()
    try:
        return gst.parse_launch_full(description, context, gst.ParseFlags.FATAL_ERRORS)
    except library.glib.Error as error:
        raise refused_description(library, error, description, context.get_missing_elements()) from error
