"""Options that several commands share."""

from __future__ import annotations

import argparse
import math
from pathlib import Path

from edge.config.load import BASE_FILE, Loaded, load_layers
from edge.config.model import Config, ModalityConfig
from edge.modality.library import Library
from edge.model.errors import Invalid, NotFound
from edge.model.inputs import Input
from edge.model.picture import NO_PRESET

BOX_URL = "http://127.0.0.1:8080"


def add_config_options(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--base", type=Path, default=BASE_FILE, metavar="FILE", help="instead of %(default)s; drop-ins stand beside it"
    )
    command.add_argument(
        "--config", type=Path, action="append", default=[], metavar="FILE", help="lay this file over it; repeatable"
    )
    command.add_argument(
        "--set", action="append", default=[], metavar="KEY=VALUE", help="set one option, as web.port=8080; repeatable"
    )


def layers_from(arguments: argparse.Namespace) -> Loaded:
    """Raises Invalid listing every problem."""
    loaded = load_layers(base=arguments.base, files=arguments.config, sets=arguments.set)
    _check_presets(loaded.config.modality)
    return loaded


def config_from(arguments: argparse.Namespace) -> Config:
    """Raises Invalid listing every problem."""
    return layers_from(arguments).config


def _check_presets(modality: ModalityConfig) -> None:
    """Raises Invalid: their files are checked as the configuration is, before anything starts."""
    library = Library.load(modality.presets_dir)
    if modality.preset != NO_PRESET:
        try:
            library.find(modality.preset)
        except NotFound as error:
            raise Invalid(f"modality.preset: {error}", code="config") from error


def add_url_option(command: argparse.ArgumentParser) -> None:
    command.add_argument("--url", default=BOX_URL, help="the box's page (default %(default)s)")


def add_input_option(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--input",
        choices=[str(one) for one in Input],
        default=str(Input.MAIN),
        help="which input (default %(default)s)",
    )


def seconds(text: str) -> float:
    """An argument of argparse: a number above zero."""
    value = float(text)
    if not (value > 0 and math.isfinite(value)):
        raise ValueError(text)
    return value


def first_line(path: Path) -> str:
    """Of a passphrase file. Raises Invalid."""
    try:
        return path.read_text(encoding="utf-8").partition("\n")[0].strip()
    except (OSError, UnicodeDecodeError) as error:
        raise Invalid(f"{path}: cannot be read as a passphrase") from error
