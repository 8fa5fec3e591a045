"""From the command to the first live picture, and to the first unit at an SRT receiver."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

from tests.bench.conditions import percentile, say
from tests.running_box import RunningBox

_RUNS = 5


def main() -> None:
    took = []
    for _ in range(_RUNS):
        with tempfile.TemporaryDirectory(prefix="box-", dir="/tmp") as folder:
            began = time.monotonic()
            with RunningBox(Path(folder)) as box:
                box.wait_live()
                took.append(time.monotonic() - began)
    say(f"start of an installed box to a live picture, 1080p60: median {percentile(took, 0.5):.1f} s,")
    say(f"  worst {max(took):.1f} s of {_RUNS}; budget 5 s")


if __name__ == "__main__":
    main()
