"""The import rule of docs/ARCHITECTURE.md, as a checker that reads the source of a tree."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

FEATURES = ("media", "rtc", "link", "web", "vault", "health", "sinks", "measure", "modality", "controller")
_COMMON = frozenset(("edge.runtime", "edge.config", "edge.ports", "edge.model"))

# who may import what, beside itself and the standard library
LAYERS: Mapping[str, frozenset[str]] = {
    "edge.model": frozenset(),
    "edge.ports": frozenset(("edge.model",)),
    "edge.config": frozenset(("edge.ports", "edge.model")),
    "edge.runtime": frozenset(("edge.ports", "edge.model")),
    **{f"edge.{feature}": _COMMON for feature in FEATURES},
    # the other end of the wire speaks the same envelope, and signs with the same keys
    "edge.controller": _COMMON | {"edge.link", "edge.vault"},
    "edge.app": _COMMON | {f"edge.{feature}" for feature in FEATURES} | {"board"},
    "edge.__main__": frozenset(("edge.app",)),
    "board": frozenset(("edge.ports", "edge.model")),
}

HOMES: Mapping[str, tuple[str, ...]] = {
    "PIL": ("edge.media",),
    "aioice": ("edge.rtc",),
    "aiortc": ("edge.rtc",),
    "av": ("board.av", "edge.sinks", "edge.measure", "edge.rtc"),
    "cryptography": ("edge.vault",),
    "segno": ("edge.web",),
    "spake2": ("edge.vault",),
    "fastapi": ("edge.web",),
    "numpy": ("board", "edge.media", "edge.sinks", "edge.measure"),
    "gi": ("board.gst",),
    "libcamera": ("board.rpi",),
    "paho": ("edge.link",),
    "picamera2": ("board.rpi",),
    "pkcs11": ("edge.vault",),
    "pydantic": ("edge.config", "edge.controller.wire"),  # there it writes the contract's JSON schemas
    "pydantic_core": ("edge.config",),
    "pylibsrtp": ("edge.rtc",),
    "rich": ("edge.controller", "edge.app"),
    "starlette": ("edge.web",),
    "uvicorn": ("edge.web",),
    "v4l2": ("board.v4l2",),
}

BAD_NAMES = re.compile(r"(manager|handler|helper|util|data|info)s?")
_WORDS = re.compile(r"[A-Z]?[a-z0-9]+|[A-Z]+(?![a-z])")


@dataclass(frozen=True, slots=True)
class Module:
    name: str
    path: Path
    tree: ast.Module

    @property
    def package(self) -> str:
        """The package against which relative imports count."""
        return self.name if self.path.name == "__init__.py" else self.name.rpartition(".")[0]


def modules(root: Path) -> Iterator[Module]:
    """Every module of `edge` and `board` below `root`."""
    for path in sorted((*root.glob("edge/**/*.py"), *root.glob("board/**/*.py"))):
        parts = path.relative_to(root).with_suffix("").parts
        name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
        yield Module(name, path, ast.parse(path.read_text(encoding="utf-8"), str(path)))


def violations(root: Path) -> list[str]:
    """`module: what is wrong`, one for each breach of the rule; imports inside functions count too."""
    found: list[str] = []
    for module in modules(root):
        for target in sorted(_imported(module)):
            found += _import_breach(module.name, target)
        found += _name_breaches(module)
    return found


def third_party(root: Path) -> set[str]:
    """Every imported module that is neither ours nor the standard library's."""
    targets = {target for module in modules(root) for target in _imported(module)}
    return {target for target in targets if _kind(target) == "third"}


def _imported(module: Module) -> set[str]:
    targets: set[str] = set()
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Import):
            targets.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = _absolute(node, module)
            # `from edge.app import media` imports a module, `from av import Packet` a name: both are under `base`
            ours = _kind(base) == "ours"
            targets.update(f"{base}.{alias.name}" if ours else base for alias in node.names)
    return targets


def _absolute(node: ast.ImportFrom, module: Module) -> str:
    if node.level == 0:
        return node.module or ""
    parts = module.package.split(".")
    above = parts[: len(parts) - node.level + 1]
    return ".".join((*above, node.module) if node.module else above)


def _kind(target: str) -> str:
    top = target.split(".")[0]
    if top in ("edge", "board"):
        return "ours"
    return "standard" if top in sys.stdlib_module_names else "third"


def _part(name: str) -> str:
    """`edge.media.mixer` -> `edge.media`; everything under `board` is `board`."""
    return "board" if name.split(".")[0] == "board" else ".".join(name.split(".")[:2])


def _import_breach(importer: str, target: str) -> Iterator[str]:
    kind, here = _kind(target), _part(importer)
    if kind == "ours":
        there = _part(target)
        allowed = there == here or there in LAYERS.get(here, frozenset()) or target in ("edge", "edge.__version__")
        if not allowed:
            yield f"{importer}: may not import {target}"
    elif kind == "third":
        library = target.split(".")[0]
        homes = HOMES.get(library, ())
        if not any(importer == home or importer.startswith(f"{home}.") for home in homes):
            yield f"{importer}: {library} is at home in {', '.join(homes) or 'no package'}"


def _name_breaches(module: Module) -> Iterator[str]:
    own = module.name.rpartition(".")[2]
    if any(BAD_NAMES.fullmatch(word) for word in own.split("_")):
        yield f"{module.name}: a module needs a better name than {own!r}"
    for node in ast.walk(module.tree):
        if isinstance(node, ast.ClassDef) and any(BAD_NAMES.fullmatch(w.lower()) for w in _WORDS.findall(node.name)):
            yield f"{module.name}: a class needs a better name than {node.name!r}"


_PROBE = """
import _thread, importlib, importlib.util, sys, threading
third, ours = sys.argv[1].split(), sys.argv[2].split()
for name in third:
    if importlib.util.find_spec(name.partition(".")[0]):  # some boards have more
        importlib.import_module(name)
current = ""
def told(event, args):
    writes = event == "open" and (set(str(args[1] or "")) & set("wax+") or (args[2] or 0) & 3)
    if current and (writes or event in EVENTS):
        print(f"{current}: {event} {str(args[:1])[:80]}")
EVENTS = {
    "socket.__new__", "subprocess.Popen", "os.mkdir", "os.fork", "os.remove",
    "sqlite3.connect", "ctypes.dlopen", "os.system", "os.putenv", "signal.pthread_kill",
}
sys.addaudithook(told)
begin = _thread.start_new_thread
def told_thread(*args):  # Python 3.11 raises no audit event for a thread
    if current:
        print(f"{current}: thread")
    return begin(*args)
_thread.start_new_thread = threading._start_new_thread = told_thread
for current in ours:
    importlib.import_module(current)
current = ""
"""


def import_effects(root: Path) -> list[str]:
    """What importing our modules does beside defining things: `module: event`. In a process of its own."""
    ours = [module.name for module in modules(root) if not module.name.endswith("__main__")]
    theirs = sorted(third_party(root))
    argv = [sys.executable, "-B", "-c", _PROBE, " ".join(theirs), " ".join(ours)]
    done = subprocess.run(argv, cwd=root, capture_output=True, text=True, timeout=120, check=False)
    if done.returncode:
        return [f"importing failed: {done.stderr.strip()}"]
    return done.stdout.splitlines()
