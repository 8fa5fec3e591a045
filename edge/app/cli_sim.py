"""`edge sim fault|play`: faults of the simulated board, its source and its encoder."""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from board.sim.encoder_trouble import EncoderFault
from board.sim.fault import SimFault, parse_fault
from board.sim.script import FaultScript
from edge.app.box_http import BoxHttp
from edge.app.cli_options import add_input_option, add_url_option, seconds
from edge.model.command import Op
from edge.model.errors import Invalid
from edge.model.inputs import Input


def add_commands(commands: Any) -> None:
    sim = commands.add_parser("sim", help="cause faults on the simulated board", description=__doc__)
    actions = sim.add_subparsers(title="actions", metavar="ACTION", required=True)
    fault = actions.add_parser("fault", help="start one fault now")
    fault.add_argument(
        "kind", metavar="KIND", help="no_signal, no_cable, no_lock, freeze, mode:1280x720@50, clear, encoder_fails, ..."
    )
    fault.add_argument(
        "--for", dest="seconds", type=seconds, metavar="SECONDS", help="until the next one when not given"
    )
    add_input_option(fault)
    add_url_option(fault)
    fault.set_defaults(act=_fault)
    play = actions.add_parser("play", help="play a script of lines `AT FAULT [FOR]`, in seconds")
    play.add_argument("script", type=Path, metavar="SCRIPT")
    add_input_option(play)
    add_url_option(play)
    play.set_defaults(act=_play)


def _fault(arguments: argparse.Namespace) -> int:
    word = _checked(arguments.kind)
    _send(BoxHttp(arguments.url), word, arguments.seconds, input=Input(arguments.input))
    return 0


def _checked(word: str) -> str:
    """A fault of the source or of the encoder. Raises Invalid naming what is allowed."""
    if word in set(EncoderFault):
        return word
    try:
        return fault_text(parse_fault(word))
    except Invalid as error:
        raise Invalid(f"{error}; of the encoder: {', '.join(EncoderFault)}") from error


def _play(arguments: argparse.Namespace) -> int:
    script = _read(arguments.script)
    box = BoxHttp(arguments.url)
    play(script, box=box, now_s=time.monotonic, sleep=time.sleep, input=Input(arguments.input))
    return 0


def play(
    script: FaultScript,
    *,
    box: BoxHttp,
    now_s: Callable[[], float],
    sleep: Callable[[float], None],
    input: Input = Input.MAIN,
) -> None:
    """Send each fault when its time has come; a looped script plays until interrupted."""
    began_s = now_s()
    for cue in script.play():
        sleep(max(0.0, began_s + cue.at_s - now_s()))
        _send(box, fault_text(cue.fault), cue.seconds, input=input)
        print(f"{now_s() - began_s:8.2f} s  {fault_text(cue.fault)}", flush=True)


def fault_text(fault: SimFault) -> str:
    """The word that `parse_fault` reads."""
    return f"{fault.kind}:{fault.mode}" if fault.mode else str(fault.kind)


def _send(box: BoxHttp, word: str, for_s: float | None, *, input: Input) -> None:
    args: dict[str, Any] = {"fault": word, "input": input}
    if for_s is not None:
        args["seconds"] = for_s
    box.post("/api/v1/commands", {"op": Op.SIM_FAULT, "args": args})


def _read(path: Path) -> FaultScript:
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise Invalid(f"{path}: cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise Invalid(f"{path}: is not UTF-8 text") from error
    return FaultScript.parse(text, where=str(path))
