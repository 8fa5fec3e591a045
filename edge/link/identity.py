"""Who this box is: an opaque name made once, and the life of this machine's kernel."""

from __future__ import annotations

import os
import re
import secrets
import uuid
from pathlib import Path

from edge.model.errors import Fault, Unavailable

_ID = re.compile(r"[a-z0-9-]{6,40}")
_ALPHABET = "abcdefghijklmnopqrstuvwxyz234567"
_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


def box_id(state_dir: Path) -> str:
    """The id in `state_dir/box-id`, made at first start (blocking).

    Raises Fault `box_id_broken` when the file holds something else, Unavailable `state_dir`.
    """
    path = state_dir / "box-id"
    try:
        if not path.exists():
            _create(path)
        text = path.read_text(encoding="ascii", errors="replace").strip()
    except OSError as error:
        raise Unavailable(f"cannot use {path}: {error.strerror}", code="state_dir") from error
    if not _ID.fullmatch(text):
        raise Fault(f"{path} must hold 6 to 40 of a-z, 0-9 and -", code="box_id_broken")
    return text


def boot_id() -> str:
    """The kernel's id of this boot: the life within which monotonic times compare."""
    try:
        return str(uuid.UUID(_BOOT_ID.read_text().strip()))
    except (OSError, ValueError):
        return str(uuid.uuid4())


def _create(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".box-id.{secrets.token_hex(4)}")
    name = "".join(secrets.choice(_ALPHABET) for _ in range(10))
    with draft.open("w") as file:
        file.write(f"box-{name}\n")
        file.flush()
        os.fsync(file.fileno())
    os.replace(draft, path)
