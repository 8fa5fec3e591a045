from edge.media.keyframe_gate import KeyframeGate
from edge.model.feedback import KeyframeRequest
from tests.fakes import FakeClock


def _ask(gate: KeyframeGate, sink: str) -> None:
    gate.request(KeyframeRequest(sink, "pli"))


def test_requests_of_many_receivers_cost_one_keyframe() -> None:
    gate = KeyframeGate(clock=FakeClock())
    for number in range(20):
        _ask(gate, f"viewer-{number}")
    assert gate.take()
    gate.note_keyframe()
    assert not gate.take()


def test_request_soon_after_a_keyframe_waits_for_the_spacing() -> None:
    clock = FakeClock()
    gate = KeyframeGate(clock=clock, spacing_ns=250_000_000)
    gate.note_keyframe()
    _ask(gate, "viewer")
    assert not gate.take()
    clock.advance(250)
    assert gate.take()


def test_one_bad_receiver_stays_within_its_budget() -> None:
    clock = FakeClock()
    gate = KeyframeGate(clock=clock, spacing_ns=0, budget_ns=1_000_000_000)
    keyframes = 0
    for _ in range(500):
        _ask(gate, "bad")
        if gate.take():
            keyframes += 1
            gate.note_keyframe()
        clock.advance(10)
    assert keyframes == 5
    assert gate.refused > 400


def test_budget_of_a_bad_receiver_does_not_touch_a_good_one() -> None:
    gate = KeyframeGate(clock=FakeClock(), spacing_ns=0)
    _ask(gate, "bad")
    gate.note_keyframe()
    _ask(gate, "bad")
    assert not gate.take()
    _ask(gate, "good")
    assert gate.take()
