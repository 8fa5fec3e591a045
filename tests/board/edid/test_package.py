"""The package as a whole."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]


def test_standard_library_is_enough() -> None:
    """Without any site-packages, each module loads and a preset is built."""
    modules = sorted(
        f"board.edid.{path.stem}" for path in (ROOT / "board/edid").glob("*.py") if path.stem != "__init__"
    )
    code = f"import sys; sys.path.insert(0, {str(ROOT)!r}); import {', '.join(modules)}"
    code += "; print(len(board.edid.build.build(board.edid.presets.preset('2-lane'))))"
    done = subprocess.run([sys.executable, "-I", "-S", "-B", "-c", code], capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == ("256\n", "")
