from __future__ import annotations

from typing import Any

import pytest

from board.gst.library import load_gstreamer
from board.gst.refusal import described, is_of_resources, missing_element


@pytest.mark.parametrize(
    ("element", "package"),
    [
        ("nvv4l2h265enc", "nvidia-l4t-gstreamer"),
        ("nvvidconv", "nvidia-l4t-gstreamer"),
        ("nvh264enc", "gstreamer1.0-plugins-bad"),
        ("vaapih264enc", "gstreamer1.0-vaapi"),
        ("vapostproc", "gstreamer1.0-plugins-bad"),
        ("qsvh264enc", "gstreamer1.0-plugins-bad"),
        ("h264parse", "gstreamer1.0-plugins-bad"),
        ("x264enc", "gstreamer1.0-plugins-ugly"),
        ("videoconvert", "gstreamer1.0-plugins-base"),
    ],
)
def test_a_missing_element_is_named_with_its_package(element: str, package: str) -> None:
    said = str(missing_element(element))
    assert f"no element {element}: apt-get install {package}" in said
    assert ("finds the hardware" in said) == element.startswith(("nv", "va", "qsv"))


def test_an_element_that_nobody_knows_has_no_package() -> None:
    assert "GStreamer has no element warp: no package is known for it" in str(missing_element("warp"))


def message_of(domain: Any, code: Any, debug: str) -> Any:
    library = load_gstreamer()
    source = library.gst.ElementFactory.make("x264enc", "encoder")
    error = library.glib.Error.new_literal(domain, "does not work", int(code))
    return library.gst.Message.new_error(source, error, debug)


def test_a_message_names_the_kind_of_element_and_what_it_says() -> None:
    kinds = load_gstreamer().gst.StreamError
    message = message_of(kinds.quark(), kinds.ENCODE, "file.c(12): f ():\n  reason  not-linked")
    assert described(message) == "x264enc: does not work (reason not-linked)"
    assert described(message_of(kinds.quark(), kinds.ENCODE, "")) == "x264enc: does not work"


def test_trouble_with_the_device_is_told_from_trouble_with_the_wish() -> None:
    gst = load_gstreamer().gst
    assert is_of_resources(message_of(gst.ResourceError.quark(), gst.ResourceError.BUSY, ""))
    assert not is_of_resources(message_of(gst.LibraryError.quark(), gst.LibraryError.SETTINGS, ""))
