"""What a recording lost, and that a recorder records what a real SRT sender sends."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from edge.model.errors import Unavailable
from edge.model.video import StreamFormat
from edge.sinks.srt import SrtSink
from tests.bench.network_figures import Shown
from tests.bench.network_receiver import recorded
from tests.bench.network_srt import SrtRecording, lost_by_seq, lost_by_time
from tests.media_units import make_units
from tests.srt_peers import free_udp_port, srt_spec


def test_missing_sequence_numbers_are_lost_pictures() -> None:
    seqs = [(float(seq), seq) for seq in range(10) if seq not in (3, 4)]
    assert lost_by_seq(seqs, 0, 10) == pytest.approx(0.2)
    assert lost_by_seq(seqs, 5, 10) == 0
    assert lost_by_seq([], 0, 10) == 1


def test_sent_times_that_were_not_shown_are_lost_pictures() -> None:
    sent_s = [1000 + index / 30 for index in range(30)]
    shown = [Shown(at_s + 0.0004, at_s + 0.1) for at_s in sent_s if at_s != sent_s[7]]
    assert lost_by_time(shown, sent_s, 1000, 1001) == pytest.approx(1 / 30)
    assert lost_by_time(shown, sent_s, 1000.5, 1001) == 0


def test_recorder_keeps_every_payload_with_its_arrival(tmp_path: Path) -> None:
    port, kept = free_udp_port(), tmp_path / "kept"
    sink = SrtSink(spec=srt_spec(port, "caller"))
    units = make_units(10)
    begin_ns = time.monotonic_ns()
    with SrtRecording(kept, port=port, latency_ms=120) as recording:
        _open(sink, units[0].format)
        for unit in units:
            sink.write(unit)
        recording.wait_first(10)
        sink.close()
    received = list(recorded(kept))
    assert all(len(payload) % 188 == 0 for _, payload in received)
    assert begin_ns < received[0][0] <= received[-1][0] <= time.monotonic_ns()
    assert recording.sessions == 1
    assert recording.dropped_packets(0, time.time() + 60) == 0


def _open(sink: SrtSink, format_: StreamFormat) -> None:
    """The recorder takes a second to listen."""
    for _ in range(10):
        try:
            return sink.open(format_)
        except Unavailable:
            continue
    pytest.fail("the recorder does not answer")
