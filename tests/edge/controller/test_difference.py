from __future__ import annotations

from typing import Any

import pytest

from edge.controller.difference import differences


@pytest.mark.parametrize(
    ("old", "new", "lines"),
    [
        ({}, {}, []),
        ({"a": 1}, {"a": 1}, []),
        ({"a": 1}, {"a": 2}, ["~ /a 1 -> 2"]),
        ({"a": 1}, {"a": True}, ["~ /a 1 -> true"]),
        ({"a": {"b": 1, "c": "x"}}, {"a": {"b": 1}}, ['- /a/c "x"']),
        ({}, {"a": {"b": None}}, ['+ /a {"b": null}']),
        ({"a": [1, 2]}, {"a": [2, 1]}, ["~ /a [1, 2] -> [2, 1]"]),
        ({"a": {}}, {"a": 1}, ["~ /a {} -> 1"]),
        ({"x/y~z": 1}, {}, ["- /x~1y~0z 1"]),
        ({"b": 1, "a": 1}, {"b": 2, "a": 2}, ["~ /a 1 -> 2", "~ /b 1 -> 2"]),
    ],
)
def test_each_difference_is_a_line_with_its_place(old: Any, new: Any, lines: list[str]) -> None:
    assert [str(change) for change in differences(old, new)] == lines
