"""What every Source must do. Subclass it and give a `source` fixture (not open) that yields pictures."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from fractions import Fraction

import pytest

from edge.model.errors import Fault, Unavailable
from edge.model.frame import Frame
from edge.model.signal import Signal, SignalState
from edge.model.video import Pixel
from edge.ports import Source
from tests.board.kit import next_frame

HALF = Fraction(1, 2)
PLANES: Mapping[Pixel, Sequence[tuple[Fraction | int, Fraction | int]]] = {
    # of each plane: bytes in a row for each pixel of the picture's width, rows for each of its height
    Pixel.YUV420P: ((1, 1), (HALF, HALF), (HALF, HALF)),
    Pixel.YUV422P: ((1, 1), (HALF, 1), (HALF, 1)),
    Pixel.YUV422P10: ((2, 1), (1, 1), (1, 1)),
    Pixel.NV12: ((1, 1), (1, HALF)),
    Pixel.NV16: ((1, 1), (1, 1)),
    Pixel.P010: ((2, 1), (2, HALF)),
    Pixel.UYVY422: ((2, 1),),
    Pixel.YUYV422: ((2, 1),),
    Pixel.RGB24: ((3, 1),),
    Pixel.BGR24: ((3, 1),),
}


class SourceContract:
    @pytest.fixture
    def opened(self, source: Source):  # type: ignore[no-untyped-def]
        source.open()
        yield source
        source.close()

    def test_frames_come_in_order_with_later_capture_times(self, opened: Source) -> None:
        frames = [next_frame(opened) for _ in range(6)]
        captured = [frame.stamps.captured_ns for frame in frames]
        assert [frame.seq for frame in frames] == sorted({frame.seq for frame in frames})
        assert captured == sorted(set(captured))
        for frame in frames:
            frame.lease.release()

    def test_capture_lies_before_dequeue_and_utc_follows_capture(self, opened: Source) -> None:
        first, second = next_frame(opened), next_frame(opened)
        for frame in (first, second):
            assert 0 < frame.stamps.captured_ns <= frame.stamps.dequeued_ns
            frame.lease.release()
        gap_ns = second.stamps.captured_ns - first.stamps.captured_ns
        assert abs(second.utc_ns - first.utc_ns - gap_ns) < 5_000_000

    def test_planes_hold_what_the_format_says(self, opened: Source) -> None:
        frame = next_frame(opened)
        width, height = frame.format.width, frame.format.height
        assert width % 2 == height % 2 == 0
        planes, wanted = frame.lease.planes, PLANES[frame.format.pixel]
        assert len(planes) == len(wanted)
        for one, (row_bytes, rows) in zip(planes, wanted, strict=True):
            assert one.stride >= width * row_bytes
            assert len(one.memory) >= one.stride * (height * rows - 1) + width * row_bytes
            assert one.memory.format == "B"
            assert one.memory.contiguous
        frame.lease.release()

    def test_the_first_frame_is_a_cut_and_live(self, opened: Source) -> None:
        frame = next_frame(opened)
        assert frame.discontinuity
        assert frame.live
        frame.lease.release()

    def test_a_released_frame_cannot_be_looked_at(self, opened: Source) -> None:
        frame = next_frame(opened)
        frame.lease.release()
        with pytest.raises(Fault, match="after its release"):
            _ = frame.lease.planes
        with pytest.raises(Fault, match="released twice"):
            frame.lease.release()

    def test_a_held_frame_does_not_change_while_others_come(self, opened: Source) -> None:
        held = next_frame(opened)
        before = [bytes(one.memory) for one in held.lease.planes]
        for _ in range(8):
            next_frame(opened).lease.release()
        assert [bytes(one.memory) for one in held.lease.planes] == before
        held.lease.release()

    def test_signal_is_locked_with_the_format_of_the_frames(self, opened: Source) -> None:
        frame = next_frame(opened)
        assert opened.signal() == Signal(SignalState.LOCKED, format=frame.format)
        frame.lease.release()

    def test_signal_is_not_locked_when_closed(self, source: Source) -> None:
        assert source.signal().state is SignalState.NO_DEVICE

    def test_reading_a_closed_source_is_unavailable(self, source: Source) -> None:
        with pytest.raises(Unavailable):
            source.read(0.01)
        source.open()
        source.close()
        source.close()
        with pytest.raises(Unavailable):
            source.read(0.01)

    def test_it_opens_again_and_time_goes_on(self, opened: Source) -> None:
        first = next_frame(opened)
        opened.close()
        opened.open()
        second = next_frame(opened)
        assert second.stamps.captured_ns > first.stamps.captured_ns
        assert second.seq > first.seq
        assert second.discontinuity
        second.lease.release()
        first.lease.release()

    def test_close_from_another_thread_ends_a_read(self, opened: Source) -> None:
        outcome: list[object] = []

        def read_on() -> None:
            try:
                while True:
                    taken = opened.read(30)
                    if isinstance(taken, Frame):
                        taken.lease.release()
            except Unavailable as error:
                outcome.append(error)

        reader = threading.Thread(target=read_on)
        reader.start()
        opened.close()
        reader.join(20)
        assert outcome
