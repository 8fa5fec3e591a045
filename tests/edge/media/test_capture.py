from __future__ import annotations

import logging

from edge.media.capture import CaptureLoop
from edge.media.latency import LatencyBook
from edge.media.mixer import Feed, Mixer
from edge.media.signal_book import SignalBook
from edge.media.slate import FrozenBanner, SlatePainter
from edge.model.errors import DeviceGone
from edge.model.frame import Frame
from edge.model.picture import PictureSpec
from edge.model.signal import Signal, SignalState
from edge.runtime.backoff import Backoff
from edge.runtime.component import Context
from edge.runtime.log import OutageLog
from tests.fakes import BlockPainter, FakeClock, ListSource, make_frame


def _run(source: ListSource, clock: FakeClock) -> tuple[list[Frame], SignalBook]:
    sent: list[Frame] = []
    ctx = Context()
    source.on_empty = ctx.ask_to_stop
    return sent, _work(source, clock, ctx, sent)


def _work(source: ListSource, clock: FakeClock, ctx: Context, sent: list[Frame], *, hurried: bool = True) -> SignalBook:
    book, painter = SignalBook(clock=clock), BlockPainter()
    mixer = Mixer(
        clock=clock,
        book=book,
        slate=SlatePainter(painter=painter),
        banner=FrozenBanner(painter=painter),
        slate_after_ns=250_000_000,
        rungs=(Feed(sent.append),),
    )
    mixer.frame_as(PictureSpec(freeze_after_ms=0))
    quick = {"backoff": lambda: Backoff(first_s=0.001, cap_s=0.001)} if hurried else {}
    CaptureLoop(
        source=source,
        mixer=mixer,
        book=book,
        latency=LatencyBook(clock=clock),
        clock=clock,
        outage=OutageLog(logging.getLogger("test"), "source"),
        **quick,
    ).work(ctx)
    return book


def test_frames_reach_the_rungs_and_prove_the_lock() -> None:
    clock = FakeClock()
    sent, book = _run(ListSource(make_frame(clock, seq=1), make_frame(clock, seq=2)), clock)
    assert [frame.seq for frame in sent] == [1, 2]
    assert book.signal.state is SignalState.LOCKED


def test_signal_is_noted_and_lock_changes_are_counted() -> None:
    clock = FakeClock()
    source = ListSource(make_frame(clock), Signal(SignalState.NO_SIGNAL, "off"), Signal(SignalState.NO_SIGNAL, "off"))
    _, book = _run(source, clock)
    report = book.report()
    assert report.signal == Signal(SignalState.NO_SIGNAL, "off")
    assert report.lock_changes == 2
    assert report.last_good is not None


def test_device_that_goes_is_opened_again() -> None:
    clock = FakeClock()
    source = ListSource(make_frame(clock, seq=1), DeviceGone("unplugged"), make_frame(clock, seq=2))
    sent, book = _run(source, clock)
    assert [frame.seq for frame in sent] == [1, 2]
    assert source.opened == 2
    assert book.signal.locked


def test_device_that_cannot_be_opened_is_tried_again(caplog: object) -> None:
    clock = FakeClock()
    source = ListSource(make_frame(clock), open_errors=[DeviceGone("no /dev/video0"), DeviceGone("no /dev/video0")])
    sent, _ = _run(source, clock)
    assert source.opened == 3
    assert source.closed == 3
    assert len(sent) == 1


def test_expected_outage_is_logged_once_and_its_end_once(caplog: object) -> None:
    clock = FakeClock()
    source = ListSource(make_frame(clock), open_errors=[DeviceGone("away")] * 4)
    with caplog.at_level(logging.INFO):  # type: ignore[attr-defined]
        _run(source, clock)
    assert [record.levelname for record in caplog.records] == ["WARNING", "INFO"]  # type: ignore[attr-defined]


def test_missing_frames_are_counted_as_gaps() -> None:
    clock = FakeClock()
    _, book = _run(ListSource(make_frame(clock, seq=1), make_frame(clock, seq=4)), clock)
    assert book.report().gaps == 2


def test_source_that_cannot_be_opened_is_progress_all_the_same() -> None:
    clock, ctx = FakeClock(), Context()
    source = ListSource(open_errors=[DeviceGone("away")] * 3)
    seen: list[int] = []
    opened = source.open

    def watched() -> None:
        seen.append(ctx.progress_ns)
        opened()

    source.open = watched  # type: ignore[method-assign]
    source.on_empty = ctx.ask_to_stop
    _work(source, clock, ctx, [])
    assert len(set(seen)) == 4, "each try counts"


class Naps(Context):
    """Writes down for how long it should sleep; asked to stop after some."""

    def __init__(self, clock: FakeClock, most: int) -> None:
        super().__init__()
        self.taken: list[float] = []
        self._clock = clock
        self._most = most

    def sleep(self, seconds: float) -> bool:
        self.taken.append(seconds)
        self._clock.advance(round(seconds * 1000))
        if len(self.taken) == self._most:
            self.ask_to_stop()
        return self.stopping


def test_a_device_that_is_away_for_long_is_looked_for_at_least_once_a_second() -> None:
    clock = FakeClock()
    naps = Naps(clock, 40)
    source = ListSource(open_errors=[DeviceGone("away")] * 100)
    _work(source, clock, naps, [], hurried=False)
    assert source.opened == 40
    assert max(naps.taken) <= 1
    assert min(naps.taken[3:]) >= 0.5
