"""The encoders that a rung may use, the preferred one first, and what is known of each."""

from __future__ import annotations

import contextlib
import logging
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from edge.media.suspicion import Suspicion
from edge.media.trial import TrialReport
from edge.model.board import EncoderFact
from edge.model.errors import EdgeError, EncoderFailed, NotSupported, Rejected
from edge.model.video import EncodeTarget, VideoFormat
from edge.ports import Clock, Encoder

_LOG = logging.getLogger(__name__)
_PENALTY_NS = 60_000_000_000
_LONGEST_PENALTY_NS = 3_600_000_000_000


class Verdict(StrEnum):
    """What is thought of an encoder."""

    UNTRIED = "untried"  # nobody has needed it yet
    FIT = "fit"  # it passed its trial
    UNFIT = "unfit"  # it failed its trial: never used
    ABSENT = "absent"  # it does not open
    REFUSED = "refused"  # not for this format
    FAILED = "failed"  # it broke down at work


@dataclass(frozen=True, slots=True)
class Candidate:
    """An encoder that the board may have; `make` gives a new one, not open."""

    fact: EncoderFact
    make: Callable[[], Encoder]


@dataclass(frozen=True, slots=True)
class Standing:
    """What is known of a candidate. `reason` says why it is not used; `failures` since the start."""

    fact: EncoderFact
    verdict: Verdict = Verdict.UNTRIED
    reason: str = ""
    failures: int = 0
    trial: TrialReport | None = None


@dataclass(slots=True)
class _Place:
    candidate: Candidate
    standing: Standing
    barred_until_ns: int = 0


class Lineup:
    """One rung's. `choose` and `broke` are for the rung's thread; `standings` for anyone.

    A candidate is tried before its first use, except where a picture waits because another one broke down. One that
    broke down is left alone for a minute, then twice as long each time; then it may be chosen again for a new epoch.
    So is one that took an earlier process down when it was opened, which `suspicion` tells.
    """

    def __init__(
        self,
        *,
        candidates: Sequence[Candidate],
        trial: Callable[[Encoder, VideoFormat, EncodeTarget], TrialReport],
        clock: Clock,
        suspicion: Suspicion | None = None,
    ) -> None:
        self._suspicion = suspicion
        self._places = [_Place(candidate, Standing(candidate.fact)) for candidate in candidates]
        self._trial = trial
        self._clock = clock
        self._lock = threading.Lock()
        self._hurry = False
        suspect = suspicion.suspect() if suspicion else ""
        if any(place.candidate.fact.name == suspect for place in self._places):
            self.broke(suspect, EncoderFailed("the process died while it was being opened"))
            self._hurry = False

    def standings(self) -> tuple[Standing, ...]:
        with self._lock:
            return tuple(place.standing for place in self._places)

    def standing(self, name: str) -> Standing:
        """Of the candidate of that name."""
        return next(standing for standing in self.standings() if standing.fact.name == name)

    def prepare(self, video: VideoFormat, target: EncodeTarget) -> None:
        """Try the candidates in their order until one is fit, before a picture waits for it. Raises nothing."""
        for place in self._in_order():
            with contextlib.suppress(EdgeError):
                self._opened(place, video, target, hurry=False).close()
                return

    def choose(self, video: VideoFormat, target: EncodeTarget) -> tuple[EncoderFact, Encoder]:
        """The best that takes that format, open. Raises Rejected when none does, EncoderFailed when none works."""
        errors: list[EdgeError] = []
        hurry, self._hurry = self._hurry, False
        for place in self._in_order():
            try:
                return place.candidate.fact, self._opened(place, video, target, hurry=hurry)
            except EdgeError as error:
                errors.append(error)
        if errors and all(isinstance(error, Rejected) for error in errors):
            raise errors[0]
        unfit = [f"{s.fact.name}: {s.reason}" for s in self.standings() if s.verdict is Verdict.UNFIT]
        raise EncoderFailed("no encoder works: " + "; ".join([*map(str, errors), *unfit]))

    def broke(self, name: str, error: EdgeError) -> None:
        """That encoder was at work and failed: the next choice is another one, and comes at once."""
        place = next(place for place in self._places if place.candidate.fact.name == name)
        failures = place.standing.failures + 1
        penalty_ns = min(_PENALTY_NS << min(failures - 1, 10), _LONGEST_PENALTY_NS)
        place.barred_until_ns = self._clock.mono_ns() + penalty_ns
        self._hurry = True
        self._note(place, Verdict.FAILED, str(error), failures=failures)

    def _in_order(self) -> list[_Place]:
        """Those that are barred come last, the longest barred first: a bad encoder is better than none."""
        now = self._clock.mono_ns()
        usable = [place for place in self._places if place.standing.verdict is not Verdict.UNFIT]
        barred = sorted((p for p in usable if p.barred_until_ns > now), key=lambda place: place.barred_until_ns)
        return [place for place in usable if place.barred_until_ns <= now] + barred

    def _opened(self, place: _Place, video: VideoFormat, target: EncodeTarget, *, hurry: bool) -> Encoder:
        name = place.candidate.fact.name
        try:
            with self._suspicion.of(name) if self._suspicion else contextlib.nullcontext():
                _check_size(place.candidate.fact, video)
                if place.standing.trial is None and not hurry:
                    self._try(place, video, target)
                encoder = place.candidate.make()
                encoder.open(video, target)
        except EdgeError as error:
            if place.standing.verdict not in (Verdict.UNFIT, Verdict.FAILED):
                self._note(place, Verdict.REFUSED if isinstance(error, Rejected) else Verdict.ABSENT, str(error))
            raise
        if place.standing.verdict not in (Verdict.FIT, Verdict.UNTRIED):
            self._note(place, Verdict.FIT if place.standing.trial else Verdict.UNTRIED, "")
        return encoder

    def _try(self, place: _Place, video: VideoFormat, target: EncodeTarget) -> None:
        report = self._trial(place.candidate.make(), video, target)
        reason = "; ".join(report.complaints)
        self._note(place, Verdict.FIT if report.fit else Verdict.UNFIT, reason, trial=report)
        if not report.fit:
            raise EncoderFailed(f"{place.candidate.fact.name} failed its trial: {reason}", code="encoder_unfit")

    def _note(
        self,
        place: _Place,
        verdict: Verdict,
        reason: str,
        *,
        failures: int | None = None,
        trial: TrialReport | None = None,
    ) -> None:
        before, name = place.standing, place.candidate.fact.name
        reason = reason.removeprefix("encoder ").removeprefix(f"{name}: ")  # the name stands beside it everywhere
        if reason and (before.verdict, before.reason) != (verdict, reason):
            _LOG.warning("encoder %s: %s: %s", name, verdict, reason)
        with self._lock:
            place.standing = Standing(
                before.fact,
                verdict,
                reason,
                before.failures if failures is None else failures,
                before.trial if trial is None else trial,
            )


def _check_size(fact: EncoderFact, video: VideoFormat) -> None:
    if video.width > fact.max_width or video.height > fact.max_height:
        largest = f"{fact.max_width}x{fact.max_height}"
        raise NotSupported(f"{fact.name} takes {largest} at most, not {video.width}x{video.height}")
