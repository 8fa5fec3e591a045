from __future__ import annotations

import asyncio
import time
from pathlib import Path

import pytest

from edge.controller.commands import Written
from edge.controller.conversation import Answer, Conversation, Puback
from edge.controller.fleet import BoxView
from edge.controller.orders import Wish
from edge.model.command import Result, ResultState
from edge.model.errors import EdgeError, Forbidden, PeerGone, TimedOut
from edge.vault.signing import SigningKey

FAR_MS = 1 << 50
DONE = (ResultState.DONE, "ok")
ACCEPTED = (ResultState.ACCEPTED, "ok")


class FakeLine:
    """A box that answers each message by script; what it was sent is in `sent`, as envelopes."""

    def __init__(self, *script: tuple[tuple[ResultState, str], ...] | EdgeError | int | None) -> None:
        self.script = list(script)
        self.sent: list[bytes] = []
        self.orders: list[tuple[bool, bool]] = []
        self.answers: asyncio.Queue[Answer] = asyncio.Queue()
        self.chal = "c1"
        self._place = 0

    def view(self, box: str) -> BoxView:
        return BoxView(box, {"state": "online", "chal": self.chal, "clk": "sync"})

    async def news(self) -> None:
        self.chal = "c2"

    async def order(self, box: str, wish: Wish, *, challenged: bool, leap: bool) -> tuple[Written, Puback]:
        self.orders.append((challenged, leap))
        written = Written(wish.id, b"e%d" % len(self.orders), FAR_MS, self.chal if challenged else None)
        return written, await self.repeat(box, written)

    async def repeat(self, box: str, written: Written) -> Puback:
        puback: Puback = asyncio.get_running_loop().create_future()
        step = self.script.pop(0) if self.script else ()
        if isinstance(step, EdgeError):
            raise step
        self.sent.append(written.envelope)
        if isinstance(step, int):
            puback.set_result(step)
        elif step is None:
            puback.set_exception(PeerGone("lost"))
            puback.exception()
        else:
            puback.set_result(0)
            for st, code in step:
                self._place += 1
                self.answers.put_nowait((Result("id", st, code), ("e", self._place)))
        return puback


def rejected(code: str) -> tuple[ResultState, str]:
    return ResultState.REJECTED, code


@pytest.fixture
def wish(tmp_path: Path) -> Wish:
    key = SigningKey.load_or_create(tmp_path / "key.pem")
    return Wish(id="id", op="a.b", args={}, by="me", key=key)


async def converse(line: FakeLine, wish: Wish, written: Written | None = None, *, timeout_s: float = 5) -> Result:
    conversation = Conversation(line=line, box="box-a", wish=wish, answers=line.answers, repeat_s=0.02)
    return await conversation.final(written, timeout_s=timeout_s)


async def test_the_final_result_is_waited_for(wish: Wish) -> None:
    line = FakeLine((ACCEPTED, DONE))
    assert (await converse(line, wish)).st is ResultState.DONE
    assert line.sent == [b"e1"]


async def test_silence_is_answered_with_the_same_bytes(wish: Wish) -> None:
    line = FakeLine((), (), (ACCEPTED, DONE))
    assert (await converse(line, wish)).st is ResultState.DONE
    assert line.sent == [b"e1"] * 3


async def test_a_lost_puback_is_answered_with_the_same_bytes_once_the_broker_is_back(wish: Wish) -> None:
    line = FakeLine(None, PeerGone("not yet"), (DONE,))
    assert (await converse(line, wish)).st is ResultState.DONE
    assert line.sent == [b"e1"] * 2


async def test_a_busy_box_gets_the_same_bytes_after_a_while(wish: Wish) -> None:
    line = FakeLine((rejected("busy"),), (ACCEPTED, DONE))
    assert (await converse(line, wish)).st is ResultState.DONE
    assert line.sent == [b"e1"] * 2


async def test_busy_to_the_end_is_the_result(wish: Wish) -> None:
    line = FakeLine((rejected("busy"),))
    assert (await converse(line, wish, timeout_s=0.1)).code == "busy"


async def test_an_outdated_challenge_is_replaced_by_the_new_connections_under_the_same_id(wish: Wish) -> None:
    line = FakeLine((rejected("challenge_needed"),), (rejected("challenge_needed"),), (ACCEPTED, DONE))
    result = await converse(line, wish)
    assert result.code == "challenge_needed"
    assert line.orders == [(False, False), (True, False)]
    line = FakeLine((rejected("challenge_needed"),), (ACCEPTED, DONE))
    assert (await converse(line, wish, Written("id", b"old", FAR_MS, "c1"))).st is ResultState.DONE
    assert line.sent == [b"old", b"e1"]
    assert line.chal == "c2"


async def test_a_counter_that_others_have_passed_leaps(wish: Wish) -> None:
    line = FakeLine((rejected("stale"),), (ACCEPTED, DONE))
    assert (await converse(line, wish)).st is ResultState.DONE
    assert line.orders == [(False, False), (False, True)]


async def test_what_an_earlier_process_said_is_said_again_as_it_was(wish: Wish) -> None:
    line = FakeLine((DONE,))
    assert (await converse(line, wish, Written("id", b"old", FAR_MS, None))).st is ResultState.DONE
    assert (line.sent, line.orders) == ([b"old"], [])


async def test_what_has_expired_meanwhile_is_signed_anew(wish: Wish) -> None:
    line = FakeLine((DONE,))
    old = Written("id", b"old", int(time.time() * 1000) - 1, None)
    assert (await converse(line, wish, old)).st is ResultState.DONE
    assert line.sent == [b"e1"]


async def test_expired_of_a_copy_of_what_ran_is_not_the_result(wish: Wish) -> None:
    line = FakeLine((rejected("expired"),), (DONE,))
    assert (await converse(line, wish, Written("id", b"old", FAR_MS, None))).st is ResultState.DONE
    assert line.sent == [b"old", b"e1"]


async def test_signing_anew_waits_for_the_broker(wish: Wish) -> None:
    line = FakeLine((rejected("stale"),), PeerGone("away"), (DONE,))
    assert (await converse(line, wish)).st is ResultState.DONE


async def test_without_a_broker_at_the_start_it_is_told_at_once(wish: Wish) -> None:
    with pytest.raises(PeerGone):
        await converse(FakeLine(PeerGone("no broker")), wish)


async def test_a_broker_that_will_not_is_told_at_once(wish: Wish) -> None:
    with pytest.raises(Forbidden, match="does not let us"):
        await converse(FakeLine(0x87), wish)


async def test_silence_to_the_end_tells_whether_it_was_accepted(wish: Wish) -> None:
    with pytest.raises(TimedOut, match=r"did not answer a\.b within"):
        await converse(FakeLine(), wish, timeout_s=0.05)
    with pytest.raises(TimedOut, match=r"a\.b finally \(it was accepted\)"):
        await converse(FakeLine((ACCEPTED,)), wish, timeout_s=0.05)
