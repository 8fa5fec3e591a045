"""vicodec, the kernel's codec in software, which Debian leaves out: built from its source for one of its kernels.

It encodes FWHT, a codec of its own, by the calls of every stateful memory-to-memory encoder.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tarfile
import tempfile
from pathlib import Path

CACHE = Path(__file__).resolve().parents[2] / "var/vm"
MODULES = ("v4l2-mem2mem.ko", "vicodec.ko")  # in the order in which they are loaded
_FOLDERS = ("drivers/media/v4l2-core/v4l2-mem2mem.c", "drivers/media/test-drivers/vicodec/")
_MAKEFILE = """\
obj-m += v4l2-mem2mem.o vicodec.o
vicodec-objs := vicodec-core.o codec-fwht.o codec-v4l2-fwht.o
"""


class Unbuildable(Exception):
    """The modules cannot be built; the message says what to install."""


def folder(version: str, cache: Path = CACHE) -> Path:
    """Where the modules for the kernel of that version are once they are built."""
    return cache / f"vicodec-{version}"


def build(version: str, *, root: Path = Path("/"), cache: Path = CACHE) -> Path:
    """Their folder; what was built before is used again. Raises Unbuildable."""
    there = folder(version, cache)
    if all((there / module).exists() for module in MODULES):
        return there
    headers, source = _parts(version, root)
    cache.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="vicodec-", dir=cache) as place:
        work = Path(place, "build")
        work.mkdir()
        _unpack(source, work)
        (work / "Makefile").write_text(_MAKEFILE)
        made = subprocess.run(
            ["make", "-s", "-C", headers, f"M={work}", "modules"], capture_output=True, text=True, check=False
        )
        if made.returncode:
            raise Unbuildable(f"vicodec for {version} does not build:\n{made.stderr[-2000:]}")
        shutil.rmtree(there, ignore_errors=True)
        os.rename(work, there)
    return there


def _parts(version: str, root: Path) -> tuple[Path, Path]:
    """(the kernel's headers, the archive with its source)."""
    headers = root / "lib/modules" / version / "build"
    if not (headers / "Makefile").exists():
        raise Unbuildable(f"no headers for the kernel {version}: apt-get install linux-headers-{version}")
    series = ".".join(re.findall(r"\d+", version)[:2])
    source = root / f"usr/src/linux-source-{series}.tar.xz"
    if not source.exists():
        raise Unbuildable(f"no source of the kernel {version}: apt-get install linux-source-{series}")
    for program in ("make", "gcc"):
        if shutil.which(program) is None:
            raise Unbuildable(f"{program} is not installed: apt-get install {program}")
    return headers, source


def _unpack(source: Path, into: Path) -> None:
    """Only the files of these modules, without their folders."""
    with tarfile.open(source, "r|xz") as archive:
        for member in archive:
            inside = member.name.partition("/")[2]
            if member.isfile() and inside.startswith(_FOLDERS) and inside.endswith((".c", ".h")):
                content = archive.extractfile(member)
                if content is not None:
                    (into / Path(inside).name).write_bytes(content.read())
