"""Session: from units to a report, live and from a file."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from edge.measure.container import container_units
from edge.measure.session import Carriers, Session, ts_units
from edge.measure.unit import ReceivedUnit
from edge.model.errors import Invalid, PeerGone, TimedOut
from edge.model.video import Codec
from tests.edge.measure import bench
from tests.edge.measure.bench import HandClock


def received(made: list[bench.Made], *, late_ns: int = 100_000_000) -> Iterator[ReceivedUnit]:
    """Units as they arrive 20 ms apart, each so late after its capture."""
    clock = HandClock()
    for index, unit in enumerate(made):
        yield ReceivedUnit(Codec.H264, clock.now_ns + index * 20_000_000 + late_ns, unit.data)


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


def test_live_stream_gives_both_latencies(clock: HandClock) -> None:
    session = Session(clock=clock, carriers=Carriers())
    report = session.run(received(bench.units(20)), seconds=None, stop=lambda: None)
    assert report.pictures == report.live == 20
    assert report.sei is not None
    assert report.sei.p50 == report.sei.max == 100.0
    assert report.strip is not None
    assert report.strip.p50 == 100.0
    assert report.decoded == 20
    assert session.size == (640, 360)


def test_sei_alone_decodes_nothing(clock: HandClock) -> None:
    report = Session(clock=clock, carriers=Carriers(strip=False)).run(
        received(bench.units(5)), seconds=None, stop=lambda: None
    )
    assert (report.decoded, report.strip) == (0, None)
    assert report.sei is not None


def test_strip_alone_looks_at_no_sei(clock: HandClock) -> None:
    report = Session(clock=clock, carriers=Carriers(sei=False)).run(
        received(bench.units(5)), seconds=None, stop=lambda: None
    )
    assert (report.live, report.sei, report.strip_minus_sei) == (0, None, None)
    assert report.strip is not None
    assert report.strip.p50 == 100.0


def test_units_before_the_first_keyframe_count_by_their_sei(clock: HandClock) -> None:
    report = Session(clock=clock, carriers=Carriers()).run(
        received(bench.units(20)[5:]), seconds=None, stop=lambda: None
    )
    assert (report.pictures, report.decoded) == (15, 10)


def test_damaged_unit_stops_decoding_until_the_next_keyframe(clock: HandClock) -> None:
    made = bench.units(20)
    made[3] = bench.Made(made[3].data[:60], made[3].key, made[3].sei)
    report = Session(clock=clock, carriers=Carriers()).run(received(made), seconds=None, stop=lambda: None)
    assert report.live == 20
    assert 10 <= report.decoded <= 20


def test_decoder_that_is_behind_skips_to_a_keyframe_and_sei_goes_on(clock: HandClock) -> None:
    session = Session(clock=clock, carriers=Carriers())
    ready, backlog = threading.Event(), list(received(bench.units(60, gop=10)))

    def units() -> Iterator[ReceivedUnit]:
        yield from backlog
        ready.set()

    reader = threading.Thread(target=session._read, args=(units(),))
    reader.start()
    assert ready.wait(10)
    reader.join()
    session._follow(None)
    report = session._tally.report()
    assert report.live == 60
    assert report.sei is not None
    assert 0 < report.decoded <= 20


def test_no_picture_in_time_is_timed_out_and_the_reader_is_told(clock: HandClock) -> None:
    stopped = threading.Event()

    def nothing() -> Iterator[ReceivedUnit]:
        stopped.wait(10)
        yield from ()

    session = Session(clock=clock, carriers=Carriers(), patience_s=0.01)
    with pytest.raises(TimedOut, match=r"no picture within 0\.01 s"):
        session.run(nothing(), seconds=1.0, stop=stopped.set)
    assert stopped.is_set()


def test_error_of_the_stream_is_raised(clock: HandClock) -> None:
    def broken() -> Iterator[ReceivedUnit]:
        raise PeerGone("the sender refused")
        yield

    with pytest.raises(PeerGone, match="refused"):
        Session(clock=clock, carriers=Carriers()).run(broken(), seconds=1.0, stop=lambda: None)


def test_stream_that_breaks_off_is_reported_as_far_as_it_came(clock: HandClock) -> None:
    def breaking() -> Iterator[ReceivedUnit]:
        yield from received(bench.units(3))
        raise PeerGone("gone")

    report = Session(clock=clock, carriers=Carriers()).run(breaking(), seconds=100.0, stop=lambda: None)
    assert report.pictures == 3


def test_chunks_of_mpegts_become_units(clock: HandClock) -> None:
    stream = bench.muxed(bench.units(5))
    chunks = (stream[at : at + 1316] for at in range(0, len(stream), 1316))
    assert len(list(ts_units(chunks, clock=clock))) == 5


@pytest.mark.parametrize("format", ["mpegts", "mp4", "matroska", "h264"])
def test_file_is_read_whole_and_its_two_carriers_agree(clock: HandClock, tmp_path: Path, format: str) -> None:
    path = tmp_path / "recording"
    made = bench.units(25, not_live=frozenset((24,)))
    path.write_bytes(bench.muxed(made, format=format) if format != "h264" else b"".join(u.data for u in made))
    report = Session(clock=clock, carriers=Carriers()).read_all(container_units(str(path), clock=clock, live=False))
    assert (report.pictures, report.live, report.not_live, report.missing) == (25, 24, 1, 0)
    assert report.strip_minus_sei is not None
    assert (report.strip_minus_sei.min, report.strip_minus_sei.max, report.strip_minus_sei.count) == (0.0, 0.0, 24)


def test_absent_file_is_named(clock: HandClock, tmp_path: Path) -> None:
    with pytest.raises(PeerGone, match=r"absent\.ts cannot be opened: No such file"):
        list(container_units(str(tmp_path / "absent.ts"), clock=clock, live=False))


def test_file_that_is_no_video_is_named(clock: HandClock, tmp_path: Path) -> None:
    path = tmp_path / "text.ts"
    path.write_text("not a video " * 100)
    with pytest.raises((PeerGone, Invalid), match=r"text\.ts"):
        list(container_units(str(path), clock=clock, live=False))
