"""Documents applied by a process that is killed: what the next one finds is one of them, whole.

As a program, `python -m tests.edge.app.test_desired_killed FOLDER`, it applies one after the other and says each.
"""

from __future__ import annotations

import itertools
import subprocess
import sys
from pathlib import Path

from edge.app.desired_wishes import DesiredWishes
from edge.app.wishes import Wishes
from edge.config.model import Config
from edge.link.desired import Mark
from edge.model.rect import Rect
from tests.edge.app.kept_state import State

ROOT = Path(__file__).parents[3]
KILLED_AFTER = (1, 19, 7, 28)


def sections(rev: int) -> dict[str, object]:
    """Everything in it tells the revision."""
    return {
        "sinks": {f"out-{rev}": {"kind": "srt", "url": f"srt://10.0.0.9:{9000 + rev % 1000}?mode=caller"}},
        "mask": {"rects": [[rev % 1000, 0, 900, 900]], "of": [1920, 1080]},
        "rungs": {"main": {"bitrate": 1_000_000 + rev}},
        "reconnect_spread_s": rev,
    }


def apply_for_ever(folder: Path) -> None:
    wishes = State(folder).start(Config())
    desired = DesiredWishes(wishes=wishes, picture_size=lambda: None)
    first = desired.applied.rev + 1 if desired.applied else 1
    for rev in itertools.count(first):
        desired.apply(desired.check(sections(rev)), Mark(rev, f"digest-{rev}"))
        print(rev, flush=True)


def assert_whole(wishes: Wishes, rev: int) -> None:
    assert [name for name in wishes.wanted.sinks if name.startswith("out-")] == [f"out-{rev}"]
    assert wishes.plan.rungs[0].bitrate_bps == 1_000_000 + rev
    own = wishes.picture.own_mask
    assert own is not None
    assert own.sheets[0].rects == (Rect(rev % 1000, 0, 900, 900),)
    assert wishes.wanted.overrides.link is not None
    assert wishes.wanted.overrides.link.reconnect_spread_s == rev


def test_a_process_killed_while_it_applies_leaves_one_document_whole(tmp_path: Path) -> None:
    for count in KILLED_AFTER:
        argv = [sys.executable, "-m", "tests.edge.app.test_desired_killed", str(tmp_path)]
        with subprocess.Popen(argv, stdout=subprocess.PIPE, cwd=ROOT, text=True) as process:
            assert process.stdout is not None
            told = [int(process.stdout.readline()) for _ in range(count)]
            process.kill()
            rest = process.stdout.read().split("\n")[:-1]  # a line that was cut off was not said
        last = max(told + [int(line) for line in rest])
        wishes = State(tmp_path).start(Config())
        document = wishes.wanted.overrides.document
        assert document is not None
        assert document.rev in (last, last + 1)  # what was said holds; the next may have been applied and not said
        assert_whole(wishes, document.rev)
        assert DesiredWishes(wishes=wishes, picture_size=lambda: None).drift() == ()


if __name__ == "__main__":
    apply_for_ever(Path(sys.argv[1]))
