from edge.link.overdue import Overdue

S = 1_000_000_000


def test_what_stays_unacknowledged_for_30_s_is_due_once() -> None:
    overdue = Overdue()
    overdue.heard(10, sent=15, now_ns=0)
    assert overdue.due(now_ns=29 * S) is None
    assert overdue.due(now_ns=30 * S) == 10
    assert overdue.due(now_ns=300 * S) is None


def test_a_controller_that_gets_on_is_given_time() -> None:
    overdue = Overdue()
    for n in range(100):
        overdue.heard(n, sent=n + 5, now_ns=n * S)
        assert overdue.due(now_ns=n * S) is None


def test_nothing_is_due_once_all_is_acknowledged() -> None:
    overdue = Overdue()
    overdue.heard(10, sent=15, now_ns=0)
    overdue.heard(15, sent=15, now_ns=S)
    assert overdue.due(now_ns=100 * S) is None


def test_a_controller_that_says_nothing_is_sent_nothing() -> None:
    assert Overdue().due(now_ns=10_000 * S) is None


def test_patience_doubles_while_nothing_helps_and_starts_over_when_it_does() -> None:
    overdue = Overdue()
    overdue.heard(10, sent=15, now_ns=0)
    assert overdue.due(now_ns=30 * S) == 10
    overdue.heard(10, sent=15, now_ns=31 * S)
    assert overdue.due(now_ns=90 * S) is None
    assert overdue.due(now_ns=91 * S) == 10
    overdue.heard(12, sent=15, now_ns=92 * S)
    assert overdue.due(now_ns=122 * S) == 12


def test_an_older_acknowledgement_that_comes_late_takes_nothing_back() -> None:
    overdue = Overdue()
    overdue.heard(15, sent=15, now_ns=0)
    overdue.heard(3, sent=15, now_ns=S)
    assert overdue.due(now_ns=100 * S) is None
