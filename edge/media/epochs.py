"""One rung's encoder and the epochs that it makes: when the running one will do, and when there must be another."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field, replace

from edge.media.budget import Budget, load_of
from edge.media.ladder import LadderSpec, LadderState, climb, lowest_bps
from edge.media.lineup import Lineup
from edge.media.relay import Relay
from edge.model.board import EncoderFact
from edge.model.errors import EdgeError, Rejected, Unavailable
from edge.model.video import WHOLE, EncodeTarget, Step, StreamFormat, Trait, VideoFormat
from edge.ports import Clock, Encoder, Retarget

_LOG = logging.getLogger(__name__)
_EPOCH_STEP_NS = 100_000_000  # epochs count tenths of a second, so that a restart never meets an old one
_AGAIN_NS = 1_000_000_000
_LOOK_AGAIN_NS = 5_000_000_000


@dataclass(frozen=True, slots=True)
class Wish:
    """What a rung is asked for, and what it may give up for that."""

    target: EncodeTarget
    ladder: LadderSpec = field(default_factory=LadderSpec)


@dataclass(frozen=True, slots=True)
class Epoch:
    """The life of one encoder set-up."""

    format: StreamFormat
    fact: EncoderFact
    encoder: Encoder
    target: EncodeTarget


@dataclass(frozen=True, slots=True)
class _Want:
    """What an encoder is opened for."""

    video: VideoFormat
    target: EncodeTarget


class Epochs:
    """For the rung's thread; the plain attributes may be read from any.

    `fixed` is what every picture of this rung is reduced by, beside what the ladder gives up. With a `relay` the rung
    may have to do without an encode of its own: `budget` says so. The rung that everything rests on has none.
    """

    def __init__(
        self,
        *,
        rung: str,
        lineup: Lineup,
        budget: Budget,
        clock: Clock,
        fixed: Step = WHOLE,
        relay: Relay | None = None,
    ) -> None:
        self.running: Epoch | None = None
        self.step = fixed
        self.refusal = ""
        self.sessions = 0
        self.lineup = lineup
        self._rung = rung
        self._budget = budget
        self._clock = clock
        self._fixed = fixed
        self._relay = relay
        self._asked: tuple[Wish, VideoFormat] | None = None
        self._want: _Want | None = None
        self._ladder = LadderState()
        self._refused: _Want | None = None
        self._ask_again_ns: int | None = None
        self._looked_ns = 0
        self._number = 0

    @property
    def degraded(self) -> bool:
        """Whether the ladder gives up something."""
        return not self._ladder.step.whole

    @property
    def lowest_bps(self) -> int:
        """Below that no step keeps the picture from blurring; 0 while no picture has come."""
        if self._asked is None:
            return 0
        wish, source = self._asked
        return lowest_bps(wish.ladder, self._fixed.of(source))

    @property
    def follows_live(self) -> bool:
        """Whether another rate needs no new epoch."""
        running = self.running
        return running is None or Trait.LIVE_BITRATE in running.encoder.traits

    def have(self, wish: Wish, source: VideoFormat) -> Epoch | None:
        """The epoch for pictures of that source; None while there is none: `refusal` or the relay says why."""
        now = self._clock.mono_ns()
        want = self._wanted(wish, source, now)
        if self.running is not None and self._serves(self.running, want):
            self._yield_if_dear(self.running, now)
            return self.running
        if self._refused == want and (self._ask_again_ns is None or now < self._ask_again_ns):
            return None
        self.end()
        return self._begin(want, now)

    def broke(self, error: EdgeError) -> None:
        """The running encoder failed: the next `have` gives another one."""
        if self.running is not None:
            name = self.running.fact.name
            self.end()
            self.lineup.broke(name, error)

    def give_up(self) -> None:
        """All that there are fail with this picture: nothing for a second."""
        self._ask_again_ns = self._clock.mono_ns() + _AGAIN_NS
        self._refused, self.refusal = self._want, "every encoder broke down"
        _LOG.error("rung %s: %s", self._rung, self.refusal)

    def end(self) -> None:
        running, self.running = self.running, None
        self._refused, self.refusal = None, ""
        if running is not None:
            running.encoder.close()
            self._budget.leave(self._rung)

    def _wanted(self, wish: Wish, source: VideoFormat, now: int) -> _Want:
        """What is to be encoded of that source. Most pictures ask what the last one asked."""
        if self._want is None or self._asked != (wish, source) or not self._ladder.step.whole:
            self._asked = (wish, source)
            self._ladder = climb(self._ladder, wish.ladder, self._fixed.of(source), wish.target.bitrate_bps, now)
            given_up = self._ladder.step
            self.step = Step(self._fixed.side * given_up.side, self._fixed.every * given_up.every)
            self._want = _Want(self.step.of(source), wish.target)
        return self._want

    def _serves(self, running: Epoch, want: _Want) -> bool:
        """Whether the running encoder does that, or can be brought to it."""
        if running.format.video != want.video:
            return False
        if running.target == want.target:
            return True
        try:
            live = running.encoder.retarget(want.target) is Retarget.LIVE
        except Unavailable:
            return False
        if live:
            self.running = replace(running, target=want.target)
        return live

    def _begin(self, want: _Want, now: int) -> Epoch | None:
        try:
            fact, encoder = self.lineup.choose(want.video, want.target)
        except EdgeError as error:
            self._refuse(want, str(error), again_ns=None if isinstance(error, Rejected) else now + _AGAIN_NS)
            return None
        load = load_of(self.lineup.standing(fact.name), want.video)
        if self._relay is not None and (reason := self._budget.refusal(self._rung, load)):
            encoder.close()
            self._share(self._relay, want, reason, now)
            return None
        self._budget.enter(self._rung, load)
        if self._relay is not None:
            self._relay.stop()
        return self._started(fact, encoder, want)

    def _started(self, fact: EncoderFact, encoder: Encoder, want: _Want) -> Epoch:
        self._number = max(self._number + 1, self._clock.utc_ns() // _EPOCH_STEP_NS & 0xFFFFFFFF)
        stream = StreamFormat(rung=self._rung, epoch=self._number, codec=encoder.codec, video=want.video)
        self.running = Epoch(stream, fact, encoder, want.target)
        self.sessions += 1
        size, fps = f"{want.video.width}x{want.video.height}", float(want.video.fps)
        _LOG.info("rung %s: %s at %s %.5g fps, epoch %d", self._rung, fact.name, size, fps, self._number)
        return self.running

    def _refuse(self, want: _Want, reason: str, *, again_ns: int | None) -> None:
        self._refused, self._ask_again_ns, self.refusal = want, again_ns, reason
        _LOG.error("rung %s: %s", self._rung, reason)

    def _share(self, relay: Relay, want: _Want, reason: str, now: int) -> None:
        """Another rung's pictures must do, until there is room again."""
        self._refused, self._ask_again_ns = want, now + _LOOK_AGAIN_NS
        if not relay.on:
            _LOG.warning("rung %s shares another's encode: %s", self._rung, reason)
        relay.start(reason)

    def _yield_if_dear(self, running: Epoch, now: int) -> None:
        """Looks now and then whether the board can still afford this encode beside the others."""
        if self._relay is None or now - self._looked_ns < _LOOK_AGAIN_NS:
            return
        self._looked_ns = now
        load = load_of(self.lineup.standing(running.fact.name), running.format.video)
        if reason := self._budget.refusal(self._rung, load):
            self.end()
            self._share(self._relay, _Want(running.format.video, running.target), reason, now)
