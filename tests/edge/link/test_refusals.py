from edge.link.refusals import Refusals

SECOND = 1_000_000_000


def test_the_first_refusal_is_told_at_once() -> None:
    assert Refusals().note("malformed", now_ns=5) == {"malformed": 1}


def test_a_flood_is_one_event_a_minute_and_none_is_forgotten() -> None:
    refusals = Refusals()
    told = [refusals.note("malformed", now_ns=n * SECOND) for n in range(121)]
    assert [counts for counts in told if counts] == [{"malformed": 1}, {"malformed": 60}, {"malformed": 60}]
    assert refusals.total == {"malformed": 121}


def test_kinds_are_counted_apart() -> None:
    refusals = Refusals()
    refusals.note("retained", now_ns=0)
    refusals.note("too_large", now_ns=1)
    assert refusals.note("retained", now_ns=61 * SECOND) == {"too_large": 1, "retained": 1}


def test_unsigned_commands_are_answered_64_at_once_then_one_a_second() -> None:
    refusals = Refusals()
    assert [refusals.may_answer(now_ns=0) for _ in range(65)] == [True] * 64 + [False]
    assert not refusals.may_answer(now_ns=SECOND - 1)
    assert refusals.may_answer(now_ns=SECOND)
    assert not refusals.may_answer(now_ns=SECOND)


def test_signed_repeats_are_answered_512_at_once_then_ten_a_second() -> None:
    refusals = Refusals()
    assert [refusals.may_repeat(now_ns=0) for _ in range(513)] == [True] * 512 + [False]
    assert [refusals.may_repeat(now_ns=SECOND) for _ in range(11)] == [True] * 10 + [False]
    assert refusals.may_answer(now_ns=0)
