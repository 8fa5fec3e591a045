"""The viewer's modules against what the documents say of them: files to copy, codes, messages."""

from __future__ import annotations

import re
from pathlib import Path

import edge.web.page

PAGE = Path(edge.web.page.__file__).parent
DOCS = Path(__file__).parents[3] / "docs"
CONTRACT = (DOCS / "contracts" / "viewer.md").read_text()
_NAMED = re.compile(r"""(?:from|import|new URL\()\s*"([^"]+\.js)\"""")


def _needed(name: str, seen: set[str]) -> set[str]:
    if name not in seen:
        seen.add(name)
        for other in _NAMED.findall((PAGE / name).read_text()):
            assert other.startswith("./"), f"{name} takes {other}, which is at the box only"
            _needed(other.removeprefix("./"), seen)
    return seen


def test_files_to_copy_are_those_that_the_element_needs() -> None:
    told = set(re.findall(r"`([a-z-]+\.js)`", (DOCS / "embedding.md").read_text()))
    assert told == _needed("scopecast-element.js", set())


def test_viewer_needs_nothing_of_the_page_around_it() -> None:
    needed = _needed("scopecast-viewer.js", set())
    assert not needed & {"picture.js", "status.js", "app.js", "badge.js", "words.js"}
    assert {"transform.js", "sei.js"} <= needed


def _table(heading: str) -> set[str]:
    """The codes in the first column of the table under that head."""
    rows = CONTRACT.split(heading, 1)[1].split("\n\n", 1)[0].splitlines()
    return set(re.findall(r"`(\w+)`", "\n".join(row.split("|")[1] for row in rows if row.count("|") > 2)))


def test_contract_names_every_reason_that_a_viewer_gives() -> None:
    reasons = (PAGE / "scopecast-viewer.js").read_text().split("const reasons = {", 1)[1].split("};", 1)[0]
    assert _table("| code | what |") == set(re.findall(r"^\s+(\w+):", reasons, re.MULTILINE))


def test_contract_names_every_message_that_the_viewer_speaks_and_hears() -> None:
    channel = (PAGE / "channel.js").read_text()
    spoken = set(re.findall(r"""(?:this\.say\(|message\.t === )"(\w+)\"""", channel))
    assert spoken == {"ping", "report", "pong", "notice", "hello"}
    assert spoken <= _table("| `t` | from | members |")
