"""A box that can be enrolled and the controller's half of the conversation, without wires between them."""

from __future__ import annotations

import json
import ssl
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from edge.model.errors import EdgeError
from edge.runtime.clock import SystemClock
from edge.vault.authority import Authority, Purpose
from edge.vault.enrolment import EnrolmentFile
from edge.vault.keyring import Keyring, key_entry, trusted_key
from edge.vault.membership import Membership
from edge.vault.pairing import PairingDesk
from edge.vault.proof import CodeExchange, Transcript
from edge.vault.signing import SigningKey

BOX = "box-abcdef"


class NotedWay:
    """Goes wherever it is sent, unless `refuses`."""

    def __init__(self) -> None:
        self.at = "home"
        self.tried: list[str] = []
        self.refuses: EdgeError | None = None
        self.heard: list[bool] = []

    async def attempt(self, host: str, port: int, tls: ssl.SSLContext) -> None:
        self.tried.append(f"{host}:{port}")
        if self.refuses is not None:
            raise self.refuses
        self.at = f"{host}:{port}"

    def move(self, host: str, port: int, tls: ssl.SSLContext) -> None:
        self.at = f"{host}:{port}"

    def go_home(self) -> None:
        self.at = "home"

    async def hear_again(self, *, anew: bool) -> None:
        self.heard.append(anew)


class EnrollingBox:
    """`told` is its audit."""

    def __init__(self, folder: Path, *, fixed: bool = False) -> None:
        self.folder = folder
        self.keyring = Keyring(folder / "controllers.json")
        self.file = EnrolmentFile(folder / "enrolment.json")
        self.way = NotedWay()
        self.told: list[tuple[str, Mapping[str, Any]]] = []
        clock = SystemClock()

        def audit(code: str, facts: Mapping[str, Any]) -> None:
            self.told.append((code, facts))

        self.membership = Membership(
            file=self.file, keyring=self.keyring, box=BOX, clock=clock, way=self.way, fixed=fixed, audit=audit
        )
        self.desk = PairingDesk(
            keyring=self.keyring,
            box=BOX,
            clock=clock,
            broker=("127.0.0.1", 1883),
            audit=audit,
            membership=self.membership,
            address=lambda: "http://10.0.0.5:8080",
        )

    @property
    def kids(self) -> set[str]:
        trusted = self.keyring.keys()
        return {key.kid for key in trusted}


class Talker:
    """A controller's side of the conversation, word by word."""

    def __init__(self, folder: Path, *, host: str = "broker.example") -> None:
        self.key = SigningKey.load_or_create(folder / "key.pem")
        self.authority = Authority(folder / "ca")
        self.host = host
        self.transcript = Transcript(b"")

    async def meet(self, box: EnrollingBox, code: str) -> None:
        ours = CodeExchange.of_controller(code)
        self.transcript = Transcript(ours.key(str((await box.desk.hello(ours.first))["exchange"])))

    async def begin(self, at: EnrollingBox, **change: Any) -> dict[str, Any]:
        public = self.key.public.base64
        words = {"v": 1, "kid": self.key.kid, "public_key": public, "box": "", "nonce": str(time.time_ns())}
        return await self._say(at.desk.begin, {**words, **change})

    async def finish(self, at: EnrollingBox, introduction: Mapping[str, Any], **change: Any) -> dict[str, Any]:
        request = str(introduction["request"])
        offer = {
            "v": 1,
            "broker": {"host": self.host, "port": 8883},
            "ca": self.authority.ca,
            "certificate": self.authority.issue(request, name=BOX, purpose=Purpose.CLIENT) if request else "",
            "keys": [self.entry()],
        }
        return await self._say(at.desk.finish, {**offer, **change})

    def entry(self, **change: Any) -> Mapping[str, Any]:
        until_s = int(time.time()) + 86_400
        fields = {"kid": self.key.kid, "public": self.key.public.base64, "ops": ("*",), "boxes": (BOX,)}
        return key_entry(trusted_key(**{**fields, "not_after_s": until_s, **change}))  # type: ignore[arg-type]

    async def enrol(self, box: EnrollingBox) -> dict[str, Any]:
        digits, _ = box.desk.open_code()
        await self.meet(box, digits)
        return await self.finish(box, await self.begin(box))

    async def _say(self, to: Any, words: Mapping[str, Any]) -> dict[str, Any]:
        text = json.dumps(words)
        answer = await to(text, self.transcript.seal("controller", text))
        self.transcript.check("box", answer["text"], answer["seal"])
        said: dict[str, Any] = json.loads(answer["text"])
        return said
