from __future__ import annotations

from itertools import islice

import pytest

from board.sim.fault import FaultKind, parse_fault
from board.sim.script import Cue, FaultScript
from edge.model.errors import Invalid

_TEXT = """
# a bad morning
2    no_signal 1.5   # somebody trips over the cable
4.5  mode:1280x720@50
10   clear
"""


def test_lines_become_cues_and_comments_are_skipped() -> None:
    script = FaultScript.parse(_TEXT, where="morning.txt")
    assert script.cues == (
        Cue(2.0, parse_fault("no_signal"), 1.5),
        Cue(4.5, parse_fault("mode:1280x720@50")),
        Cue(10.0, parse_fault("clear")),
    )
    assert list(script.play()) == list(script.cues)


def test_an_empty_script_plays_nothing() -> None:
    assert list(FaultScript.parse("# nothing\n", where="x").play()) == []


def test_a_loop_starts_over_at_its_end() -> None:
    script = FaultScript.parse("1 stall 1\n3 freeze 1\n5 loop\n", where="x")
    played = [(cue.at_s, cue.fault.kind) for cue in islice(script.play(), 4)]
    assert played == [(1, FaultKind.STALL), (3, FaultKind.FREEZE), (6, FaultKind.STALL), (8, FaultKind.FREEZE)]


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("1 sleepy", r"f\.txt:1: unknown fault 'sleepy'; allowed: no_signal, "),
        ("\n\nsoon stall", r"f\.txt:3: time 'soon' is not a number of seconds"),
        ("-1 stall", r"f\.txt:1: time '-1' is not a number"),
        ("nan stall", r"f\.txt:1: time 'nan' is not a number"),
        ("5 stall\n4 freeze", r"f\.txt:2: time 4 is before the line above it \(5\)"),
        ("5", r"f\.txt:1: expected `AT_SECONDS FAULT \[FOR_SECONDS\]`, found 1 word"),
        ("5 stall 1 2", r"f\.txt:1: expected .* found 4 word"),
        ("5 stall long", r"f\.txt:1: length 'long' is not a number of seconds"),
        ("5 stall 0", r"f\.txt:1: seconds of a fault must be a number above 0"),
        ("5 mode:1x1@1", r"f\.txt:1: mode '1x1@1' is not"),
        ("5 loop", r"f\.txt:1: loop must come after at least one fault"),
        ("5 stall\n5 loop", r"f\.txt:2: loop must come after"),
        ("5 stall\n6 loop\n7 clear", r"f\.txt:3: nothing may follow the loop line"),
    ],
)
def test_a_bad_line_is_refused_with_file_and_line(text: str, complaint: str) -> None:
    with pytest.raises(Invalid, match=complaint):
        FaultScript.parse(text, where="f.txt")
