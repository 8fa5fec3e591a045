"""A Source that is a V4L2 capture device: follows its signal, and comes back from every cable event."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from board.v4l2.kernel import EXCEPT, READ, TROUBLE, Kernel
from board.v4l2.ladder import RecoveryLadder, Step
from board.v4l2.node import gone
from board.v4l2.pictures import Overrule
from board.v4l2.probe import Reading
from board.v4l2.profile import CaptureProfile
from board.v4l2.receiver import Receiver, ReceiverWish
from board.v4l2.session import Session
from board.v4l2.tally import Tally
from board.v4l2.watch import SignalWatch
from edge.model.errors import DeviceGone, EdgeError, NotSupported, Unavailable
from edge.model.frame import Frame
from edge.model.picture import CaptureMode
from edge.model.signal import Signal, SignalState
from edge.ports import Clock

_SLICE_S = 0.1  # how long a close from another thread may have to wait
_HEALTHY_NS = 10_000_000_000
_STARVED_NS = 5_000_000_000
_UNKNOWN = Signal(SignalState.NO_DEVICE, "the capture device has not been looked at yet")
_CLOSED = Signal(SignalState.NO_DEVICE, "the capture device is not open")


@dataclass(frozen=True, slots=True)
class V4l2Wish:
    """What configuration and preset want. `modes` count only where the device has a choice."""

    receiver: ReceiverWish = field(default_factory=ReceiverWish)
    modes: tuple[CaptureMode, ...] = ()
    overrule: Overrule = field(default_factory=Overrule)


class V4l2Source:
    """`find` names the node to open, anew each time, since numbers change when a device comes back.

    `rebind` takes the USB device behind a node away and brings it back; it says whether it could.
    Frames are the driver's own buffers on lease, decoded pictures for MJPEG, v210 and interlaced.
    """

    def __init__(
        self,
        *,
        clock: Clock,
        kernel: Kernel,
        find: Callable[[], str],
        profiles: Mapping[str, CaptureProfile],
        wish: V4l2Wish,
        rebind: Callable[[str], bool] = lambda path: False,
    ) -> None:
        self._clock = clock
        self._kernel = kernel
        self._find = find
        self._profiles = profiles
        self._wish = wish
        self._modes = wish.modes
        self._modes_changed = False
        self._rebind = rebind
        self._tally = Tally()
        self._generation = 0
        self._reading = threading.RLock()
        self._closing = True
        self._receiver: Receiver | None = None
        self._session: Session | None = None
        self._watch = SignalWatch(0)
        self._ladder = RecoveryLadder(can_rebind=False, can_reset=False)
        self._waiting_since_ns = 0
        self._flowing_since_ns: int | None = None
        self._starved_since_ns: int | None = None
        self._signal = _CLOSED
        self._refusal: Signal | None = None
        self._ready: deque[Frame] = deque()

    @property
    def name(self) -> str:
        return "v4l2"

    def open(self) -> None:
        """Raises DeviceGone, NotSupported (a node that does not capture video)."""
        with self._reading:
            self._tear_down()
            self._closing = False
            self._signal = _UNKNOWN
            try:
                self._receiver = self._open_receiver()
            except EdgeError as error:
                self._lose(error)
                raise
            profile = self._receiver.profile
            self._ladder = RecoveryLadder(can_rebind=profile.rebind, can_reset=profile.edid)
            self._start_over()

    def read(self, timeout_s: float) -> Frame | Signal | None:
        with self._reading:
            try:
                return self._read(self._clock.mono_ns() + round(timeout_s * 1e9))
            except OSError as error:
                path = self._receiver.path if self._receiver is not None else "capture device"
                lost = gone(path, "has gone", error)
                self._lose(lost)
                raise lost from error
            except EdgeError as error:
                self._lose(error)
                raise

    def signal(self) -> Signal:
        return self._signal

    def close(self) -> None:
        self._closing = True
        with self._reading:
            self._tear_down()
            self._signal = _CLOSED

    def prefer(self, modes: Sequence[CaptureMode]) -> None:
        """From any thread; a signal that has timings of its own keeps them."""
        if tuple(modes or self._wish.modes) != self._modes:
            self._modes = tuple(modes or self._wish.modes)
            self._modes_changed = True

    def detail(self) -> Mapping[str, Any]:
        receiver, session = self._receiver, self._session
        if receiver is None:
            return {"driver": "v4l2", "trouble": self._signal.detail}
        damage, refusal = self._tally.damage, self._refusal
        return {
            "driver": receiver.card.driver,
            "card": receiver.card.name,
            "node": receiver.path,
            "bus": receiver.card.bus,
            "input": receiver.input_index,
            "edid": receiver.edid_note,
            "events": receiver.has_events,
            "timings": str(self._watch.settled.timings or ""),
            "pixel_format": session.code if session is not None else "",
            "interlaced": session.interlaced if session is not None else False,
            "buffers_on_loan": session.on_loan if session is not None else 0,
            "short_frames": damage.short,
            "corrupt_frames": damage.corrupt,
            "passed_over": damage.passed,
            "odd_stamps": damage.odd_stamps,
            "recovery": str(self._ladder.tried or ""),
            "recovery_rounds": self._ladder.rounds,
            "hint": receiver.profile.hint,
            "trouble": refusal.detail if refusal is not None else damage.last,
        }

    def _read(self, give_up_ns: int) -> Frame | Signal | None:
        while True:
            taken = self._step(give_up_ns)
            if taken is not None:
                return taken
            if self._clock.mono_ns() >= give_up_ns:
                known = self._signal.state not in (SignalState.LOCKED, SignalState.NO_DEVICE)
                return self._signal if known else None

    def _lose(self, error: EdgeError) -> None:
        """The device cannot be used any more until the next `open`."""
        self._tear_down()
        self._signal = Signal(SignalState.NO_DEVICE, str(error))

    def _step(self, give_up_ns: int) -> Frame | Signal | None:
        if self._closing or self._receiver is None:
            raise DeviceGone("the capture device is closed")
        news = self._look(self._receiver) or self._change_mode(self._receiver)
        if news is not None:
            return news
        frame = self._next_frame()
        if frame is not None:
            return frame
        news = self._climb(self._receiver)
        if news is not None:
            return news
        self._wait(self._receiver, give_up_ns)
        return None

    def _change_mode(self, receiver: Receiver) -> Signal | None:
        """Other modes are wished: start anew where the choice is ours."""
        if not self._modes_changed:
            return None
        self._modes_changed = False
        if receiver.by_timings or self._session is None:
            return None
        return self._start_anew(receiver)

    def _look(self, receiver: Receiver) -> Signal | None:
        watch, now = self._watch, self._clock.mono_ns()
        if watch.due_ns() > now:
            return None
        doubted = watch.doubtful
        if watch.seen(receiver.look(), now):
            return self._follow(receiver, watch.settled)
        if watch.undecided(now):
            return self._unsettled(now)
        if doubted and not watch.doubtful:
            self._waiting_since_ns = now  # the pictures of meanwhile were passed over
        return None

    def _unsettled(self, now: int) -> Signal:
        """Stop: some drivers cannot look while they stream, and pictures of such a time are not to be shown."""
        self._stop_session()
        self._watch.forget(now)
        return self._say(Signal(SignalState.NO_LOCK, "the receiver gives no steady answer about its signal"))

    def _follow(self, receiver: Receiver, reading: Reading) -> Signal | None:
        """The believed reading is another one: stop what was, start what is."""
        self._stop_session()
        self._refusal = None
        if not reading.locked:
            return self._say(Signal(reading.state, reading.detail))
        return self._start_session(receiver, reading)

    def _start_session(self, receiver: Receiver, reading: Reading) -> Signal | None:
        """None: pictures are on their way. The first of them is the evidence of lock."""
        self._waiting_since_ns = self._clock.mono_ns()
        self._flowing_since_ns = self._refusal = None
        self._generation += 1
        try:
            self._session = Session(
                receiver,
                reading,
                modes=self._modes,
                overrule=self._wish.overrule,
                clock=self._clock,
                tally=self._tally,
                generation=self._generation,
            )
        except NotSupported as error:
            self._refusal = Signal(SignalState.OUT_OF_RANGE, str(error))
        except Unavailable as error:
            self._refusal = Signal(SignalState.NO_LOCK, str(error))
        return self._say(self._refusal) if self._refusal is not None else None

    def _next_frame(self) -> Frame | None:
        session = self._session
        if session is None:
            return None
        if self._watch.doubtful:
            self._drop_ready()
        if not self._ready:
            self._ready.extend(session.take(trusted=not self._watch.doubtful))
        if not self._ready:
            return None
        frame = self._ready.popleft()
        now = self._clock.mono_ns()
        if self._flowing_since_ns is None:
            self._flowing_since_ns = now
        elif now - self._flowing_since_ns > _HEALTHY_NS:
            self._ladder.climbed_down()
        self._waiting_since_ns = now
        self._signal = Signal(SignalState.LOCKED, format=frame.format)
        return frame

    def _climb(self, receiver: Receiver) -> Signal | None:
        """Pictures should come and do not: the next means of recovery, once patience is over."""
        if not self._watch.settled.locked or self._watch.doubtful:
            return None
        session, now = self._session, self._clock.mono_ns()
        if session is not None and session.broken and session.gave:
            return self._start_anew(receiver)
        starved = self._starved(now)
        patience_ns = self._ladder.patience_ns(first_picture=session is not None and not session.gave)
        if not starved and now - self._waiting_since_ns < patience_ns:
            return None
        self._waiting_since_ns, self._flowing_since_ns = now, None
        refused = self._refusal is not None and self._refusal.state is SignalState.OUT_OF_RANGE
        # neither a mode that we cannot take nor buffers that are not given back is a fault of the device
        step = Step.RESTART if starved or refused else self._ladder.next_step()
        self._apply(step, receiver)
        if step is Step.REQUERY:  # what is seen now will tell
            return None
        return self._say(self._refusal or _no_pictures(by_timings=receiver.by_timings, starved=starved))

    def _start_anew(self, receiver: Receiver) -> Signal | None:
        """A stream that gave pictures and has failed: no reason to wait. One that fails at once climbs the ladder."""
        self._stop_session()
        return self._start_session(receiver, self._watch.settled)

    def _starved(self, now: int) -> bool:
        """Whether all buffers have been on loan for so long that some must be lost; until then we just wait."""
        if self._session is None or not self._session.starved:
            self._starved_since_ns = None
            return False
        if self._starved_since_ns is None:
            self._starved_since_ns = now
        self._waiting_since_ns = now
        return now - self._starved_since_ns >= _STARVED_NS

    def _apply(self, step: Step, receiver: Receiver) -> None:
        if step is Step.REQUERY:
            self._watch.note_event(self._clock.mono_ns())
        elif step is Step.RESTART:
            self._start_anew(receiver)
        else:
            if step is Step.RESET:
                self._stop_session()
                receiver.reset()
            elif step is Step.REBIND:
                self._stop_session()
                self._rebind(receiver.path)
            self._reopen()

    def _reopen(self) -> None:
        """Raises DeviceGone: the capture loop then opens us again."""
        self._tear_down()
        self._receiver = self._open_receiver()
        self._start_over()

    def _open_receiver(self) -> Receiver:
        return Receiver(self._find(), kernel=self._kernel, profiles=self._profiles, wish=self._wish.receiver)

    def _start_over(self) -> None:
        now = self._clock.mono_ns()
        self._watch = SignalWatch(now)
        self._waiting_since_ns = now
        self._flowing_since_ns = self._refusal = None

    def _wait(self, receiver: Receiver, give_up_ns: int) -> None:
        now = self._clock.mono_ns()
        wake_ns = min(give_up_ns, self._watch.due_ns(), now + round(_SLICE_S * 1e9))
        stream_fd, timings_fd = receiver.stream_node.fd, receiver.timings_node.fd
        wanted = {timings_fd: EXCEPT}
        if self._session is not None and not self._session.broken:
            wanted[stream_fd] = wanted.get(stream_fd, 0) | READ
        happened = self._kernel.poll(wanted, max(0, wake_ns - now) / 1e9)
        if any(bits & (EXCEPT | TROUBLE) for bits in happened.values()) and receiver.events():
            self._watch.note_event(self._clock.mono_ns())
        if any(bits & TROUBLE for bits in happened.values()):
            self._in_trouble(receiver, give_up_ns)

    def _in_trouble(self, receiver: Receiver, give_up_ns: int) -> None:
        """The driver reports an error. A device that has gone says so now (OSError)."""
        receiver.check_alive()
        if self._session is not None:
            self._session.broken = True
        self._kernel.poll({}, min(_SLICE_S, max(0.0, (give_up_ns - self._clock.mono_ns()) / 1e9)))

    def _say(self, signal: Signal) -> Signal:
        self._signal = signal
        return signal

    def _stop_session(self) -> None:
        session, self._session = self._session, None
        self._drop_ready()
        if session is not None:
            session.stop()

    def _drop_ready(self) -> None:
        while self._ready:
            self._ready.popleft().lease.release()

    def _tear_down(self) -> None:
        self._stop_session()
        receiver, self._receiver = self._receiver, None
        if receiver is not None:
            receiver.close()


def _no_pictures(*, by_timings: bool, starved: bool) -> Signal:
    if starved:
        return Signal(SignalState.NO_LOCK, "no pictures: all buffers of the driver are in use")
    if by_timings:
        return Signal(SignalState.NO_LOCK, "the receiver reports a lock but delivers no pictures")
    return Signal(SignalState.NO_SIGNAL, "the device delivers no pictures")
