from __future__ import annotations

from fractions import Fraction

from edge.media.mixer import Feed, Mixer
from edge.media.signal_book import SignalBook
from edge.media.slate import FrozenBanner, SlatePainter
from edge.media.watch import BLACK, FROZEN
from edge.model.frame import Frame
from edge.model.picture import PictureSpec
from edge.model.signal import Signal, SignalState
from edge.model.video import VideoFormat
from tests.fakes import MS, SMALL, BlockPainter, FakeClock, make_frame


class _Desk:
    """A mixer on a fake clock, with everything it sent."""

    def __init__(self, *, freeze_after_ms: int = 0) -> None:
        self.clock = FakeClock()
        self.book = SignalBook(clock=self.clock)
        self.sent: list[Frame] = []
        painter = BlockPainter()
        self.mixer = Mixer(
            clock=self.clock,
            book=self.book,
            slate=SlatePainter(painter=painter),
            banner=FrozenBanner(painter=painter),
            slate_after_ns=250 * MS,
            rungs=(Feed(self.sent.append),),
        )
        self.mixer.frame_as(PictureSpec(freeze_after_ms=freeze_after_ms))

    def live(self, shade: int = 100, *, video: VideoFormat = SMALL) -> Frame:
        frame = make_frame(self.clock, shade=shade, video=video)
        self.book.note_frame(frame)
        self.mixer.offer(frame)
        return self.sent[-1]

    def slates(self) -> int:
        self.mixer.tick()
        return sum(not frame.live for frame in self.sent)


def test_no_slate_while_frames_come() -> None:
    desk = _Desk()
    for _ in range(50):
        desk.live()
        desk.clock.advance(20)
        assert desk.slates() == 0


def test_slate_follows_the_last_frame_after_the_set_time_and_not_before() -> None:
    desk = _Desk()
    desk.live()
    desk.clock.advance(249)
    assert desk.slates() == 0
    desk.clock.advance(1)
    assert desk.slates() == 1


def test_tick_says_when_the_slate_is_due() -> None:
    desk = _Desk()
    desk.live()
    desk.clock.advance(100)
    assert desk.mixer.tick() == 0.15


def test_slate_has_the_size_and_rate_of_the_lost_picture() -> None:
    desk = _Desk()
    video = VideoFormat(128, 96, Fraction(50))
    desk.live(video=video)
    desk.clock.advance(250)
    for _ in range(50):
        desk.mixer.tick()
        desk.clock.advance(20)
    slates = [frame for frame in desk.sent if not frame.live]
    assert len(slates) == 50
    assert {frame.format for frame in slates} == {video}


def test_cut_to_the_slate_and_back_is_a_discontinuity_once_each() -> None:
    desk = _Desk()
    desk.live()
    desk.live()
    desk.clock.advance(250)
    desk.mixer.tick()
    desk.clock.advance(20)
    desk.mixer.tick()
    desk.clock.advance(20)
    desk.live()
    desk.clock.advance(20)
    desk.live()
    assert [frame.discontinuity for frame in desk.sent] == [True, False, True, False, True, False]


def test_state_names_the_reason_while_the_slate_is_on() -> None:
    desk = _Desk()
    desk.live()
    assert desk.mixer.state().live
    desk.book.note_signal(Signal(SignalState.NO_SIGNAL, "cable out"))
    desk.clock.advance(300)
    desk.mixer.tick()
    state = desk.mixer.state()
    assert not state.live
    assert state.reason == "no signal: cable out"
    assert state.age_ms == 300


def test_lost_signal_is_not_live_even_before_the_slate_is_due() -> None:
    desk = _Desk()
    desk.live()
    desk.book.note_signal(Signal(SignalState.NO_SIGNAL))
    assert not desk.mixer.state().live
    assert desk.mixer.take_latest() is None, "the last picture is an old one"


def test_picture_that_the_source_delivers_late_is_not_live() -> None:
    desk = _Desk()
    frame = make_frame(desk.clock)
    desk.clock.advance(600)
    desk.book.note_frame(frame)
    desk.mixer.offer(frame)
    assert not desk.mixer.state().live
    assert desk.mixer.state().reason == "the source delivers pictures 600 ms late"


def test_hanging_source_is_named_although_the_signal_is_locked() -> None:
    desk = _Desk()
    desk.live()
    desk.clock.advance(300)
    desk.mixer.tick()
    assert desk.mixer.state().reason == "no picture from the source"


def test_repeated_picture_is_not_live_after_the_set_time() -> None:
    desk = _Desk(freeze_after_ms=400)
    lives = []
    for _ in range(30):
        lives.append(desk.live(shade=77).live)
        desk.clock.advance(20)
    assert lives.index(False) == 20
    assert not desk.mixer.state().live
    assert "repeats" in desk.mixer.state().reason


def test_frozen_picture_carries_a_banner_and_keeps_the_rest() -> None:
    desk = _Desk(freeze_after_ms=100)
    for _ in range(10):
        frame = desk.live(shade=77)
        desk.clock.advance(20)
    luma = bytes(frame.lease.planes[0].memory)
    rows = [luma[row * 64 : row * 64 + 64] for row in range(48)]
    assert set(rows[0]) == {77}, "the top of the picture stays visible"
    assert 77 not in rows[-1], "the foot carries the banner"


def test_picture_that_moves_again_is_live_at_once() -> None:
    desk = _Desk(freeze_after_ms=100)
    for _ in range(10):
        desk.live(shade=77)
        desk.clock.advance(20)
    moved = desk.live(shade=78)
    assert moved.live
    assert moved.discontinuity


def test_latest_picture_is_never_the_slate() -> None:
    desk = _Desk()
    desk.live()
    kept = desk.mixer.take_latest()
    assert kept is not None
    kept.lease.release()
    desk.clock.advance(300)
    desk.mixer.tick()
    assert desk.mixer.take_latest() is None


def test_every_lease_goes_back_once_rungs_and_mixer_let_go() -> None:
    desk, back = _Desk(), []
    for number in range(3):
        frame = make_frame(desk.clock, give_back=lambda number=number: back.append(number))
        desk.mixer.offer(frame)
        desk.clock.advance(20)
    for frame in desk.sent:
        frame.lease.release()
    assert back == [0, 1], "the newest is still on loan to the mixer"


def test_slate_text_is_redrawn_each_second() -> None:
    desk = _Desk()
    desk.live()
    desk.clock.advance(300)
    desk.mixer.tick()
    first = bytes(desk.sent[-1].lease.planes[0].memory)
    desk.clock.advance(10)
    desk.mixer.tick()
    desk.book.note_signal(Signal(SignalState.NO_CABLE, "a much longer reason than before"))
    desk.clock.advance(1000)
    desk.mixer.tick()
    assert bytes(desk.sent[-1].lease.planes[0].memory) != first


def test_black_picture_is_a_hint_after_two_seconds_and_stays_live() -> None:
    desk, hints = _Desk(), []
    for number in range(150):
        desk.live(shade=16 + number % 3)
        hints.append(desk.mixer.state().hint)
        desk.clock.advance(20)
    assert hints == [None] * 100 + [BLACK] * 50
    assert desk.mixer.state().live
    desk.live(shade=60)
    assert desk.mixer.state().hint is None


def test_frozen_picture_is_a_hint_until_it_moves_and_the_slate_has_none() -> None:
    desk = _Desk(freeze_after_ms=100)
    for _ in range(10):
        desk.live(shade=77)
        desk.clock.advance(20)
    assert desk.mixer.state().hint is FROZEN
    desk.clock.advance(300)
    desk.mixer.tick()
    assert desk.mixer.state().hint is None
    desk.live(shade=78)
    assert desk.mixer.state().hint is None
