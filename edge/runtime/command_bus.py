"""The one door for commands, whoever sends them: MQTT, HTTP, the page, the CLI."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from edge.model.command import Command, Lane, Result, ResultState
from edge.model.errors import EdgeError, Rejected

_LOG = logging.getLogger(__name__)
Run = Callable[[Mapping[str, Any]], Awaitable[Mapping[str, Any]]]
RunSigned = Callable[[Command], Awaitable[Mapping[str, Any]]]
Grave = Callable[[Mapping[str, Any]], bool]


@dataclass(frozen=True, slots=True)
class _Operation:
    lane: Lane
    run: RunSigned
    grave: Grave | None
    signed: bool = False


class CommandBus:
    """Operations by name; those of one lane run one at a time, in order of arrival."""

    def __init__(self) -> None:
        self._operations: dict[str, _Operation] = {}
        self._lanes = {lane: asyncio.Lock() for lane in Lane}

    def register(self, op: str, lane: Lane, run: Run, *, grave: Grave | None = None) -> None:
        """`run` takes the arguments as sent and returns the answer; it raises EdgeError to refuse or fail.

        `grave` says whether these arguments, as the box is now, may only come from a sender that is
        present; it raises nothing, and arguments that `run` will refuse are not grave.
        """
        self._operations[op] = _Operation(lane, lambda command: run(command.args), grave)

    def register_signed(self, op: str, lane: Lane, run: RunSigned) -> None:
        """As `register`, for what only a signed command may ask for, whoever else is at the box."""
        self._operations[op] = _Operation(lane, run, None, signed=True)

    def knows(self, op: str) -> bool:
        return op in self._operations

    def lane_of(self, op: str) -> Lane:
        """The lane of an operation; `system` for one that is not known."""
        operation = self._operations.get(op)
        return operation.lane if operation else Lane.SYSTEM

    def is_grave(self, op: str, args: Mapping[str, Any]) -> bool | None:
        """Whether the sender must be present; None where the operation does not judge its arguments."""
        operation = self._operations.get(op)
        return None if operation is None or operation.grave is None else operation.grave(args)

    async def submit(self, command: Command) -> Result:
        """Never raises: what went wrong is in the result."""
        operation = self._operations.get(command.op)
        if operation is None:
            return Result(command.id, ResultState.REJECTED, "unknown_operation", f"no operation {command.op!r}")
        if operation.signed and not command.kid:
            sentence = f"{command.op} must be signed by a controller's key"
            return Result(command.id, ResultState.REJECTED, "signature_needed", sentence)
        async with self._lanes[operation.lane]:
            # judged here again: what ran in this lane in the meantime may have made it grave
            if not command.present and self.is_grave(command.op, command.args):
                sentence = f"{command.op} with these arguments needs the current chal of the link message"
                return Result(command.id, ResultState.REJECTED, "challenge_needed", sentence)
            try:
                payload = await operation.run(command)
            except Rejected as error:
                return Result(command.id, ResultState.REJECTED, error.code, str(error))
            except EdgeError as error:
                return Result(command.id, ResultState.FAILED, error.code, str(error))
            except Exception:
                _LOG.exception("operation %s failed", command.op)
                return Result(command.id, ResultState.FAILED, "fault", f"{command.op} failed inside the box")
        return Result(command.id, ResultState.DONE, payload=payload)
