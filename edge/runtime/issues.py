"""Issues that are true now, each with the time since when."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from edge.model.status import Issue, Severity


@dataclass(frozen=True, slots=True)
class Finding:
    """What a check found just now; the book knows since when it holds."""

    code: str
    severity: Severity
    suggestion: str
    subject: str = ""
    detail: str = ""


class IssueBook:
    """Each origin states all its findings whenever it looks; what it no longer states is over."""

    def __init__(
        self,
        *,
        now_text: Callable[[], str],
        on_change: Callable[[Issue, bool], None] = lambda issue, raised: None,
    ) -> None:
        self._now_text = now_text
        self._on_change = on_change
        self._found: dict[str, dict[tuple[str, str], Issue]] = {}

    def state(self, origin: str, findings: Iterable[Finding]) -> None:
        before = self._found.get(origin, {})
        after: dict[tuple[str, str], Issue] = {}
        for found in findings:
            key = (found.code, found.subject)
            since = before[key].since if key in before else self._now_text()
            after[key] = Issue(found.code, since, found.severity, found.suggestion, found.subject, found.detail)
        self._found[origin] = after
        for key in after.keys() - before.keys():
            self._on_change(after[key], True)
        for key in before.keys() - after.keys():
            self._on_change(before[key], False)

    def open_issues(self) -> tuple[Issue, ...]:
        """Worst first, then oldest."""
        rank = {Severity.ERROR: 0, Severity.WARNING: 1, Severity.INFO: 2}
        found = (issue for issues in self._found.values() for issue in issues.values())
        return tuple(sorted(found, key=lambda issue: (rank[issue.severity], issue.since)))
