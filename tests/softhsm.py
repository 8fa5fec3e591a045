"""A token made of software: SoftHSM 2, in a directory of its own."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

MODULE = "/usr/lib/softhsm/libsofthsm2.so"
PIN = "4321-secret"


def make_token(folder: Path) -> Path:
    """A fresh token called fleet; gives the file that SOFTHSM2_CONF must name. Its PIN is in `folder`/pin."""
    if shutil.which("softhsm2-util") is None:
        pytest.fail("softhsm2-util is missing: apt-get install softhsm2")
    (folder / "tokens").mkdir(parents=True)
    conf = folder / "softhsm2.conf"
    conf.write_text(f"directories.tokendir = {folder}/tokens\nobjectstore.backend = file\nlog.level = ERROR\n")
    subprocess.run(
        ["softhsm2-util", "--init-token", "--free", "--label", "fleet", "--so-pin", "87654321", "--pin", PIN],
        check=True,
        capture_output=True,
        env={**os.environ, "SOFTHSM2_CONF": str(conf)},
    )
    (folder / "pin").write_text(f"{PIN}\n")
    (folder / "pin").chmod(0o600)
    return conf


def key_uri(folder: Path, *, name: str = "ctl", label: str = "fleet", pin: str = "pin") -> str:
    return f"pkcs11:token={label};object={name}?module-path={MODULE}&pin-source=file:{folder}/{pin}"
