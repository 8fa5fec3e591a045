from __future__ import annotations

import asyncio

from edge.model.status import Issue, Severity
from edge.runtime.issues import Finding, IssueBook
from edge.runtime.status_board import StatusBoard


async def test_changes_bring_the_whole_first_and_then_what_changed() -> None:
    board = StatusBoard()
    board.put("a", 1)
    board.put("b", 2)
    steps = board.changes()
    assert await anext(steps) == {"a": 1, "b": 2}
    waiting = asyncio.ensure_future(anext(steps))
    await asyncio.sleep(0)
    board.put("b", 3)
    assert await asyncio.wait_for(waiting, 5) == {"b": 3}


async def test_same_value_is_no_change() -> None:
    board = StatusBoard()
    board.put("a", {"x": 1})
    rev = board.rev
    board.put("a", {"x": 1})
    assert board.rev == rev


def test_issue_keeps_its_since_until_it_is_over_and_tells_both_edges() -> None:
    now = ["t1"]
    told: list[tuple[str, bool]] = []

    def on_change(issue: Issue, raised: bool) -> None:
        told.append((issue.code, raised))

    book = IssueBook(now_text=lambda: now[0], on_change=on_change)
    finding = Finding("disk_low", Severity.WARNING, "Free some space.")
    book.state("health", [finding])
    now[0] = "t2"
    book.state("health", [finding])
    assert [issue.since for issue in book.open_issues()] == ["t1"]
    book.state("other", [])
    assert len(book.open_issues()) == 1, "another origin's silence does not end it"
    book.state("health", [])
    assert book.open_issues() == ()
    assert told == [("disk_low", True), ("disk_low", False)]


def test_worst_issue_comes_first() -> None:
    book = IssueBook(now_text=lambda: "t")
    book.state(
        "x", [Finding("a", Severity.INFO, ""), Finding("b", Severity.ERROR, ""), Finding("c", Severity.WARNING, "")]
    )
    assert [issue.code for issue in book.open_issues()] == ["b", "c", "a"]
