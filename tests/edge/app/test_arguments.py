from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from edge.app.arguments import Arguments
from edge.model.errors import Invalid


def test_each_argument_is_taken_by_name_and_type() -> None:
    given = Arguments({"sink": "srt", "latency_ms": 120, "running": False, "passphrase": "s3cret"})
    assert given.text("sink", pattern="[a-z]+") == "srt"
    assert given.integer("latency_ms", least=20, most=8000) == 120
    assert given.flag("running", default=True) is False
    assert given.secret("passphrase") == "s3cret"
    given.done()


def test_absent_argument_has_its_default() -> None:
    given = Arguments({})
    assert given.text("kind", default="srt") == "srt"
    assert given.text("stream_id", default="") == ""
    assert given.integer("latency_ms", least=20, most=8000, default=120) == 120
    assert given.flag("running", default=True) is True
    assert given.secret("passphrase") is None
    given.done()


@pytest.mark.parametrize(
    ("args", "take", "code", "message"),
    [
        ({}, lambda a: a.text("sink"), "invalid", "sink: missing"),
        ({"sink": 7}, lambda a: a.text("sink"), "invalid", "sink: expected text, got 7"),
        ({"sink": None}, lambda a: a.text("sink", default="x"), "invalid", "sink: expected text, got None"),
        ({"sink": "A"}, lambda a: a.text("sink", pattern="[a-z]"), "invalid", "sink: 'A' does not match [a-z]"),
        ({"sink": "a\n"}, lambda a: a.text("sink", pattern="[a-z]"), "invalid", r"sink: 'a\n' does not match [a-z]"),
        ({}, lambda a: a.integer("b", least=1, most=9), "invalid", "b: missing"),
        ({"b": "5"}, lambda a: a.integer("b", least=1, most=9), "invalid", "b: expected a whole number, got '5'"),
        ({"b": 5.0}, lambda a: a.integer("b", least=1, most=9), "invalid", "b: expected a whole number, got 5.0"),
        ({"b": True}, lambda a: a.integer("b", least=0, most=9), "invalid", "b: expected a whole number, got True"),
        ({"b": 0}, lambda a: a.integer("b", least=1, most=9), "range", "b: 0 is outside 1..9"),
        ({"b": 10}, lambda a: a.integer("b", least=1, most=9), "range", "b: 10 is outside 1..9"),
        ({"on": 1}, lambda a: a.flag("on", default=True), "invalid", "on: expected true or false, got 1"),
        ({"p": 5}, lambda a: a.secret("p"), "invalid", "p: expected text"),
        ({"b": 2, "a": 1}, lambda a: a.done(), "invalid", "a, b: not an argument of this operation"),
    ],
)
def test_wrong_argument_is_named_with_its_reason(
    args: dict[str, Any], take: Callable[[Arguments], object], code: str, message: str
) -> None:
    with pytest.raises(Invalid) as caught:
        take(Arguments(args))
    assert (caught.value.code, str(caught.value)) == (code, message)


def test_long_value_is_cut_in_the_message() -> None:
    with pytest.raises(Invalid) as caught:
        Arguments({"sink": "x" * 5000}).text("sink", pattern="[a-z]{0,39}")
    assert len(str(caught.value)) < 120


def test_secret_of_the_wrong_type_is_not_repeated() -> None:
    with pytest.raises(Invalid) as caught:
        Arguments({"passphrase": ["hunter2hunter2"]}).secret("passphrase")
    assert "hunter2" not in str(caught.value)


def test_given_mapping_is_left_as_it_was() -> None:
    args = {"sink": "srt"}
    Arguments(args).text("sink")
    assert args == {"sink": "srt"}
