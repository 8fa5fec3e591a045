from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from edge.vault.secret_file import replace_whole


@pytest.mark.parametrize("step", ["fsync", "replace"])
def test_failed_write_leaves_the_old_content_and_no_draft(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    kept = tmp_path / "kept"
    replace_whole(kept, b"old")

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, step, full)
    with pytest.raises(OSError, match="No space"):
        replace_whole(kept, b"new")
    monkeypatch.undo()
    assert kept.read_bytes() == b"old"
    assert [path.name for path in tmp_path.iterdir()] == ["kept"]
