"""What GStreamer complains of, as errors of ours."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from board.gst.library import GStreamer
from edge.model.errors import EdgeError, Invalid, Missing, NotSupported

# Debian's packages and NVIDIA's, by how the names of their elements begin
_PACKAGES = (
    ("nvv", "nvidia-l4t-gstreamer"),
    ("nv", "gstreamer1.0-plugins-bad"),
    ("vaapi", "gstreamer1.0-vaapi"),
    ("va", "gstreamer1.0-plugins-bad"),
    ("qsv", "gstreamer1.0-plugins-bad"),
    ("msdk", "gstreamer1.0-plugins-bad"),
    ("x265enc", "gstreamer1.0-plugins-bad"),
    ("h264parse", "gstreamer1.0-plugins-bad"),
    ("h265parse", "gstreamer1.0-plugins-bad"),
    ("v4l2", "gstreamer1.0-plugins-good"),
    ("x264enc", "gstreamer1.0-plugins-ugly"),
    ("app", "gstreamer1.0-plugins-base"),
    ("video", "gstreamer1.0-plugins-base"),
)
_OF_HARDWARE = ("nv", "va", "qsv", "msdk", "v4l2")


def missing_element(name: str) -> Missing:
    """Names the package, and for hardware's elements the other reason why one is not there."""
    package = next((package for start, package in _PACKAGES if name.startswith(start)), "")
    advice = f"apt-get install {package}" if package else "no package is known for it"
    if name.startswith(_OF_HARDWARE):
        advice += "; it is there only where its driver finds the hardware"
    return Missing(f"GStreamer has no element {name}: {advice}")


def refused_description(library: GStreamer, error: Any, description: str, absent: Sequence[str] = ()) -> EdgeError:
    """Missing when there is no such element (`absent` names them), NotSupported when elements do not take a property
    or each other, Invalid when they cannot be read at all."""
    kinds, domain = library.gst.ParseError, library.gst.parse_error_quark()
    if absent and error.matches(domain, kinds.NO_SUCH_ELEMENT):
        return missing_element(absent[0])
    ours = (kinds.NO_SUCH_PROPERTY, kinds.LINK, kinds.COULD_NOT_SET_PROPERTY)
    kind = NotSupported if any(error.matches(domain, one) for one in ours) else Invalid
    return kind(f"GStreamer: {error.message}, in: {description}")


def is_of_resources(message: Any) -> bool:
    """Whether the error is of a device (gone, busy, out of memory) and not of what was asked of it."""
    return bool(message.parse_error()[0].domain == "gst-resource-error-quark")


def described(message: Any) -> str:
    """`element: what it says (where in its code)` of an error message from the bus."""
    error, debug = message.parse_error()
    factory = message.src.get_factory() if hasattr(message.src, "get_factory") else None
    name = factory.get_name() if factory is not None else message.src.get_name()
    detail = " ".join((debug or "").split("\n")[-1].split())
    return f"{name}: {error.message}" + (f" ({detail})" if detail else "")
