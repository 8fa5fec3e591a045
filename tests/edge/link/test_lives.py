from typing import Any

import pytest

from edge.link.lives import Lives, remember_boot
from edge.link.store import Store


def lives(*sessions: int) -> Lives:
    found = Lives(boot="now", earlier_boots=frozenset({"before"}))
    for sess in sessions:
        found.began(sess)
    return found


def said(boot: Any = "now", sess: Any = 70, state: str = "online") -> dict[str, Any]:
    return {"v": 1, "state": state, "boot": boot, "sess": sess}


@pytest.mark.parametrize(
    ("body", "rival"),
    [
        (said(sess=65), False),
        (said(sess=3), False),
        (said(sess=66), True),
        (said(boot="before", sess=64), False),
        (said(boot="another", sess=1), True),
        (said(boot="another", sess=1, state="lost"), False),
        (said(boot="another", sess=1, state="offline"), False),
        (said(boot=["now"]), True),
        (said(sess="65"), True),
        ({}, False),
    ],
)
def test_rival_is_who_is_online_and_was_never_us(body: dict[str, Any], rival: bool) -> None:
    assert lives(65, 67).sees_rival(body) is rival


def test_whoever_was_there_before_we_came_is_no_rival() -> None:
    assert not lives().sees_rival(said(boot="another"))


async def test_boots_are_remembered_without_the_present_one(store: Store) -> None:
    assert await store.run(lambda db: remember_boot(db, "a")) == frozenset()
    assert await store.run(lambda db: remember_boot(db, "b")) == {"a"}
    assert await store.run(lambda db: remember_boot(db, "b")) == {"a"}
    for n in range(100):
        await store.run(lambda db, n=n: remember_boot(db, str(n)))  # type: ignore[misc]
    assert len(await store.run(lambda db: remember_boot(db, "c"))) == 64
