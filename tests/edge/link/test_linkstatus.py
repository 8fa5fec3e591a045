from edge.link.linkstatus import LinkState, LinkStatus
from edge.model.errors import Forbidden, PeerGone, Unavailable
from edge.runtime.status_board import StatusBoard
from tests.fakes import FakeClock


async def test_an_outage_keeps_its_first_moment_and_its_issue_until_it_is_over() -> None:
    board, clock = StatusBoard(), FakeClock()
    status = LinkStatus(board=board, clock=clock, box="box-a", broker="127.0.0.1:1")
    status.put(LinkState.CONNECTING)
    assert board.get("link")["issues"] == []
    status.put(LinkState.OFFLINE, error=PeerGone("cannot reach it"))
    since = board.get("link")["since"]
    clock.advance(60_000)
    status.put(LinkState.CONNECTING)
    status.put(LinkState.OFFLINE, error=PeerGone("still not"))
    section = board.get("link")
    assert (section["state"], section["since"], section["last_error"]) == ("offline", since, "still not")
    (issue,) = section["issues"]
    assert (issue["code"], issue["since"], issue["severity"]) == ("broker_unreachable", since, "warning")
    status.put(LinkState.ONLINE)
    assert (board.get("link")["issues"], board.get("link")["last_error"]) == ([], "")


async def test_a_refusal_has_its_own_advice() -> None:
    board = StatusBoard()
    status = LinkStatus(board=board, clock=FakeClock(), box="box-a", broker="127.0.0.1:1")
    status.put(LinkState.OFFLINE, error=Forbidden("no", code="taken_over"))
    (issue,) = board.get("link")["issues"]
    assert issue["code"] == "taken_over"
    assert "new id" in issue["suggestion"]


async def test_a_disk_without_room_is_an_issue_of_its_own_until_it_is_over() -> None:
    board, clock = StatusBoard(), FakeClock()
    status = LinkStatus(board=board, clock=clock, box="box-a", broker="127.0.0.1:1")
    status.put(LinkState.ONLINE)
    status.storage(Unavailable("disk is full", code="link_store"))
    since = board.get("link")["issues"][0]["since"]
    clock.advance(60_000)
    status.storage(Unavailable("disk is full", code="link_store"))
    (issue,) = board.get("link")["issues"]
    assert (issue["code"], issue["severity"], issue["since"]) == ("link_storage", "error", since)
    assert (board.get("link")["state"], issue["detail"]) == ("online", "disk is full")
    status.storage(None)
    assert board.get("link")["issues"] == []
