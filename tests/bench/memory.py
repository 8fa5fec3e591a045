"""Memory of edge-media over ten minutes at 1080p60 with an SRT receiver and the unit bus."""

from __future__ import annotations

import subprocess
import tempfile
import time
from pathlib import Path

from tests.bench.conditions import rss_mb, say
from tests.running_box import RunningBox

_MINUTES = 10


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="box-", dir="/tmp") as folder, RunningBox(Path(folder)) as box:
        box.wait_live()
        receive = ("ffmpeg", "-v", "error", "-i", box.srt_url, "-c", "copy", "-f", "null", "-")
        with subprocess.Popen(receive, stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as receiver:
            time.sleep(20)
            readings = [rss_mb(box.pids["media"])]
            for _ in range(_MINUTES):
                time.sleep(60)
                readings.append(rss_mb(box.pids["media"]))
            receiver.terminate()
    say(f"edge-media, 1080p60, one SRT receiver, minute by minute: {' '.join(f'{r:.0f}' for r in readings)} MB")
    say(
        f"  peak {max(readings):.0f} MB (budget 250), growth {readings[-1] - readings[1]:+.1f} MB in {_MINUTES - 1} min"
    )


if __name__ == "__main__":
    main()
