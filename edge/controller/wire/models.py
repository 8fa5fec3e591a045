"""The messages of docs/contracts/mqtt.md, field by field. Readers skip fields that they do not know."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue, model_validator

Whole = Annotated[int, Field(ge=0, lt=2**53, strict=True)]
Counting = Annotated[int, Field(ge=1, lt=2**53, strict=True)]
Version = Literal[1]
UtcMs = Annotated[Whole, Field(description="UTC, milliseconds since 1970")]
MonoMs = Annotated[Whole, Field(description="CLOCK_MONOTONIC of that boot, in milliseconds")]
Uuid = Annotated[str, Field(pattern=r"^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$")]
Uuid7 = Annotated[str, Field(pattern=r"^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$")]
BoxId = Annotated[str, Field(pattern=r"^[a-z0-9-]{6,40}$")]
CommandId = Annotated[
    str, Field(pattern=r"^[A-Za-z0-9-]{1,64}$", description="a UUIDv7: the same id, the same command")
]
Operation = Annotated[str, Field(pattern=r"^[a-z0-9_.-]{1,64}$")]
Challenge = Annotated[str, Field(pattern=r"^[A-Za-z0-9+/]{22}==$", description="base64 of 16 random bytes")]
Base64Url = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]*={0,2}$", json_schema_extra={"contentEncoding": "base64url"})]
ClockState = Literal["sync", "hold", "unsync"]
Kid = Annotated[str, Field(min_length=1, max_length=64)]
Numbers = dict[str, Annotated[int, Field(strict=True)] | Annotated[float, Field(strict=True)]]


class Message(BaseModel):
    """What all have in common."""

    model_config = ConfigDict(extra="allow", frozen=True, strict=True)


class Link(Message):
    """Is the box there? Its will says `lost`; a `lost` with a lower `sess` than one already seen means nothing."""

    v: Version
    state: Literal["online", "offline", "lost"]
    boot: Uuid
    sess: Counting
    ts: UtcMs
    clk: ClockState
    chal: Challenge
    sw: str
    slot: str
    proto: list[str]


class DocumentError(Message):
    """What of the desired document was not accepted: a JSON pointer and a code."""

    path: Annotated[str, Field(pattern=r"^(/.*)?$")]
    code: str


class State(Message):
    """All that the box reports, beside the members of its status document; `omitted` names what had no room."""

    v: Version
    rev: Counting
    boot: Uuid
    sess: Counting
    desired_rev: Whole
    desired_status: Literal["applied", "pending", "rejected"]
    errors: list[DocumentError]
    health: Literal["ok", "degraded", "failed"]
    omitted: list[str] = []


class Telemetry(Message):
    """Figures; never kept for later."""

    v: Version
    boot: Uuid
    n: Counting
    mono_ms: MonoMs
    ts: UtcMs
    m: Numbers


class CommandState(Message):
    """Where a command stands."""

    id: CommandId
    st: Literal["accepted", "running", "done", "failed", "rejected", "interrupted"]
    code: str
    pct: Annotated[int, Field(ge=0, le=100, strict=True)] | None = None


class _Letter(Message):
    """`evt` and `res` are one order for each box: `eseq` has no gaps within an `epoch`."""

    v: Version
    epoch: Uuid
    boot: Uuid
    eseq: Counting
    id: Uuid7
    mono_ms: MonoMs
    ts: UtcMs
    clk: ClockState
    sev: Literal[1, 2, 3]
    code: Annotated[str, Field(min_length=1)]
    data: dict[str, JsonValue]


class Event(_Letter):
    """An alarm, a step of the box's life, a digest for the audit."""

    kind: Literal["alarm", "life", "audit"]
    state: Literal["raised", "cleared"] | None = None

    @model_validator(mode="after")
    def _alarms_have_a_state(self) -> Event:
        if (self.kind == "alarm") != (self.state is not None):
            raise ValueError("state: alarms are raised or cleared, other events are neither")
        return self


class Answer(_Letter):
    """Progress or result of a command; `data` is the operation's own answer."""

    kind: Literal["res"]
    cmd: CommandState


class Signature(Message):
    """Ed25519 over `"DSSEv1" SP len(pt) SP pt SP len(p) SP p`."""

    kid: Kid
    alg: Literal["ed25519"]
    s: Base64Url


class _Envelope(Message):
    p: Base64Url
    sigs: Annotated[list[Signature], Field(min_length=1, max_length=8)]


class CommandEnvelope(_Envelope):
    """A signed command: `p` is the payload CommandOrder."""

    pt: Literal["eb/1/cmd"]


class DesiredEnvelope(_Envelope):
    """A signed desired document: `p` is the payload DesiredDocument."""

    pt: Literal["eb/1/desired"]


class CommandOrder(Message):
    """What is signed of a command. `iat` and `exp`: UTC in seconds or milliseconds, 24 h apart at most."""

    v: Version
    box: BoxId
    id: CommandId
    ctr: Whole
    op: Operation
    args: dict[str, JsonValue] = {}
    by: Annotated[str, Field(max_length=128)] = ""
    iat: Whole
    exp: Whole
    if_rev: Whole | None = None
    chal: Challenge | None = None


class DesiredDocument(Message):
    """What is signed of a desired document, beside its sections: always whole, taken if `rev` is newer."""

    v: Version
    box: BoxId
    rev: Counting
    by: Annotated[str, Field(max_length=128)] = ""
    iat: Whole = 0
    chal: Challenge | None = None


class Acknowledgement(Message):
    """Everything up to `eseq` has arrived for good."""

    epoch: Uuid
    eseq: Whole


class ControllerPresence(Message):
    """That a controller is there; a box sends again what is not acknowledged, after U(0, 60 s)."""

    v: Version
    state: Literal["online", "offline", "lost"]
    ts: UtcMs
