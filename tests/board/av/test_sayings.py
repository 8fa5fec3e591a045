from __future__ import annotations

import logging

import av.logging
import pytest

from board.av.sayings import heard, reason


def test_what_ffmpeg_says_of_an_error_is_heard_and_logged_nowhere(
    caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    with caplog.at_level(logging.DEBUG), heard() as sayings:
        av.logging.log(av.logging.ERROR, "test", "no such\n device ")
        av.logging.log(av.logging.WARNING, "test", "never mind")
    assert reason(sayings, OSError("5")) == "no such device"
    assert not caplog.records
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("level", [None, av.logging.WARNING])
def test_the_level_is_as_before_even_after_an_exception(level: int | None) -> None:
    before = av.logging.get_level()
    av.logging.set_level(level)
    try:
        with pytest.raises(OSError, match="gone"), heard():
            raise OSError("gone")
        assert av.logging.get_level() == level
    finally:
        av.logging.set_level(before)


def test_without_a_word_the_error_is_the_reason() -> None:
    assert reason([], OSError("gone")) == "gone"
    assert reason([(16, "x", " \n")], OSError("gone")) == "gone"


def test_what_was_said_twice_is_told_once() -> None:
    assert reason([(16, "x", "a"), (16, "x", "b"), (16, "y", "a")], OSError()) == "a; b"
