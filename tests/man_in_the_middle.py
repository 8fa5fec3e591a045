"""Somebody between box and controller: he hears all, and puts his own key where he wants it."""

from __future__ import annotations

import base64
import contextlib
import json
import threading
import urllib.error
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey


class MiddleMan:
    """Use as a context. Controllers are sent to `url`; he asks the box at `target` for them."""

    def __init__(self, target: str) -> None:
        self.target = target
        self.swap_questions = True
        self.swap_answers = False
        self.swapped = 0
        self.overheard: list[bytes] = []
        key = Ed25519PrivateKey.generate().public_key().public_bytes_raw()
        self._key = base64.b64encode(key).decode()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> Self:
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,))
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def pass_on(self, path: str, body: bytes) -> tuple[int, bytes]:
        """(status, answer)."""
        if self.swap_questions and not self.swap_answers:
            body = self._swap(body, "public_key", self._key)
        self.overheard.append(body)
        request = urllib.request.Request(f"{self.target}{path}", body, {"Content-Type": "application/json"})
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:
                said = answer.read()
                return 200, self._swap(said, "request", "his own") if self.swap_answers else said
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read()

    def _swap(self, body: bytes, name: str, value: str) -> bytes:
        message: dict[str, Any] = json.loads(body)
        with contextlib.suppress(KeyError):
            text = json.loads(message["text"])
            if name in text:
                self.swapped += 1
                message["text"] = json.dumps({**text, name: value})
        return json.dumps(message).encode()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        middle = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                status, answer = middle.pass_on(self.path, body)
                self.send_response(status)
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, format: str, *args: Any) -> None:
                return

        return Handler
