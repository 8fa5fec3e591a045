import json
from typing import Any

import pytest

from edge.link.state import MAX_STATE_BYTES, Revision, fit, health_word, reported, substance
from edge.link.store import Store

DOCUMENT: dict[str, Any] = {
    "signal": {"state": "locked", "lock_changes": 1, "last_change_age_s": 5},
    "encoder": {
        "rungs": [
            {"wished_bps": 8_000_000, "measured_bps": 7_900_000, "target_bps": 7_000_000, "fps": 59.9, "sessions": 1}
        ]
    },
    "sinks": [{"name": "srt", "state": "live", "delivered": 10, "detail": {"rtt_ms": 1}}],
    "viewers": [{"session": "a", "delivered": 1}],
    "latency": {"box": {"p95": 20_000}},
}


def changed(**sections: Any) -> bool:
    return bool(substance({**DOCUMENT, **sections}) != substance(DOCUMENT))


def test_numbers_that_move_all_the_time_are_no_change() -> None:
    assert not changed(
        signal={"state": "locked", "lock_changes": 1, "last_change_age_s": 6},
        encoder={
            "rungs": [{"wished_bps": 8_000_000, "measured_bps": 1, "target_bps": 2_000_000, "fps": 30.1, "sessions": 1}]
        },
        sinks=[{"name": "srt", "state": "live", "delivered": 99, "detail": {"rtt_ms": 2}}],
        viewers=[{"session": "a", "delivered": 2}],
        latency={"box": {"p95": 1}},
    )


def test_what_a_person_would_call_a_change_is_one() -> None:
    assert changed(signal={"state": "no_signal", "lock_changes": 1})
    assert changed(encoder={"rungs": [{"wished_bps": 4_000_000, "sessions": 1}]})
    assert changed(sinks=[])
    assert changed(viewers=[])
    assert changed(issues=[{"code": "x"}])


def test_a_document_that_fits_is_sent_whole() -> None:
    assert json.loads(fit(DOCUMENT)) == DOCUMENT


def test_a_document_too_large_loses_its_largest_sections_by_name() -> None:
    big = {**DOCUMENT, "processes": "x" * 20_000, "history": "y" * 30_000}
    text = fit(big)
    assert len(text) <= MAX_STATE_BYTES
    assert json.loads(text) == {**DOCUMENT, "omitted": ["history", "processes"]}


def test_what_became_of_a_desired_document_is_never_left_out() -> None:
    head = {"v": 1, "rev": 9, "desired_rev": 57, "desired_status": "rejected", "errors": ["x" * 15_000]}
    sections = {f"s{n}": "y" * 500 for n in range(5)}
    said = json.loads(fit({**head, **sections}))
    assert {name: said[name] for name in head} == head
    assert "s0" not in said


@pytest.mark.parametrize(
    ("document", "word"),
    [
        ({}, "ok"),
        ({"health": {"status": "degraded"}}, "degraded"),
        ({"health": "failed"}, "failed"),
        ({"issues": [{"severity": "info"}]}, "ok"),
        ({"issues": [{"severity": "warning"}]}, "degraded"),
        ({"issues": [{"severity": "warning"}, {"severity": "error"}]}, "failed"),
        ({"health": {"cpu": 1}, "issues": "nonsense"}, "ok"),
    ],
)
def test_health_is_one_word(document: dict[str, Any], word: str) -> None:
    assert health_word(document) == word
    assert reported(document)["health"] == word


async def test_revisions_rise_across_restarts(store: Store) -> None:
    numbers = []
    for _ in range(3):
        revision = Revision(store)
        numbers += [await revision.advance(changed=False) for _ in range(70)]
    assert numbers == sorted(set(numbers))


async def test_the_first_revision_of_a_substance_is_remembered(store: Store) -> None:
    revision = Revision(store)
    first = await revision.advance(changed=True)
    await revision.advance(changed=False)
    assert (revision.first, revision.last) == (first, first + 1)
    await revision.advance(changed=True)
    assert (revision.first, revision.last) == (first + 2, first + 2)


def test_session_ids_that_let_a_reader_end_a_viewer_stay_in_the_box() -> None:
    told = reported(
        {"viewers": [{"name": "viewer-1", "session": "secret", "state": "live"}], "viewer_reports": {"secret": {}}}
    )
    assert told["viewers"] == [{"name": "viewer-1", "state": "live"}]
    assert "secret" not in str(told)
