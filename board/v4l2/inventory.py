"""What is attached: each capture device with its signal, its EDID, and what this box can do with it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from board.v4l2.abi.codes import Cap
from board.v4l2.abi.numbers import fourcc
from board.v4l2.card import Card, FrameRate, InputPort, read_formats, read_inputs, read_rates
from board.v4l2.edid_memory import read_edid
from board.v4l2.finder import ListPaths, Seen, look_around, video_paths
from board.v4l2.kernel import Kernel
from board.v4l2.layout import KINDS
from board.v4l2.node import Node
from board.v4l2.probe import Prober, Reading
from board.v4l2.profile import CaptureProfile, profile_for
from edge.model.errors import DeviceGone


@dataclass(frozen=True, slots=True)
class Device:
    """One video node. `why_not` says in a sentence why this box cannot use it; empty when it can."""

    path: str
    card: Card | None
    known_as: str = ""
    inputs: tuple[InputPort, ...] = ()
    formats: tuple[str, ...] = ()
    rates: tuple[FrameRate, ...] = ()
    signal: Reading | None = None
    edid: bytes | None = None
    hint: str = ""
    why_not: str = ""

    @property
    def usable_formats(self) -> tuple[str, ...]:
        """In the order in which they are tried."""
        return tuple(code for code in KINDS if code in self.formats)


def inventory(
    kernel: Kernel, profiles: Mapping[str, CaptureProfile], list_paths: ListPaths = video_paths
) -> Iterator[Device]:
    """Every video node. A device that another program uses is shown as far as it lets us look."""
    for seen in look_around(kernel, list_paths):
        yield _device(seen, kernel, profiles)


def _device(seen: Seen, kernel: Kernel, profiles: Mapping[str, CaptureProfile]) -> Device:
    card = seen.card
    if card is None:
        return Device(seen.path, None, why_not=seen.trouble)
    if not card.captures:
        return Device(seen.path, card, why_not=_not_a_camera(card))
    try:
        with Node(seen.path, kernel=kernel) as node:
            return _examined(seen.path, card, node, profile_for(profiles, card.driver))
    except DeviceGone as error:
        return Device(seen.path, card, why_not=str(error))
    except OSError as error:
        return Device(seen.path, card, why_not=f"{seen.path}: {error.strerror}")


def _examined(path: str, card: Card, node: Node, profile: CaptureProfile) -> Device:
    inputs = read_inputs(node)
    formats = read_formats(node, card.buf_type)
    usable = [code for code in KINDS if code in formats]
    prober = Prober(node, profile=profile, input_index=inputs[0].index if inputs else 0, inputs=inputs)
    rates = () if prober.by_timings or not usable else read_rates(node, fourcc(usable[0]))
    why_not = "" if usable else f"offers only {', '.join(formats) or 'no format'}, none of which is understood"
    return Device(
        path=path,
        card=card,
        known_as=profile.name,
        inputs=inputs,
        formats=formats,
        rates=rates,
        signal=prober.look(),
        edid=_edid(node),
        hint=profile.hint,
        why_not=why_not,
    )


def _edid(node: Node) -> bytes | None:
    """None where there is no EDID memory, empty where nothing is in it."""
    try:
        return read_edid(node, 0)
    except OSError:
        return None


def _not_a_camera(card: Card) -> str:
    if card.caps & (Cap.VIDEO_M2M | Cap.VIDEO_M2M_MPLANE):
        return "encodes, decodes or converts pictures; it is no input"
    if card.caps & Cap.META_CAPTURE:
        return "carries data about pictures, not pictures"
    if card.caps & (Cap.VIDEO_OUTPUT | Cap.VIDEO_OUTPUT_MPLANE):
        return "is an output"
    return "does not capture video by streaming"
