"""The viewer's modules stand on their own: what docs/embedding.md tells to copy is all that they need."""

from __future__ import annotations

import re
from pathlib import Path

import edge.web.page

PAGE = Path(edge.web.page.__file__).parent
DOCS = Path(__file__).parents[3] / "docs" / "embedding.md"
_NAMED = re.compile(r"""(?:from|import|new URL\()\s*"([^"]+\.js)\"""")


def _needed(name: str, seen: set[str]) -> set[str]:
    if name not in seen:
        seen.add(name)
        for other in _NAMED.findall((PAGE / name).read_text()):
            assert other.startswith("./"), f"{name} takes {other}, which is at the box only"
            _needed(other.removeprefix("./"), seen)
    return seen


def test_files_to_copy_are_those_that_the_element_needs() -> None:
    told = set(re.findall(r"`([a-z-]+\.js)`", DOCS.read_text()))
    assert told == _needed("scopecast-element.js", set())


def test_viewer_needs_nothing_of_the_page_around_it() -> None:
    needed = _needed("scopecast-viewer.js", set())
    assert not needed & {"picture.js", "status.js", "app.js", "badge.js", "words.js"}
    assert {"transform.js", "sei.js"} <= needed
