"""Reads a description from TOML."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from typing import Any

from board.edid.description import Colour, Description, RangeLimits, description_problems
from board.edid.framing import invalid
from board.edid.modes import Mode, mode
from board.edid.receiver import CsiLink, Receiver
from edge.model.errors import Invalid, NotFound


def parse_description(text: str, *, where: str) -> Description:
    """Raises Invalid (edid_invalid): a line for each problem, with `where` and the key."""
    try:
        table = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise invalid(f"{where}: is not TOML: {error}") from error
    try:
        described = _description(_Table(table))
    except Invalid as error:
        raise invalid(f"{where}: {error}") from error
    wrong = list(description_problems(described))
    if wrong:
        raise invalid("\n".join(f"{where}: {line}" for line in wrong))
    return described


def _description(table: _Table) -> Description:
    width, height = table.numbers("size_mm", 2)
    described = Description(
        manufacturer=table.text("manufacturer"),
        name=table.text("name"),
        year=table.number("year"),
        size_mm=(width, height),
        preferred=table.mode(table.text("preferred")),
        modes=tuple(table.mode(name) for name in table.texts("modes")),
        receiver=_receiver(table.table("receiver")),
        audio=table.flag("audio", default=False),
        colours=tuple(table.colour(name) for name in table.texts("colours")),
        physical_address=table.text("physical_address", default="1.0.0.0"),
        product=table.number_or_none("product"),
        serial=table.number_or_none("serial"),
        limits=_limits(table.table("range")) if "range" in table else None,
    )
    table.done()
    return described


def _receiver(table: _Table) -> Receiver:
    width, height = table.numbers("max_size", 2)
    receiver = Receiver(
        max_width=width,
        max_height=height,
        max_clock_khz=table.number("max_clock_mhz") * 1000,
        interlaced=table.flag("interlaced"),
        csi=_csi(table.table("csi")) if "csi" in table else None,
    )
    table.done()
    return receiver


def _csi(table: _Table) -> CsiLink:
    link = CsiLink(
        lanes=table.number("lanes"),
        lane_mbps=table.number("lane_mbps"),
        bytes_per_pixel=table.number("bytes_per_pixel"),
    )
    table.done()
    return link


def _limits(table: _Table) -> RangeLimits:
    v_min, v_max = table.numbers("v_hz", 2)
    h_min, h_max = table.numbers("h_khz", 2)
    table.done()
    return RangeLimits(v_min, v_max, h_min, h_max)


class _Table:
    """Takes each key by name and type; every error is Invalid and names the key with its table."""

    def __init__(self, keys: Mapping[str, Any], path: str = "") -> None:
        self._left = dict(keys)
        self._path = path

    def __contains__(self, key: str) -> bool:
        return key in self._left

    def text(self, key: str, *, default: str | None = None) -> str:
        value: str = self._take(key, str, "text", default)
        return value

    def flag(self, key: str, *, default: bool | None = None) -> bool:
        value: bool = self._take(key, bool, "true or false", default)
        return value

    def number(self, key: str) -> int:
        """A whole number from 1 to 2 ** 32."""
        value = self._take(key, int, "a whole number")
        return self._natural(key, value)

    def number_or_none(self, key: str) -> int | None:
        return self.number(key) if key in self else None

    def numbers(self, key: str, count: int) -> tuple[int, ...]:
        values = self._take(key, list, f"a list of {count} whole numbers")
        if len(values) != count:
            raise invalid(f"{self._path}{key}: expected {count} whole numbers, got {len(values)}")
        return tuple(self._natural(key, value) for value in values)

    def texts(self, key: str) -> tuple[str, ...]:
        values = self._take(key, list, "a list of texts")
        wrong = next((value for value in values if not isinstance(value, str)), None)
        if wrong is not None:
            raise invalid(f"{self._path}{key}: expected text, got {wrong!r}")
        return tuple(values)

    def table(self, key: str) -> _Table:
        return _Table(self._take(key, dict, "a table"), f"{self._path}{key}.")

    def mode(self, name: str) -> Mode:
        try:
            return mode(name)
        except NotFound as error:
            raise invalid(str(error)) from error

    def colour(self, name: str) -> Colour:
        if name not in Colour.__members__.values():
            raise invalid(f"colours: {name!r} is none of {', '.join(Colour)}")
        return Colour(name)

    def done(self) -> None:
        if self._left:
            raise invalid(f"{self._path}{min(self._left)}: unknown key")

    def _take(self, key: str, kind: type, words: str, default: Any = None) -> Any:
        value = self._left.pop(key, default)
        if value is None:
            raise invalid(f"{self._path}{key}: missing")
        if type(value) is not kind:
            raise invalid(f"{self._path}{key}: expected {words}, got {value!r}")
        return value

    def _natural(self, key: str, value: object) -> int:
        if type(value) is not int or not 1 <= value <= 2**32:
            raise invalid(f"{self._path}{key}: expected a whole number above 0, got {value!r}")
        return value
