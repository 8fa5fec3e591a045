from __future__ import annotations

import itertools

import pytest

from edge.controller.exchange import Exchange, Verdict
from edge.model.command import Result, ResultState

_PLACES = itertools.count(1)


def say(exchange: Exchange, st: str, code: str = "ok", *, had_chal: bool = False) -> Verdict:
    return exchange.take(Result("id", ResultState(st), code), ("e", next(_PLACES)), had_chal=had_chal)


@pytest.mark.parametrize("st", ["done", "failed", "interrupted"])
def test_these_are_final_at_any_time(st: str) -> None:
    assert say(Exchange(), st) is Verdict.FINAL
    assert say(Exchange(doubt=True), st) is Verdict.FINAL


def test_accepted_and_running_are_waited_for() -> None:
    exchange = Exchange()
    assert [say(exchange, "accepted"), say(exchange, "running")] == [Verdict.WAIT] * 2
    assert exchange.accepted


@pytest.mark.parametrize("code", ["forbidden", "unknown_operation", "expired", "rev_mismatch", "unknown_sink"])
def test_a_rejection_is_final_where_no_copy_can_have_been_accepted(code: str) -> None:
    assert say(Exchange(), "rejected", code) is Verdict.FINAL


@pytest.mark.parametrize("code", ["expired", "challenge_needed", "unknown_key"])
def test_a_rejection_of_what_may_have_been_accepted_is_asked_about_once(code: str) -> None:
    exchange = Exchange()
    say(exchange, "accepted")
    assert say(exchange, "rejected", code, had_chal=True) is Verdict.RENEW
    assert say(Exchange(doubt=True), "rejected", code, had_chal=True) is Verdict.RENEW


def test_the_answer_to_that_question_is_final() -> None:
    exchange = Exchange(doubt=True)
    assert say(exchange, "rejected", "expired") is Verdict.RENEW
    assert say(exchange, "rejected", "expired") is Verdict.FINAL


def test_an_operation_that_rejects_its_arguments_after_accepting_is_final() -> None:
    exchange = Exchange()
    say(exchange, "accepted")
    assert say(exchange, "rejected", "unknown_sink") is Verdict.FINAL


def test_busy_is_said_again_with_the_same_bytes() -> None:
    exchange = Exchange()
    assert [say(exchange, "rejected", "busy") for _ in range(3)] == [Verdict.AGAIN] * 3


def test_an_outdated_challenge_is_renewed_once() -> None:
    exchange = Exchange()
    assert say(exchange, "rejected", "challenge_needed", had_chal=True) is Verdict.RENEW
    assert say(exchange, "rejected", "challenge_needed", had_chal=True) is Verdict.FINAL


def test_a_challenge_that_was_not_given_is_given_and_may_then_be_outdated_too() -> None:
    exchange = Exchange()
    assert say(exchange, "rejected", "challenge_needed") is Verdict.RENEW
    assert say(exchange, "rejected", "challenge_needed", had_chal=True) is Verdict.FINAL


def test_stale_is_signed_anew_some_times_since_it_never_ran() -> None:
    exchange = Exchange(doubt=True)
    verdicts = [say(exchange, "rejected", "stale") for _ in range(7)]
    assert verdicts == [Verdict.RENEW] * 6 + [Verdict.FINAL]


def test_the_same_word_delivered_twice_counts_once() -> None:
    exchange = Exchange()
    busy = Result("id", ResultState.REJECTED, "busy")
    assert exchange.take(busy, ("e", 1), had_chal=False) is Verdict.AGAIN
    assert exchange.take(busy, ("e", 1), had_chal=False) is Verdict.WAIT
