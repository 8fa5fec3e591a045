"""Logging to stderr, one line each; systemd adds the time on an appliance."""

from __future__ import annotations

import logging
import sys
from types import TracebackType

_LOG = logging.getLogger(__name__)
LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR")
_CHATTY = ("aioice", "aiortc", "asyncio", "PIL")  # libraries that tell at INFO what only they need


def set_up_logging(process: str, *, level: str = "INFO") -> None:
    """Root logging for this process; a terminal gets times, a journal does not need them."""
    stamp = "%(asctime)s " if sys.stderr.isatty() else ""
    logging.basicConfig(
        level=level,
        format=f"{stamp}{process} %(levelname)s %(name)s: %(message)s",
        stream=sys.stderr,
        force=True,
    )
    set_level(level)
    sys.excepthook = _log_uncaught


def set_level(level: str) -> None:
    """From now on, of the root logger: DEBUG, INFO, WARNING or ERROR."""
    root = logging.getLogger()
    before = root.level
    root.setLevel(level)
    if root.level != before:
        _LOG.log(root.level, "from now on %s and worse is logged", level)
    for chatty in _CHATTY:
        logging.getLogger(chatty).setLevel(max(logging.WARNING, root.level))


def _log_uncaught(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    logging.getLogger("edge").critical("uncaught %s", kind.__name__, exc_info=(kind, error, trace))


class OutageLog:
    """An expected outage logs once at WARNING, then at DEBUG, and once at INFO when over."""

    def __init__(self, logger: logging.Logger, what: str) -> None:
        self._logger = logger
        self._what = what
        self.down = False

    def failed(self, error: object) -> None:
        self._logger.log(logging.DEBUG if self.down else logging.WARNING, "%s: %s", self._what, error)
        self.down = True

    def recovered(self) -> None:
        if self.down:
            self._logger.info("%s: working again", self._what)
        self.down = False
