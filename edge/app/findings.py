"""What is wrong with the box, read off the status document, with what to do about it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from edge.app.encoder_findings import encoder_findings
from edge.app.viewer_findings import ViewerFindings
from edge.media.framing import NO_PLAN
from edge.model.inputs import TEST_PATTERN, Input, input_of
from edge.model.picture import CaptureMode
from edge.model.status import Severity
from edge.runtime.issues import Finding

_FPS_SLACK = 0.005
_BUDGET_MS = 200.0
_BUDGET_HOLDS_S = 5.0
_RESTART_S = 3.0
_MANY_RESTARTS = 5
_STREAM_ADVICE = "Check the address of the source in the configuration and that what it names is there and playing."
_SIGNAL_ADVICE = {
    "no_device": "Check that the capture card is plugged in, or that the source in the configuration exists.",
    "no_cable": "Plug the video cable into the box and into the imaging device.",
    "no_signal": "Switch the imaging device on and select the output that the cable is plugged into.",
    "no_lock": "Try another cable, or set the imaging device to 1920x1080, 50 or 60 Hz, progressive.",
    "out_of_range": "Set the imaging device to 1920x1080, 50 or 60 Hz, progressive.",
}
_HINT_ADVICE = {
    "black_picture": "Look at the imaging device: wake it, and switch off HDCP or use an output without it.",
    "frozen_picture": "Look at the imaging device and its cable: it may be frozen, paused or unplugged.",
}
_SINK_ADVICE = {
    "wrong_passphrase": "Set the same passphrase on both sides.",
    "port_in_use": "Another program has that port: stop it, or give the output another port.",
    "listener_failed": "Another program may have that port: stop it, or give the output another port.",
    "libsrt_missing": "Install the package that the message names.",
    "unauthorized": "Give the output the token that the ingest wants.",
    "forbidden": "Ask who runs the ingest to let this token publish at that address.",
    "tls_untrusted": "Name the file with the hospital's CA in webrtc.ca_file, or mend the ingest's certificate.",
    "codec_not_supported": "Set the output to a rung that is H.264.",
    "no_path": "Let UDP to the ingest through the firewall, or name a TURN server in webrtc.turn.",
    "cipher_refused": "Give both sides the same kind of libsrt.",
    "not_authorized": "Set the stream id and passphrase that the receiver has for this box.",
    "stream_id_refused": "Set the stream id that the receiver asks for.",
    "adapter_missing": "Plug that network in, or set adapter in the output's address to one that the box has.",
    "no_device_binding": "Set adapter in the output's address to the interface's own address.",
    "unknown_rung": "Set the output to a rung that there is, or enable the second input.",
}
_DESIRED_ADVICE = {
    "rejected": "Tell the controller's operator what the message names; the box stays as it was.",
    "pending": "Tell the controller's operator: what the message names must be sent with the box's present challenge.",
}
_SINK_ADVICE_ELSE = "Check the address, the network and that the receiver is running; the box keeps trying."


@dataclass(slots=True)
class Findings:
    """`look` states everything that is wrong now. `standing` is trouble from start-up, as it is now.

    `board_trouble`: what is wrong with the board's profile; it stays.
    """

    standing: list[str] = field(default_factory=list)
    board_trouble: tuple[str, ...] = ()
    _over_budget_since_s: dict[str, float] = field(default_factory=dict)
    _away_since_s: dict[str, float] = field(default_factory=dict)
    _viewers: ViewerFindings = field(default_factory=ViewerFindings)

    def look(
        self,
        document: Mapping[str, Any],
        *,
        parts: Mapping[str, Iterable[Mapping[str, Any]]],
        rtc_up: bool,
        now_s: float,
    ) -> Iterator[Finding]:
        """`parts`: by input the components of its media process; absent while that does not report."""
        for entry in document.get("inputs", ()):
            yield from self._input(document, entry, parts=parts.get(entry["name"]), now_s=now_s)
        yield from self._process("rtc", up=rtc_up, now_s=now_s)
        if Input.MAIN in parts:
            yield from _framing(document)
        yield from _sinks(document)
        yield from self._viewers.look(document, now_s=now_s)
        yield from _desired(document.get("desired") or {})
        for sentence in (*self.standing, *self.board_trouble):
            yield Finding("start_up", Severity.ERROR, "Mend what the message names, then restart the box.", sentence)

    def _input(
        self,
        document: Mapping[str, Any],
        entry: Mapping[str, Any],
        *,
        parts: Iterable[Mapping[str, Any]] | None,
        now_s: float,
    ) -> Iterator[Finding]:
        """What comes from the first input has no subject of its own, from any other the input's name."""
        subject = "" if entry["name"] == Input.MAIN else str(entry["name"])
        yield from self._process("media", subject, up=parts is not None, now_s=now_s)
        if parts is not None:
            yield from _picture(entry, subject)
            yield from _mask(entry, subject)
            yield from _parts(parts, subject)
        yield from encoder_findings(entry, subject)
        yield from self._latency(_worst_latency_ms(document, entry), subject, now_s)

    def _process(self, name: str, subject: str = "", *, up: bool, now_s: float) -> Iterator[Finding]:
        """A restart that works is no issue: it must stay away for a while."""
        process = f"{name}-{subject}" if subject else name
        if up:
            self._away_since_s.pop(process, None)
            return
        if now_s - self._away_since_s.setdefault(process, now_s) >= _RESTART_S:
            advice = f"It is restarted by itself; if this stays, look into the log of edge-{process}."
            yield Finding(f"{name}_down", Severity.ERROR, advice, subject)

    def _latency(self, worst: float | None, subject: str, now_s: float) -> Iterator[Finding]:
        if worst is None or worst <= _BUDGET_MS:
            self._over_budget_since_s.pop(subject, None)
            return
        if now_s - self._over_budget_since_s.setdefault(subject, now_s) >= _BUDGET_HOLDS_S:
            yield Finding(
                "latency_budget_exceeded",
                Severity.WARNING,
                "Lower the bitrate or the picture size, or use a wired network.",
                subject,
                detail=f"95 % of pictures are seen within {worst:.0f} ms; the budget is {_BUDGET_MS:.0f} ms",
            )


def _picture(entry: Mapping[str, Any], subject: str) -> Iterator[Finding]:
    signal, picture = entry["signal"], entry["picture"]
    if entry["source"].get("chosen") == TEST_PATTERN:
        advice = "Switch it off with the operation test.pattern when you are done, or restart the box."
        yield Finding("test_pattern", Severity.WARNING, advice, subject, "the imaging device's picture is not shown")
    state = signal.get("state", "")
    if state in _SIGNAL_ADVICE:
        advice = _STREAM_ADVICE if entry["source"]["kind"] == "url" else _SIGNAL_ADVICE[state]
        yield Finding(f"signal_{state}", Severity.ERROR, advice, subject, signal.get("detail", ""))
    elif picture.get("live") is False and not entry["mask"]["withheld"]:
        advice = "Look at the imaging device: it may be frozen, paused or in stand-by."
        yield Finding("picture_not_live", Severity.ERROR, advice, subject, picture.get("reason", ""))
    if hint := picture.get("hint"):
        yield Finding(hint["code"], Severity.WARNING, _HINT_ADVICE[hint["code"]], subject, hint["detail"])


def _mask(entry: Mapping[str, Any], subject: str) -> Iterator[Finding]:
    withheld = entry["mask"]["withheld"]
    if withheld and withheld != NO_PLAN:  # that is over as soon as it is told, at each start
        advice = "Set the mask anew for the picture as it is now, or bring back the picture it was made for."
        yield Finding("picture_withheld", Severity.ERROR, advice, subject, withheld)


def _framing(document: Mapping[str, Any]) -> Iterator[Finding]:
    """What of preset and crop, which are about the first input, is not as it is wanted."""
    if trouble := (document.get("crop") or {}).get("trouble"):
        advice = "The whole picture is shown. Mend the crop of the preset, or bring back the picture it was made for."
        yield Finding("crop_not_applied", Severity.WARNING, advice, detail=trouble)
    preset, video = document.get("preset") or {}, (document.get("signal") or {}).get("format")
    if video and preset.get("modes") and not any(_is_mode(mode, video) for mode in preset["modes"]):
        advice = "Set the imaging device to the first of these modes that it has."
        comes = f"{video['width']}x{video['height']}@{video['fps']:g}"
        detail = f"the source delivers {comes}, the preset wants one of {', '.join(preset['modes'])}"
        yield Finding("preset_mode_absent", Severity.INFO, advice, preset.get("name", ""), detail)


def _is_mode(mode: str, video: Mapping[str, Any]) -> bool:
    """59.94 frames/s pass for 60."""
    wanted = CaptureMode.parse(mode)
    same_size = (wanted.width, wanted.height) == (video["width"], video["height"])
    return same_size and abs(video["fps"] - wanted.fps) < _FPS_SLACK * wanted.fps


def _parts(parts: Iterable[Mapping[str, Any]], subject: str) -> Iterator[Finding]:
    for part in parts:
        name = f"{subject}/{part['name']}" if subject else part["name"]
        if part["restarts"] >= _MANY_RESTARTS and part["state"] in ("failed", "waiting"):
            advice = "It is restarted by itself; the message says what it needs."
            yield Finding("component_failing", Severity.ERROR, advice, name, part["last_error"])


def _sinks(document: Mapping[str, Any]) -> Iterator[Finding]:
    for sink in document.get("sinks", ()):
        if sink.get("code"):
            advice = _SINK_ADVICE.get(sink["code"], _SINK_ADVICE_ELSE)
            yield Finding(f"output_{sink['code']}", Severity.WARNING, advice, sink["name"], sink["last_error"])


def _desired(desired: Mapping[str, Any]) -> Iterator[Finding]:
    advice = _DESIRED_ADVICE.get(desired.get("status", ""))
    if advice is not None:
        flaws = [f"{flaw['path'] or '/'}: {flaw['detail'] or flaw['code']}" for flaw in desired["errors"]]
        words = f"revision {desired['rev']} from the controller; revision {desired['applied_rev']} holds"
        detail = "; ".join((words, *flaws))
        yield Finding(f"desired_{desired['status']}", Severity.WARNING, advice, detail=detail)


def _worst_latency_ms(document: Mapping[str, Any], entry: Mapping[str, Any]) -> float | None:
    box = entry["latency"].get("box")
    watching = [viewer for viewer in document.get("viewers", ()) if input_of(viewer["rung"]) == entry["name"]]
    known = [box["p95"] / 1000] if box else []
    known += [viewer["glass_to_glass_ms"]["p95"] for viewer in watching if viewer.get("glass_to_glass_ms")]
    return max(known, default=None)
