"""Commands and their results, the same over MQTT, HTTP and the CLI."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


class Op(StrEnum):
    STREAM_START = "stream.start"
    STREAM_STOP = "stream.stop"
    SINK_SET = "sink.set"
    SINK_REMOVE = "sink.remove"
    ENCODER_SET = "encoder.set"
    PRESET_SET = "preset.set"
    MASK_SET = "mask.set"
    SNAPSHOT_TAKE = "snapshot.take"
    REPORT_GET = "report.get"
    EVT_RESEND = "evt.resend"
    KEYS_GET = "keys.get"
    KEYS_SET = "keys.set"
    KEYS_REQUEST = "keys.request"
    KEYS_CERTIFICATE = "keys.certificate"
    KEYS_LEAVE = "keys.leave"
    LOG_LEVEL = "log.level"
    SYSTEM_REBOOT = "system.reboot"
    TEST_PATTERN = "test.pattern"
    SOURCE_SET = "source.set"
    VIEWER_INVITE = "viewer.invite"
    VIEWER_END = "viewer.end"
    SIM_FAULT = "sim.fault"


class Lane(StrEnum):
    """Commands of one lane run one after another, in order of arrival."""

    SYSTEM = "system"
    RECORD = "record"
    STREAM = "stream"
    CONFIG = "config"


@dataclass(frozen=True, slots=True)
class Command:
    """`args` are as the caller sent them, not yet validated; `by` is an opaque actor id.

    `present`: the sender is at the box, or has shown by its challenge that it speaks now. `kid`: the
    key that signed it; empty without a signature.
    """

    id: str
    op: str
    args: Mapping[str, Any] = field(default_factory=dict)
    by: str = "local"
    present: bool = False
    kid: str = ""


class ResultState(StrEnum):
    ACCEPTED = "accepted"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    REJECTED = "rejected"
    INTERRUPTED = "interrupted"


@dataclass(frozen=True, slots=True)
class Result:
    """`code` is `ok` or an error's code; `detail` a sentence; `payload` the op's own answer."""

    id: str
    st: ResultState
    code: str = "ok"
    detail: str = ""
    payload: Mapping[str, Any] = field(default_factory=dict)
