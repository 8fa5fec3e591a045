"""The documentation of every option, made from the model: the commented file and the table."""

from __future__ import annotations

from edge.config import toml_text
from edge.config.layers import dotted
from edge.config.model import Config
from edge.config.options import Option, Table, tables

_EXAMPLE_HEAD = """\
# Scopecast: every option with its default. Copy what you change to /etc/scopecast/edge.toml,
# or to a file of its own in /etc/scopecast/edge.d/. Check with `edge config check`.
# Relative paths are relative to the working directory of the process.

"""
_UNSET = {
    "script": "faults.txt",
    "presets_dir": "/etc/scopecast/presets",
    "profiles_dir": "/etc/scopecast/boards",
    "passphrase_file": "/etc/scopecast/srt.passphrase",
    "rung": "view",
    "token_file": "/etc/scopecast/whip.token",
    "secret_file": "/etc/scopecast/turn.secret",
    "ca_file": "/etc/scopecast/ca.pem",
    "certificate_file": "/etc/scopecast/box.crt",
    "key_file": "/etc/scopecast/box.key",
    "input": 0,
    "lens_dioptres": 10.0,
    "exposure_us": 8000,
    "gain": 2.0,
}


def example_file() -> str:
    """docs/edge.toml: loading it changes nothing."""
    return _EXAMPLE_HEAD + "".join(_example_table(table) for table in tables(Config))


def reference_table() -> str:
    """The part of docs/configuration.md that lists the options, in Markdown."""
    return "\n".join(_reference_table(table) for table in tables(Config) if table.options)


def _example_table(table: Table) -> str:
    name = ".".join(table.path)
    note = table.description.replace("`", "'")
    off = "# " if table.absent else ""
    header = f"\n# {note}\n{off}" + (f"[[{name}]]\n" if table.array else f"[{name}]\n") if name else ""
    return header + "".join(_example_option(option, off=off) for option in table.options)


def _example_option(option: Option, *, off: str) -> str:
    name = option.path[-1]
    limits = f" ({option.limits})" if option.limits else ""
    note = f"# {option.description}{limits}\n".replace("`", "'")
    if option.default is None:
        return f"{note}# {name} = {toml_text.value(_UNSET[name])}\n"
    return f"{note}{off}{name} = {_default(option)}\n"


def _reference_table(table: Table) -> str:
    name = dotted(table.path)
    title = f"`[[{name}]]`" if table.array else f"`[{name}]`" if name else "At the top of the file"
    head = f"### {title}\n\n{table.description}\n\n| option | default | allowed | meaning |\n|---|---|---|---|\n"
    return head + "".join(_reference_row(option) for option in table.options)


def _reference_row(option: Option) -> str:
    default = "not set" if option.default is None else f"`{_default(option)}`"
    return f"| `{option.path[-1]}` | {default} | {option.limits} | {option.description} |\n"


def _default(option: Option) -> str:
    value = option.default
    return toml_text.value(value if isinstance(value, bool | int | float | tuple) else str(value))
