"""Issues on the status board become alarms: raised when they appear, cleared when they go. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from edge.link.letters import SEV, Scribe
from edge.link.outbox import Letter


class Alarms:
    """Compares the board's issues with the last ones seen; severity info makes no alarm."""

    def __init__(self, scribe: Scribe) -> None:
        self._scribe = scribe
        self._raised: dict[tuple[str, str], Mapping[str, Any]] = {}

    def step(self, issues: Any) -> list[Letter]:
        """The alarms to tell; anything but a list of issues counts as none."""
        current = dict(_keyed(issues))
        raised = [self._letter(current[key], "raised") for key in current if key not in self._raised]
        cleared = [self._letter(self._raised[key], "cleared") for key in self._raised if key not in current]
        self._raised = current
        return raised + cleared

    def _letter(self, issue: Mapping[str, Any], state: str) -> Letter:
        subject = str(issue.get("subject", ""))
        facts = {"subject": subject, "detail": str(issue.get("detail", "")), "since": issue.get("since")}
        return self._scribe.event(
            "alarm", str(issue["code"]), sev=SEV[issue["severity"]], facts=facts, state=state, subject=subject
        )


def _keyed(issues: Any) -> Iterator[tuple[tuple[str, str], Mapping[str, Any]]]:
    for issue in issues if isinstance(issues, list | tuple) else ():
        if isinstance(issue, Mapping) and "code" in issue and issue.get("severity") in ("warning", "error"):
            yield (str(issue["code"]), str(issue.get("subject", ""))), issue
