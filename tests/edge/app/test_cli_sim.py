"""`edge sim`: faults go out as commands, at their time."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from board.sim.script import FaultScript
from edge.app.box_http import BoxHttp
from edge.app.cli import main
from edge.app.cli_sim import play
from edge.model.inputs import Input
from tests.edge.app.conftest import AnsweringBox

COMMANDS = "POST /api/v1/commands"
DONE = (200, {"id": "1", "st": "done", "code": "ok", "detail": "", "payload": {}})


def sent(box: AnsweringBox) -> list[Any]:
    return [body for _, body in box.asked]


def test_fault_is_a_command(box: AnsweringBox) -> None:
    box.answers[COMMANDS] = DONE
    assert main(["sim", "fault", "mode:1280x720@59.94", "--for", "2.5", "--url", box.url]) == 0
    assert main(["sim", "fault", "clear", "--url", box.url]) == 0
    assert main(["sim", "fault", "freeze", "--input", "second", "--url", box.url]) == 0
    assert main(["sim", "fault", "encoder_stalls", "--for", "3", "--url", box.url]) == 0
    assert sent(box) == [
        {"op": "sim.fault", "args": {"fault": "mode:1280x720@59.94", "seconds": 2.5, "input": "main"}},
        {"op": "sim.fault", "args": {"fault": "clear", "input": "main"}},
        {"op": "sim.fault", "args": {"fault": "freeze", "input": "second"}},
        {"op": "sim.fault", "args": {"fault": "encoder_stalls", "seconds": 3.0, "input": "main"}},
    ]


def test_unknown_fault_is_refused_before_it_is_sent(box: AnsweringBox, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["sim", "fault", "fire", "--url", box.url]) == 1
    assert "unknown fault 'fire'; allowed: no_signal" in (said := capsys.readouterr().err)
    assert "of the encoder: encoder_fails" in said
    assert box.asked == []


@pytest.mark.parametrize("seconds", ["0", "-1", "nan", "inf", "x"])
def test_length_must_be_above_zero(seconds: str, box: AnsweringBox) -> None:
    with pytest.raises(SystemExit):
        main(["sim", "fault", "freeze", "--for", seconds, "--url", box.url])


def test_refusal_of_the_box_is_said(box: AnsweringBox, capsys: pytest.CaptureFixture[str]) -> None:
    box.answers[COMMANDS] = (422, {"code": "not_supported", "detail": "the source is real"})
    assert main(["sim", "fault", "freeze", "--url", box.url]) == 1
    assert capsys.readouterr().err == "edge: the box says: the source is real\n"


def test_script_is_played_at_its_times(box: AnsweringBox, capsys: pytest.CaptureFixture[str]) -> None:
    box.answers[COMMANDS] = DONE
    now_s, waits = [100.0], []

    def sleep(seconds: float) -> None:
        waits.append(round(seconds, 6))
        now_s[0] += seconds

    script = FaultScript.parse("0 no_signal 1\n2.5 freeze\n4 clear\n", where="here")
    play(script, box=BoxHttp(box.url), now_s=lambda: now_s[0], sleep=sleep, input=Input.SECOND)
    assert waits == [0.0, 2.5, 1.5]
    assert [body["args"] for body in sent(box)] == [
        {"fault": "no_signal", "seconds": 1.0, "input": "second"},
        {"fault": "freeze", "input": "second"},
        {"fault": "clear", "input": "second"},
    ]
    assert capsys.readouterr().out.split() == ["0.00", "s", "no_signal", "2.50", "s", "freeze", "4.00", "s", "clear"]


def test_script_from_a_file_reaches_the_box(box: AnsweringBox, tmp_path: Path) -> None:
    box.answers[COMMANDS] = DONE
    (tmp_path / "s.txt").write_text("# nothing much\n0 clear\n")
    assert main(["sim", "play", str(tmp_path / "s.txt"), "--url", box.url]) == 0
    assert sent(box) == [{"op": "sim.fault", "args": {"fault": "clear", "input": "main"}}]


@pytest.mark.parametrize(
    ("content", "words"),
    [(b"0 fire\n", "s.txt:1: unknown fault 'fire'"), (b"\xff\xfe", "s.txt: is not UTF-8 text")],
)
def test_bad_script_is_named_with_its_line(
    content: bytes, words: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "s.txt").write_bytes(content)
    assert main(["sim", "play", str(tmp_path / "s.txt")]) == 1
    assert words in capsys.readouterr().err


def test_absent_script_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["sim", "play", str(tmp_path / "s.txt")]) == 1
    assert "s.txt: cannot be read: No such file or directory" in capsys.readouterr().err
