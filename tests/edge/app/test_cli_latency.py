"""`edge latency`: what it prints of files and of a stream over UDP."""

from __future__ import annotations

import json
import socket
import threading
import time
from pathlib import Path

import pytest

from edge.app.cli import main
from tests.edge.measure import bench
from tests.running_box import free_port


def test_file_gives_no_latency_but_the_agreement_of_its_carriers(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = bench.write_ts(tmp_path / "a.ts", bench.units(25, not_live=frozenset((3,))))
    assert main(["latency", str(path)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[:4] == [
        f"{path}: 25 pictures, 24 live, 1 not live",
        "sequence   0 missing in 0 gap(s), 0 restart(s)",
        "latency    none: a file has no arrival",
        "strip-SEI  +0 to +0 us over 24 pictures with both",
    ]
    assert lines[4].startswith("clocks     sender synchronised, within 1.5 ms; here ")


def test_json_of_a_file_has_no_latency(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = bench.write_ts(tmp_path / "a.ts", bench.units(5))
    assert main(["latency", str(path), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["pictures"], found["sei_ms"], found["strip_ms"]) == (5, None, None)
    assert found["strip_minus_sei_ms"]["count"] == 5


@pytest.mark.parametrize(
    ("option", "words"),
    [
        ([], "carries no capture times: neither a time SEI in its access units nor a time strip in its pictures"),
        (["--sei"], "carries no capture times: no time SEI in its access units"),
        (["--strip"], "carries no capture times: no time strip in its pictures"),
    ],
)
def test_stream_without_times_is_said(
    option: list[str], words: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = bench.write_ts(tmp_path / "a.ts", bench.units(5, with_sei=False, with_strip=False))
    assert main(["latency", str(path), *option]) == 1
    assert capsys.readouterr().err == f"edge: {path} {words}\n"


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("absent.ts", "absent.ts cannot be opened: No such file or directory"),
        ("srt://127.0.0.1", "a port of 1 to 65535 is needed"),
        ("srt://127.0.0.1:1?passphrase=hunter2hunter2", "a passphrase does not belong into a URL"),
        ("udp://127.0.0.1", "is not udp://HOST:PORT"),
        ("http://127.0.0.1:1/whep/main", "does not answer"),
        ("http://127.0.0.1:1/a.ts", "cannot be opened"),
    ],
)
def test_stream_that_cannot_be_had_is_one_line(url: str, words: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["latency", url]) == 1
    err = capsys.readouterr().err
    assert words in err
    assert len(err.splitlines()) == 1


def test_absent_passphrase_file_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    absent = tmp_path / "absent"
    assert main(["latency", "srt://127.0.0.1:1", "--passphrase-file", str(absent)]) == 1
    assert capsys.readouterr().err == f"edge: {absent}: cannot be read as a passphrase\n"


def test_stream_over_udp_is_measured(capsys: pytest.CaptureFixture[str]) -> None:
    """Pictures that were captured 200 ms before they are sent arrive 200 ms late, or somewhat more."""
    port, count = free_port(socket.SOCK_DGRAM), 40
    begin_ns = time.time_ns() + 1_500_000_000
    made = bench.units(count, times_ns=[begin_ns - 200_000_000 + index * 25_000_000 for index in range(count)])
    stream = [bench.muxed(made[index : index + 1]) for index in range(count)]

    def send() -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
            for index, unit in enumerate(stream):
                time.sleep(max(0.0, (begin_ns + index * 25_000_000 - time.time_ns()) / 1e9))
                for at in range(0, len(unit), 1316):
                    sender.sendto(unit[at : at + 1316], ("127.0.0.1", port))

    sender = threading.Thread(target=send)
    sender.start()
    assert main(["latency", f"udp://127.0.0.1:{port}", "--seconds", "0.7", "--json"]) == 0
    sender.join()
    found = json.loads(capsys.readouterr().out)
    assert found["live"] > 10
    assert 200 <= found["sei_ms"]["min"] < 1000
    assert found["strip_ms"]["min"] >= found["sei_ms"]["min"]
    assert found["strip_minus_sei_ms"]["max"] == 0.0
