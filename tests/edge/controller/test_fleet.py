from edge.controller.fleet import Fleet


def test_a_lost_of_an_older_session_is_ignored() -> None:
    fleet = Fleet()
    fleet.apply("a", "link", {"state": "online", "sess": 5}, now_s=1)
    fleet.apply("a", "link", {"state": "lost", "sess": 4}, now_s=2)
    assert fleet.box("a").online
    fleet.apply("a", "link", {"state": "lost", "sess": 5}, now_s=3)
    assert not fleet.box("a").online


def test_an_older_state_is_ignored() -> None:
    fleet = Fleet()
    fleet.apply("a", "state", {"sess": 2, "rev": 9, "x": "new"}, now_s=1)
    fleet.apply("a", "state", {"sess": 2, "rev": 8, "x": "old"}, now_s=2)
    assert fleet.box("a").state["x"] == "new"
    fleet.apply("a", "state", {"sess": 3, "rev": 1, "x": "restarted"}, now_s=3)
    assert fleet.box("a").state["x"] == "restarted"


def test_every_word_is_a_sign_of_life() -> None:
    fleet = Fleet()
    fleet.apply("a", "evt", {}, now_s=7)
    assert fleet.box("a").heard_s == 7
    assert fleet.box("never").heard_s is None
    assert [view.id for view in fleet.boxes()] == ["a"]


def test_odd_types_do_no_harm() -> None:
    fleet = Fleet()
    fleet.apply("a", "link", {"state": 5, "sess": "x", "chal": 7}, now_s=1)
    view = fleet.box("a")
    assert not view.online
    assert view.chal is None
    assert not view.clock_synchronised


def test_junk_is_not_taken_for_the_first_word_of_a_box() -> None:
    fleet = Fleet()
    for body in ({}, {"state": {}}, {"state": "online"}, {"state": "online", "sess": True}, {"state": "x", "sess": 1}):
        fleet.apply("a", "link", body, now_s=1)
    assert fleet.box("a").link == {}


def test_a_box_that_counts_its_connections_anew_is_believed() -> None:
    fleet = Fleet()
    fleet.apply("a", "link", {"state": "online", "sess": 900}, now_s=1)
    fleet.apply("a", "state", {"sess": 900, "rev": 70, "x": "old"}, now_s=1)
    fleet.apply("a", "link", {"state": "online", "sess": 1}, now_s=2)
    assert fleet.box("a").link["sess"] == 1
    fleet.apply("a", "state", {"sess": 1, "rev": 1, "x": "new"}, now_s=2)
    assert fleet.box("a").state["x"] == "new"
