"""Setting a property of an element: checked first, since GObject writes what it refuses to stderr and goes on."""

from __future__ import annotations

from typing import Any

from board.gst.library import GStreamer
from edge.model.board import PropertyValue
from edge.model.errors import NotSupported


def set_property(library: GStreamer, element: Any, name: str, value: PropertyValue) -> None:
    """Enumerations and flags by their short names (flags joined by `+`), numbers rounded where they must be whole.

    Raises NotSupported naming element, property and value.
    """
    spec = element.find_property(name)
    where = f"{element.get_factory().get_name()}'s property {name}"
    if spec is None:
        raise NotSupported(f"{element.get_factory().get_name()} has no property {name}")
    kind, of = spec.value_type, library.gobject
    if kind.is_a(of.TYPE_ENUM):
        chosen = _choice(where, spec.enum_class.__enum_values__, value)
        element.set_property(name, chosen)
    elif kind.is_a(of.TYPE_FLAGS):
        element.set_property(name, spec.flags_class(_flags(where, spec.flags_class.__flags_values__, value)))
    elif kind == of.TYPE_STRING:
        element.set_property(name, str(value))
    elif kind == of.TYPE_BOOLEAN:
        if value not in (True, False):
            raise NotSupported(f"{where} is true or false, not {value!r}")
        element.set_property(name, bool(value))
    elif hasattr(spec, "minimum"):
        element.set_property(name, _number(where, spec, value, whole=kind not in (of.TYPE_FLOAT, of.TYPE_DOUBLE)))
    else:
        library.gst.util_set_object_arg(element, name, str(value))


def _choice(where: str, choices: dict[int, Any], value: PropertyValue) -> Any:
    for number, choice in choices.items():
        if value == number or value in _nicks(choice):
            return choice
    names = [nick for choice in choices.values() for nick in _nicks(choice)]
    raise NotSupported(f"{where} cannot be {value!r}; allowed: {', '.join(names)}")


def _flags(where: str, choices: dict[int, Any], value: PropertyValue) -> int:
    if isinstance(value, int) and not value & ~sum(choices):
        return value
    found = 0
    for part in str(value).split("+"):
        found |= int(_choice(where, choices, part))
    return found


def _nicks(choice: Any) -> list[str]:
    return [choice.value_nick] if hasattr(choice, "value_nick") else list(choice.value_nicks)


def _number(where: str, spec: Any, value: PropertyValue, *, whole: bool) -> float:
    if isinstance(value, str):
        raise NotSupported(f"{where} is a number, not {value!r}")
    number = (round(value) or int(value > 0)) if whole else value  # little is not nothing, which may mean a default
    if not spec.minimum <= number <= spec.maximum:
        raise NotSupported(f"{where} cannot be {number}; allowed: {spec.minimum} to {spec.maximum}")
    return number
