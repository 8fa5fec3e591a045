"""The lab measured: real packets between two namespaces.

Delays have a floor that holds for every packet; their ceiling is asked of the median alone, which a busy
machine moves least. `python -m tests.netlab` measures longer and prints the figures.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import socket
import statistics
import subprocess
from collections.abc import Iterator
from dataclasses import replace

import pytest

from tests.netlab.lab import NetLab, Place
from tests.netlab.path import End, Path, Step
from tests.netlab.probe import send_through, udp_at


@pytest.fixture(scope="module")
def lab() -> Iterator[NetLab]:
    with NetLab() as opened:
        yield opened


def ping_ms(source: Place, target: Place) -> list[float]:
    """Round trips as ping(8) saw them."""
    assert shutil.which("ping"), "ping is needed: install the package iputils-ping"
    with source.inside():
        said = subprocess.run(
            ["ping", "-c", "60", "-i", "0.01", target.address], capture_output=True, text=True, check=True
        )
    return [float(ms) for ms in re.findall(r"time=([\d.]+) ms", said.stdout)]


def test_ping_takes_the_round_trip_and_less_than_1_ms_more(lab: NetLab) -> None:
    lab.set(Path(delay_ms=10), Path(delay_ms=5))
    took_ms = ping_ms(lab.viewer, lab.box)
    assert min(took_ms) >= 15
    assert statistics.median(took_ms) < 16


def test_4000_packets_a_second_pass_within_1_ms_of_their_delay(lab: NetLab) -> None:
    lab.set(Path(delay_ms=20), Path())
    came = send_through(lab.box, lab.viewer, packets=6000, per_s=4000)
    assert [arrival.number for arrival in came] == list(range(6000))
    assert min(arrival.took_ms for arrival in came) >= 20
    assert statistics.median(arrival.took_ms for arrival in came) < 21


def test_bandwidth_is_what_was_asked_for_and_the_queue_bounds_the_delay(lab: NetLab) -> None:
    lab.set(Path(rate_bps=4_000_000, queue_ms=80, delay_ms=5), Path())
    came = send_through(lab.box, lab.viewer, packets=1250, per_s=625)  # 6 Mb/s for 2 s
    span_s = (came[-1].received_ns - came[0].received_ns) / 1e9
    assert (len(came) - 1) * 1200 * 8 / span_s == pytest.approx(4_000_000, rel=0.03)
    assert 80 < statistics.median(arrival.took_ms for arrival in came[len(came) // 2 :]) < 87


def test_each_direction_loses_its_own_share(lab: NetLab) -> None:
    lab.set(Path(loss=0.05), Path())
    came = send_through(lab.box, lab.viewer, packets=2000, per_s=4000)
    assert 0.03 < 1 - len(came) / 2000 < 0.07
    assert len(send_through(lab.viewer, lab.box, packets=200, per_s=4000)) == 200


def test_schedule_plays_an_outage_and_a_new_delay(lab: NetLab) -> None:
    up = Path(delay_ms=2)
    gone, far = replace(up, down=True), replace(up, delay_ms=30)
    lab.play((Step(0, up, up), Step(0.5, gone, gone, cut=True), Step(1.0, far, far)))
    came = send_through(lab.box, lab.viewer, packets=1500, per_s=1000)
    widest = max(range(1, len(came)), key=lambda at: came[at].received_ns - came[at - 1].received_ns)
    lost = came[widest].number - came[widest - 1].number - 1
    assert lost == pytest.approx(500, abs=40)
    assert statistics.median(arrival.took_ms for arrival in came[:widest]) < 3
    assert 30 <= statistics.median(arrival.took_ms for arrival in came[widest:]) < 31


def test_end_that_moves_is_seen_under_another_address_and_the_old_one_is_nobodys() -> None:
    with NetLab() as own, udp_at(own.box) as echo, udp_at(own.viewer) as caller:
        caller.connect(echo.getsockname())
        caller.send(b"from home")
        _, before = echo.recvfrom(64)
        own.play((Step(0, Path(), Path(), cut=True, moves=End.VIEWER),))
        caller.send(b"from elsewhere")
        _, after = echo.recvfrom(64)
        assert (before[0], after[1]) == (own.viewer.address, before[1])
        assert after[0] != before[0]
        echo.sendto(b"to the old address", before)
        echo.sendto(b"to the new address", after)
        assert caller.recv(64) == b"to the new address"
        assert own.counts()["uplink"]["astray"] == 1


def test_tcp_connects_from_an_end_that_has_moved() -> None:
    with NetLab() as own:
        own.play((Step(0, Path(), Path(), moves=End.VIEWER),))
        with own.box.inside():
            server = socket.create_server((own.box.address, 0))
        with server, own.viewer.inside(), socket.create_connection(server.getsockname(), timeout=5):
            server.settimeout(5)
            accepted, peer = server.accept()
            accepted.close()
    assert peer[0] != own.viewer.address


def test_counts_tell_what_became_of_the_packets() -> None:
    with NetLab(seed=7) as own:
        own.set(Path(loss=0.5), Path(down=True))
        came = send_through(own.box, own.viewer, packets=400, per_s=4000)
        counts = own.counts()["uplink"]
    assert counts["offered"] == 400
    assert counts["delivered"] == len(came)
    assert counts["lost"] == 400 - len(came)


def test_places_are_apart_from_this_machine_and_from_another_lab(lab: NetLab) -> None:
    lab.set(Path())
    with NetLab() as other:
        for place in (lab.box, lab.viewer, other.box, other.viewer):
            with place.inside():
                shown = json.loads(subprocess.check_output(["ip", "-json", "address"]))
            assert [entry["ifname"] for entry in shown] == ["lo", "line"]
        with lab.viewer.inside():
            listener = socket.create_server((lab.viewer.address, 0))
        port = listener.getsockname()[1]
        with listener, lab.box.inside(), socket.create_connection((lab.viewer.address, port), timeout=5):
            pass
        with other.box.inside(), pytest.raises(ConnectionRefusedError):
            socket.create_connection((other.viewer.address, port), timeout=5)


def test_killed_emulator_says_so_and_leaves_no_namespace() -> None:
    with NetLab() as own:
        number = subprocess.check_output(["stat", "-Lc", "%i", f"/proc/{own.pid}/ns/net"], text=True).strip()
        assert number in _namespaces()
        os.kill(own.pid, signal.SIGKILL)
        with pytest.raises(RuntimeError, match="ended"):
            own.counts()
    assert number not in _namespaces()


def test_line_that_cannot_be_played_ends_the_emulator_with_its_reason(capfd: pytest.CaptureFixture[str]) -> None:
    with NetLab() as own, pytest.raises(RuntimeError, match="ended with 1"):
        own.ask({"play": [{"at_s": 0, "uplink": {"loss": 3}, "downlink": {}, "cut": False, "moves": None}]})
    assert "loss is 3; a share is between 0 and 1" in capfd.readouterr().err


def _namespaces() -> str:
    return subprocess.check_output(["lsns", "-t", "net", "-no", "NS"], text=True)
