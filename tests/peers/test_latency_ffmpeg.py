"""`edge latency` reads what FFmpeg's program passes on: over SRT and UDP, and into a recording."""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

from edge.app.cli import main
from tests.edge.measure import bench
from tests.running_box import free_port

pytestmark = pytest.mark.peer


@pytest.fixture
def ffmpeg() -> str:
    found = shutil.which("ffmpeg")
    assert found, "this test needs the program ffmpeg: apt install ffmpeg"
    return found


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    return bench.write_ts(tmp_path / "a.ts", bench.units(250))


@contextmanager
def running(argv: Sequence[str]) -> Iterator[None]:
    process = subprocess.Popen(argv, stdin=subprocess.DEVNULL)
    try:
        yield
    finally:
        process.terminate()
        process.wait(10)


def passed_on(ffmpeg: str, recording: Path, target: str) -> list[str]:
    head = [ffmpeg, "-loglevel", "error", "-re", "-i", str(recording), "-c", "copy", "-f", "mpegts"]
    return [*head, "-flush_packets", "1", target]


@pytest.mark.parametrize("scheme", ["srt", "udp"])
def test_times_survive_ffmpeg_on_the_way(
    scheme: str, ffmpeg: str, recording: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    port = free_port(socket.SOCK_DGRAM)
    to, ours = f"{scheme}://127.0.0.1:{port}", f"{scheme}://127.0.0.1:{port}"
    if scheme == "srt":
        to, ours = f"{to}?mode=listener", f"{ours}?mode=caller"
    with running(passed_on(ffmpeg, recording, to)):
        assert main(["latency", ours, "--seconds", "1.5", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["live"] == found["pictures"] > 20
    assert (found["missing"], found["not_live"]) == (0, 0)
    assert found["strip_minus_sei_ms"]["min"] == found["strip_minus_sei_ms"]["max"] == 0.0


def test_times_survive_remuxing_into_a_recording(
    ffmpeg: str, recording: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    kept = tmp_path / "kept.mkv"
    subprocess.run([ffmpeg, "-loglevel", "error", "-i", str(recording), "-c", "copy", str(kept)], check=True)
    assert main(["latency", str(kept), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["pictures"], found["live"], found["missing"]) == (250, 250, 0)
    assert found["strip_minus_sei_ms"]["count"] == 250


def test_encoding_anew_loses_the_sei_and_keeps_the_strip(
    ffmpeg: str, recording: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    anew = tmp_path / "anew.ts"
    command = [ffmpeg, "-loglevel", "error", "-i", str(recording), "-c:v", "libx264", "-tune", "zerolatency", str(anew)]
    subprocess.run(command, check=True)
    assert main(["latency", str(anew), "--sei"]) == 1
    assert "no time SEI" in capsys.readouterr().err
    assert main(["latency", str(anew), "--strip"]) == 0
