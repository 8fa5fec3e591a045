"""A desired document read section by section, with the checks that the commands have."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from edge.app.arguments import Arguments, BadArgument
from edge.app.overrides import Overrides, SetLink
from edge.app.picture_arguments import bitrate_of, log_level_of, mask_of
from edge.app.sink_arguments import sink_of
from edge.app.wanted import Wanted
from edge.link.desired import HEAD, MAX_FLAWS, Flaw
from edge.model.errors import Invalid, Rejected

_NAME = r"[a-z0-9][a-z0-9-]{0,39}"
_HOST = r"[A-Za-z0-9][A-Za-z0-9.:_-]{0,252}"
_LONGEST_SPREAD_S = 3600


class Draft:
    """Grows from a box as configured; after `read`, `wanted` is what the document makes of it.

    What a document leaves out is as configured. Every flaw is kept, none is raised.
    """

    def __init__(self, blank: Wanted) -> None:
        self.wanted = blank
        self.flaws: list[Flaw] = []
        self.ignored: tuple[str, ...] = ()

    def read(self, body: Mapping[str, Any]) -> None:
        sections: Mapping[str, Callable[[Any], None]] = {
            "source": self._source,
            "preset": self._preset,  # before: the limits of bit rates follow from it
            "mask": self._mask,
            "sinks": self._sinks,
            "rungs": self._rungs,
            "log_level": self._log_level,
            "network": self._network,
            "reconnect_spread_s": self._spread,
        }
        for name, take in sections.items():
            if name in body:
                take(body[name])
        unknown = body.keys() - sections.keys() - HEAD
        self.ignored = tuple(sorted(f"/{_escaped(name)}"[:128] for name in unknown)[:MAX_FLAWS])

    def _preset(self, value: Any) -> None:
        with self._at(""):
            name = Arguments({"preset": value}).text("preset", pattern=_NAME)
            with _said_as("preset"):
                self._become(self.wanted.preset(name))

    def _source(self, value: Any) -> None:
        with self._at(""):
            kind = Arguments({"source": value}).text("source", pattern=_NAME)
            with _said_as("source"):
                self._become(self.wanted.sourced(kind))

    def _mask(self, value: Any) -> None:
        with self._at("/mask"):
            self._become(self.wanted.mask(mask_of(_object(value), now=None)))

    def _sinks(self, value: Any) -> None:
        with self._at("/sinks"):
            for name, entry in _object(value).items():
                with self._at(f"/sinks/{_escaped(name)}"):
                    Arguments({"": name}).text("", pattern=_NAME)
                    self._become(self._sink(name, entry))

    def _sink(self, name: str, entry: Any) -> Overrides:
        """None: it is not there. Nothing but `running`: a configured one as it is. Else all that `sink.set` takes."""
        if entry is None:
            return self.wanted.sink_removed(name) if name in self.wanted.sinks else self.wanted.overrides
        if _object(entry).keys() == {"running"}:
            return self.wanted.running(name, Arguments(entry).flag("running", default=True))
        spec = sink_of(entry, name, running=True)
        with _said_as("rung", code="unknown_rung"):
            return self.wanted.sink_set(spec)

    def _rungs(self, value: Any) -> None:
        with self._at("/rungs"):
            for name, entry in _object(value).items():
                with self._at(f"/rungs/{_escaped(name)}"):
                    bitrate = bitrate_of(_object(entry), self.wanted.limits(name))
                    with _said_as("bitrate", code="below_clinical_floor"):
                        self._become(self.wanted.bitrate(name, bitrate))

    def _log_level(self, value: Any) -> None:
        with self._at(""):
            self._become(self.wanted.logged(log_level_of(Arguments({"log_level": value}), name="log_level")))

    def _network(self, value: Any) -> None:
        with self._at("/network"):
            given = Arguments(_object(value))
            broker = given.part("broker")
            given.done()
            if broker is not None:
                with self._at("/network/broker"):
                    self._link(broker=_broker_of(broker))

    def _spread(self, value: Any) -> None:
        with self._at(""):
            given = Arguments({"reconnect_spread_s": value})
            self._link(reconnect_spread_s=given.number("reconnect_spread_s", least=0, most=_LONGEST_SPREAD_S))

    def _link(self, **changes: Any) -> None:
        before = self.wanted.overrides.link or SetLink(None, None, over=self.wanted.link_fingerprint)
        self._become(replace(self.wanted.overrides, link=replace(before, **changes)))

    def _become(self, overrides: Overrides) -> None:
        self.wanted = self.wanted.with_overrides(overrides)

    @contextlib.contextmanager
    def _at(self, path: str) -> Iterator[None]:
        """What is refused in there is a flaw of that part of the document."""
        try:
            yield
        except BadArgument as error:
            below = error.argument.replace("[", "/").rstrip("]")
            self.flaws.append(Flaw(f"{path}/{below}" if below else path, error.code, str(error)))
        except Rejected as error:
            self.flaws.append(Flaw(path, error.code, str(error)))


@contextlib.contextmanager
def _said_as(argument: str, *, code: str = "") -> Iterator[None]:
    """What is refused in there (with that code, when one is given) is that argument's fault."""
    try:
        yield
    except Rejected as error:
        if code and error.code != code:
            raise
        raise BadArgument(str(error), argument=argument, code=error.code) from error


def _broker_of(value: Mapping[str, Any]) -> tuple[str, int]:
    given = Arguments(value)
    broker = given.text("host", pattern=_HOST), given.integer("port", least=1, most=65535)
    given.done()
    return broker


def _object(value: Any) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise Invalid("expected an object")
    return value


def _escaped(name: str) -> str:
    """As a part of a JSON pointer (RFC 6901, 3)."""
    return name[:64].replace("~", "~0").replace("/", "~1")
