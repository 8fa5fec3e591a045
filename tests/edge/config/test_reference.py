"""The documentation of the options says what the model says."""

from __future__ import annotations

from pathlib import Path

import pytest

from edge.config.load import load
from edge.config.model import Config
from edge.config.options import Option, tables
from edge.config.reference import example_file, reference_table

DOCS = Path(__file__).parents[3] / "docs"
OPTIONS = [option for table in tables(Config) for option in table.options]


def test_shipped_file_is_the_one_that_the_model_gives() -> None:
    written = (DOCS / "edge.toml").read_text()
    assert written == example_file(), "write it anew: edge config example > docs/edge.toml"


def test_loading_the_shipped_file_changes_nothing() -> None:
    assert load(base=DOCS / "edge.toml") == Config()


def test_configuration_page_holds_the_table_of_all_options() -> None:
    page = (DOCS / "configuration.md").read_text()
    assert reference_table() in page, "put the output of `edge config reference` into docs/configuration.md"


@pytest.mark.parametrize("option", OPTIONS, ids=lambda option: ".".join(option.path))
def test_option_has_a_sentence(option: Option) -> None:
    assert option.description.endswith(".")
    assert option.description[0].isupper() or option.description[0] == "`"


def test_options_are_listed_with_their_limits() -> None:
    width = next(option for option in OPTIONS if option.path == ("source", "sim", "width"))
    assert width.limits == "320 or more, 3840 or less, a multiple of 16"
