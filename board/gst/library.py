"""GStreamer through PyGObject, if it is there: loaded when the first encoder is opened."""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.abc import MetaPathFinder
from importlib.machinery import EXTENSION_SUFFIXES, ModuleSpec
from importlib.util import find_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import Any

from edge.model.errors import Missing

DEBIAN = Path("/usr/lib/python3/dist-packages")
# Namespace, version, Debian package that holds its typelib. GstApp and GstVideo give appsrc, appsink and events types.
_TYPELIBS = (
    ("Gst", "1.0", "gir1.2-gstreamer-1.0"),
    ("GstApp", "1.0", "gir1.2-gst-plugins-base-1.0"),
    ("GstVideo", "1.0", "gir1.2-gst-plugins-base-1.0"),
)


@dataclass(frozen=True, slots=True)
class GStreamer:
    """The library's namespaces; `gst` is initialised."""

    glib: Any
    gobject: Any
    gst: Any
    video: Any


class DebianGi(MetaPathFinder):
    """Finds Debian's PyGObject for a virtual environment that has none, and nothing else.

    PyGObject is one package with a binary part for one version of Python. It cannot be had as a wheel, and a virtual
    environment with Debian's site packages would let old versions of everything else in. So the import system is told
    where that one package lies, and asks here last: PyGObject in the virtual environment wins.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        package = self._folder / "gi"
        if fullname != "gi" or not (package / "__init__.py").is_file():
            return None
        return spec_from_file_location(fullname, package / "__init__.py", submodule_search_locations=[str(package)])


def load_gstreamer(folder: Path = DEBIAN) -> GStreamer:
    """Ready for use; safe from any thread, and cheap once loaded. Raises Missing naming the package that is.

    It starts no thread and no main loop. Until GST_DEBUG asks for a log, GStreamer writes none. The first time on a
    machine it looks through its plugins in a process of their own, which can take some seconds.
    """
    _find_gi(folder)
    _keep_the_unwinder()
    try:
        import gi
    except ImportError as error:
        raise Missing(f"PyGObject cannot be loaded: {error}; apt-get install --reinstall python3-gi") from error
    for namespace, version, package in _TYPELIBS:
        try:
            gi.require_version(namespace, version)
        except ValueError as error:
            raise Missing(f"GStreamer's {namespace} {version} is not installed: apt-get install {package}") from error
    from gi.repository import GLib, GObject, Gst, GstApp, GstVideo

    del GstApp  # loaded so that appsrc and appsink have their methods
    _initialise(Gst, GLib)
    return GStreamer(glib=GLib, gobject=GObject, gst=Gst, video=GstVideo)


def _keep_the_unwinder() -> None:
    """PyGObject makes libunwind's `_Unwind_Resume` visible to all, and a C++ exception that libgcc began, such as
    libsrt's when a peer is gone, would then end the process. What is visible first holds."""
    ctypes.CDLL("libgcc_s.so.1", mode=ctypes.RTLD_GLOBAL)


def _initialise(gst: Any, glib: Any) -> None:
    if gst.is_initialized():
        return
    try:
        gst.init_check(None)
    except glib.Error as error:
        raise Missing(f"GStreamer does not start: {error.message}") from error


def _find_gi(folder: Path) -> None:
    if "gi" in sys.modules or find_spec("gi") is not None:
        return
    package = folder / "gi"
    if not (package / "__init__.py").is_file():
        raise Missing("PyGObject is not installed: apt-get install python3-gi")
    if not any((package / f"_gi{suffix}").is_file() for suffix in EXTENSION_SUFFIXES):
        there = ", ".join(sorted(path.name for path in package.glob("_gi.*.so"))) or "nothing"
        raise Missing(
            f"PyGObject in {package} is for another version of Python ({there} against {EXTENSION_SUFFIXES[0]}): make "
            "the virtual environment with the system's python3, or apt-get install libgirepository1.0-dev "
            "libcairo2-dev and pip install scopecast[gst]"
        )
    sys.meta_path.append(DebianGi(folder))
