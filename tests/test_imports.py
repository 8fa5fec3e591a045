"""The import rule holds in this tree, and the checker finds each kind of breach in another."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.import_rules import FEATURES, import_effects, modules, violations

ROOT = Path(__file__).resolve().parents[1]
LEFT_OUT = {
    ".git",
    ".venv",
    "var",
    "shots",
    "__pycache__",
    ".mypy_cache",
    ".ruff_cache",
    ".pytest_cache",
    ".hypothesis",
}
TEXT = {".py", ".md", ".toml", ".html", ".js", ".css", ".txt", ".service", ".sh", ".yml", ""}


def test_every_import_is_allowed() -> None:
    assert violations(ROOT) == []


def test_importing_has_no_effect() -> None:
    assert import_effects(ROOT) == []


def test_every_feature_is_known_to_the_rule() -> None:
    found = {path.parent.name for path in ROOT.glob("edge/*/__init__.py")}
    assert found == {*FEATURES, "app", "config", "model", "runtime"}


def test_packages_begin_with_a_docstring() -> None:
    bare = [m.name for m in modules(ROOT) if m.path.name == "__init__.py" and not m.path.read_text().startswith('"""')]
    assert bare == []


def test_no_file_names_the_workshop() -> None:
    """The project stands alone: nothing in it points to places that exist only where it was made."""
    workshop = ("/".join(("..", "shared")), "/".join(("", "work", "main")), "/".join(("", "work", "shared")))
    named = [
        f"{path.relative_to(ROOT)}: {word}"
        for path in _files(ROOT)
        for word in workshop
        if word in path.read_text(encoding="utf-8", errors="replace")
    ]
    assert named == []


def _files(folder: Path) -> list[Path]:
    found: list[Path] = []
    for path in folder.iterdir():
        if path.name in LEFT_OUT or path.name.endswith(".egg-info"):
            continue
        if path.is_dir():
            found += _files(path)
        elif path.suffix in TEXT:
            found.append(path)
    return found


def plant(root: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        for folder in path.relative_to(root).parents[:-1]:
            (root / folder / "__init__.py").touch()
        path.write_text(text)
    return root


BREACHES = {
    "feature to feature": ("edge/web/a.py", "import edge.link.b", "edge.web.a: may not import edge.link.b"),
    "feature to app": ("edge/rtc/a.py", "from edge.app.b import c", "edge.rtc.a: may not import edge.app.b.c"),
    "model to ports": ("edge/model/a.py", "from edge import ports", "edge.model.a: may not import edge.ports"),
    "runtime to config": (
        "edge/runtime/a.py",
        "from edge.config.model import Config",
        "edge.runtime.a: may not import edge.config.model.Config",
    ),
    "ports to runtime": ("edge/ports.py", "import edge.runtime", "edge.ports: may not import edge.runtime"),
    "feature to board": ("edge/media/a.py", "from board.sim import b", "edge.media.a: may not import board.sim.b"),
    "board to runtime": ("board/sim/a.py", "import edge.runtime.log", "board.sim.a: may not import edge.runtime.log"),
    "link to vault": ("edge/link/a.py", "import edge.vault.b", "edge.link.a: may not import edge.vault.b"),
    "controller to web": ("edge/controller/a.py", "import edge.web.b", "edge.controller.a: may not import edge.web.b"),
    "relative": ("edge/web/a.py", "from ..link import b", "edge.web.a: may not import edge.link.b"),
    "relative to a sibling of the package": (
        "edge/web/a.py",
        "from .. import link",
        "edge.web.a: may not import edge.link",
    ),
    "inside a function": (
        "edge/web/a.py",
        "def f() -> None:\n    import edge.link.b",
        "edge.web.a: may not import edge.link.b",
    ),
    "library away from home": ("edge/link/a.py", "import fastapi", "edge.link.a: fastapi is at home in edge.web"),
    "part of a library": ("edge/web/a.py", "import paho.mqtt.client", "edge.web.a: paho is at home in edge.link"),
    "av in the wrong half of board": (
        "board/sim/a.py",
        "from av import Packet",
        "board.sim.a: av is at home in board.av, edge.sinks, edge.measure, edge.rtc",
    ),
    "library without a home": ("edge/web/a.py", "import requests", "edge.web.a: requests is at home in no package"),
    "module name": ("edge/web/session_manager.py", "", "edge.web.session_manager: a module needs a better name than"),
    "module name in the plural": ("edge/web/utils.py", "", "edge.web.utils: a module needs a better name than 'utils'"),
    "class name": ("edge/web/a.py", "class SinkInfo: ...", "edge.web.a: a class needs a better name than 'SinkInfo'"),
    "private class name": ("edge/web/a.py", "class _DataHTTP: ...", "edge.web.a: a class needs a better name than"),
}


@pytest.mark.parametrize("kind", BREACHES)
def test_planted_breach_is_found(kind: str, tmp_path: Path) -> None:
    name, text, words = BREACHES[kind]
    found = violations(plant(tmp_path, {name: text}))
    assert len(found) == 1
    assert found[0].startswith(words)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("edge/app/a.py", "import board.sim.b\nimport edge.web.c\nfrom rich.table import Table\nimport edge"),
        (
            "edge/web/a.py",
            "from edge.web import b\nfrom . import c\nfrom edge import ports\nimport fastapi\nimport json",
        ),
        ("edge/controller/a.py", "import edge.link.engine\nimport edge.vault.b"),
        ("board/av/a.py", "import av\nimport numpy\nfrom edge.ports import Clock\nfrom board.sim import b"),
        ("edge/web/metadata.py", "class Metadata: ...\nclass Informed: ...\nclass Handle: ..."),
    ],
)
def test_what_the_rule_allows_is_not_found(name: str, text: str, tmp_path: Path) -> None:
    assert violations(plant(tmp_path, {name: text})) == []


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("import threading\nthreading.Thread(target=str).start()", "edge.web.a: thread"),
        ("import socket\nS = socket.socket()", "edge.web.a: socket.__new__"),
        ("open('made-at-import', 'w').close()", "edge.web.a: open"),
        ("import os\nos.mkdir('made-at-import')", "edge.web.a: os.mkdir"),
        ("import ctypes\nC = ctypes.CDLL(None)", "edge.web.a: ctypes.dlopen"),
        ("raise RuntimeError('no')", "importing failed: "),
    ],
)
def test_planted_effect_of_an_import_is_found(text: str, words: str, tmp_path: Path) -> None:
    found = import_effects(plant(tmp_path, {"edge/web/a.py": text}))
    assert found
    assert found[0].startswith(words)


def test_import_of_quiet_modules_has_no_effect(tmp_path: Path) -> None:
    assert import_effects(plant(tmp_path, {"edge/web/a.py": "import json\nX = json.loads('1')"})) == []
