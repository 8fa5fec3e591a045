"""The emulated line, at times that the test chooses."""

from __future__ import annotations

import itertools

import pytest

from tests.netlab.line import Line
from tests.netlab.path import Burst, End, Path, Step

MS = 1_000_000
PACKET = bytes(1250)  # 1 ms at 10 Mb/s
LONG_NS = 3600 * 1000 * MS


def sent(path: Path, packets: int, *, every_ms: float = 1.0, seed: int = 1) -> tuple[Line, list[tuple[int, int]]]:
    """The line, and (arrival ns, number) of what came of that many packets."""
    line = Line(path, seed=seed)
    for number in range(packets):
        line.offer(number.to_bytes(4, "big") + PACKET[4:], now_ns=int(number * every_ms * MS))
    return line, [(at_ns, int.from_bytes(packet[:4], "big")) for at_ns, packet in line.due(LONG_NS)]


def test_perfect_line_gives_at_once_what_it_takes() -> None:
    line = Line(Path(), seed=1)
    line.offer(PACKET, now_ns=5)
    assert line.next_ns == 5
    assert line.due(5) == [(5, PACKET)]
    assert line.next_ns is None


def test_nothing_arrives_before_its_delay() -> None:
    line = Line(Path(delay_ms=20), seed=1)
    line.offer(PACKET, now_ns=0)
    assert line.due(20 * MS - 1) == []
    assert line.next_ns == 20 * MS
    assert line.due(20 * MS) == [(20 * MS, PACKET)]


def test_rate_spaces_a_burst_out_and_the_queue_drops_its_tail() -> None:
    line, came = sent(Path(rate_bps=10_000_000, queue_ms=10), 25, every_ms=0)
    assert came == [((number + 1) * MS, number) for number in range(10)]
    assert line.counts.overflowed == 15
    assert line.counts.longest_queue_ms == 10


def test_rate_is_exact_however_late_it_is_looked_after() -> None:
    _, came = sent(Path(rate_bps=10_000_000, queue_ms=1e6), 1000, every_ms=0.5)
    assert came[-1] == (1000 * MS, 999)


def test_changed_rate_holds_from_the_next_packet_on() -> None:
    line = Line(Path(rate_bps=10_000_000), seed=1)
    for _ in range(4):
        line.offer(PACKET, now_ns=0)
    line.change(Path(rate_bps=1_000_000), now_ns=MS + 1)
    assert [at_ns / MS for at_ns, _ in line.due(LONG_NS)] == [1, 2, 12, 22]


def test_queue_in_ms_shrinks_with_the_rate() -> None:
    assert Path(rate_bps=20_000_000, queue_ms=100).queue_bytes == 250_000
    assert Path(rate_bps=4_000_000, queue_ms=100).queue_bytes == 50_000
    assert Path(rate_bps=4_000_000, queue_ms=0).queue_bytes == 1500


def test_random_loss_has_its_share() -> None:
    line, came = sent(Path(loss=0.02), 20_000)
    assert line.counts.lost == 20_000 - len(came)
    assert 0.017 < line.counts.lost / 20_000 < 0.023


def test_burst_loss_has_its_share_and_its_length() -> None:
    _, came = sent(Path(burst=Burst(share=0.05, packets=5)), 100_000)
    gaps = [after - before - 1 for (_, before), (_, after) in itertools.pairwise(came) if after - before > 1]
    assert 0.045 < sum(gaps) / 100_000 < 0.055
    assert 4.5 < sum(gaps) / len(gaps) < 5.5


def test_same_seed_loses_the_same() -> None:
    path = Path(loss=0.1, jitter_ms=3, delay_ms=9)
    assert sent(path, 500)[1] == sent(path, 500)[1]
    assert sent(path, 500)[1] != sent(path, 500, seed=2)[1]


def test_jitter_has_its_spread_and_keeps_the_order() -> None:
    _, came = sent(Path(delay_ms=50, jitter_ms=5), 20_000, every_ms=10)
    assert [number for _, number in came] == list(range(20_000))
    late_ms = [at_ns / MS - number * 10 - 50 for at_ns, number in came]
    assert 4 < (sum(ms * ms for ms in late_ms) / len(late_ms)) ** 0.5 < 6


def test_jitter_never_makes_a_packet_earlier_than_no_delay() -> None:
    _, came = sent(Path(delay_ms=1, jitter_ms=20), 5_000)
    assert all(at_ns >= number * MS for at_ns, number in came)


def test_packets_change_places_only_when_asked() -> None:
    _, came = sent(Path(delay_ms=5, reorder=0.1, reorder_ms=3), 1000)
    overtaken = sum(after < before for (_, before), (_, after) in itertools.pairwise(came))
    assert 50 < overtaken < 150


def test_outage_loses_what_is_offered_and_what_is_queued() -> None:
    line = Line(Path(rate_bps=10_000_000, delay_ms=5), seed=1)
    for _ in range(4):
        line.offer(PACKET, now_ns=0)
    line.change(Path(down=True), now_ns=2 * MS)
    line.offer(PACKET, now_ns=3 * MS)
    assert [at_ns for at_ns, _ in line.due(LONG_NS)] == [6 * MS, 7 * MS]
    assert line.counts.outage == 3
    assert line.next_ns is None


def test_cut_loses_what_is_on_its_way_and_the_new_line_may_be_shorter() -> None:
    line = Line(Path(delay_ms=100), seed=1)
    line.offer(PACKET, now_ns=0)
    line.change(Path(delay_ms=10), now_ns=MS, cut=True)
    line.offer(PACKET, now_ns=2 * MS)
    assert [at_ns for at_ns, _ in line.due(LONG_NS)] == [12 * MS]
    assert line.counts.outage == 1


def test_every_packet_is_accounted_for() -> None:
    line, came = sent(Path(loss=0.1, rate_bps=5_000_000, queue_ms=20, delay_ms=3), 2000)
    counts = line.counts
    assert counts.delivered == len(came)
    assert counts.delivered_bytes == len(came) * len(PACKET)
    assert counts.offered == counts.delivered + counts.lost + counts.overflowed + counts.outage


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"delay_ms": -1}, "delay_ms is -1"),
        ({"loss": 2}, "loss is 2"),
        ({"reorder": -0.1}, "reorder is -0.1"),
        ({"wander_ms": 0}, "wander_ms is 0"),
    ],
)
def test_path_that_cannot_be_is_refused(fields: dict[str, float], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Path(**fields)  # type: ignore[arg-type]


@pytest.mark.parametrize(("share", "packets"), [(0, 5), (1, 5), (0.1, 0.5)])
def test_burst_that_cannot_be_is_refused(share: float, packets: float) -> None:
    with pytest.raises(ValueError, match="no burst loss"):
        Burst(share, packets)


def test_step_survives_its_wire_form() -> None:
    step = Step(2.5, Path(delay_ms=3, burst=Burst(0.1, 4)), Path(down=True), cut=True, moves=End.BOX)
    assert Step.from_json(step.to_json()) == step
