from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import pytest

from edge.model.command import Command, Lane, ResultState
from edge.model.errors import EdgeError, Invalid, PeerGone
from edge.runtime.command_bus import CommandBus


async def test_unknown_operation_is_rejected_by_name() -> None:
    result = await CommandBus().submit(Command("1", "no.such"))
    assert (result.st, result.code) == (ResultState.REJECTED, "unknown_operation")
    assert "no.such" in result.detail


@pytest.mark.parametrize(
    ("error", "state", "code"),
    [
        (Invalid("sink: missing"), ResultState.REJECTED, "invalid"),
        (PeerGone("media is away"), ResultState.FAILED, "peer_gone"),
        (ZeroDivisionError(), ResultState.FAILED, "fault"),
    ],
)
async def test_errors_become_results(error: Exception, state: ResultState, code: str) -> None:
    async def run(args: Mapping[str, Any]) -> Mapping[str, Any]:
        raise error

    bus = CommandBus()
    bus.register("do", Lane.STREAM, run)
    result = await bus.submit(Command("1", "do"))
    assert (result.id, result.st, result.code) == ("1", state, code)
    if isinstance(error, EdgeError):
        assert result.detail == str(error)


async def test_grave_arguments_need_a_sender_that_is_present() -> None:
    async def run(args: Mapping[str, Any]) -> Mapping[str, Any]:
        return args

    bus = CommandBus()
    bus.register("mask.set", Lane.CONFIG, run, grave=lambda args: args["less"])
    bus.register("plain", Lane.CONFIG, run)
    for less, present, code in ((False, False, "ok"), (True, False, "challenge_needed"), (True, True, "ok")):
        result = await bus.submit(Command("1", "mask.set", {"less": less}, present=present))
        assert result.code == code
    assert [bus.is_grave(op, {"less": True}) for op in ("mask.set", "plain", "no.such")] == [True, None, None]


async def test_what_must_be_signed_runs_for_nobody_without_a_key_also_at_the_box() -> None:
    async def run(command: Command) -> Mapping[str, Any]:
        return {"by": command.kid, **command.args}

    bus = CommandBus()
    bus.register_signed("keys.set", Lane.SYSTEM, run)
    refused = await bus.submit(Command("1", "keys.set", {"n": 1}, present=True))
    assert (refused.st, refused.code) == (ResultState.REJECTED, "signature_needed")
    done = await bus.submit(Command("1", "keys.set", {"n": 1}, kid="ctl-1"))
    assert done.payload == {"by": "ctl-1", "n": 1}
    assert bus.is_grave("keys.set", {}) is None


async def test_one_lane_runs_in_order_and_lanes_do_not_wait_for_each_other() -> None:
    bus, ran, hold = CommandBus(), [], asyncio.Event()

    async def slow(args: Mapping[str, Any]) -> Mapping[str, Any]:
        await hold.wait()
        ran.append(args["n"])
        return {}

    async def quick(args: Mapping[str, Any]) -> Mapping[str, Any]:
        ran.append("quick")
        return {}

    bus.register("slow", Lane.STREAM, slow)
    bus.register("quick", Lane.CONFIG, quick)
    waiting = [asyncio.ensure_future(bus.submit(Command(str(n), "slow", {"n": n}))) for n in range(3)]
    await asyncio.sleep(0)
    await bus.submit(Command("q", "quick"))
    hold.set()
    await asyncio.gather(*waiting)
    assert ran == ["quick", 0, 1, 2]
