"""The processes together: commands, faults, deaths, restarts."""

from __future__ import annotations

import json
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from tests.running_box import RunningBox


def test_three_processes_and_a_broker_run(running_box: RunningBox) -> None:
    assert set(running_box.pids) == {"media", "rtc", "control", "broker"}


def test_status_has_what_the_contract_names(running_box: RunningBox) -> None:
    status = running_box.status()
    signal = status["signal"]
    assert [entry["name"] for entry in status["inputs"]] == ["main"], "there is no second input unless it is enabled"
    assert signal["state"] == "locked"
    assert signal["lock_changes"] >= 1
    assert signal["last_change_age_s"] >= 0
    assert {"width", "height", "fps", "colorimetry", "range"} <= set(signal["format"])
    assert status["encoder"]["hardware"] is False
    assert {"name", "codec", "target_bps", "measured_bps", "fps", "keyframes", "sessions"} <= set(
        status["encoder"]["rungs"][0]
    )
    assert {sink["name"] for sink in status["sinks"]} >= {"srt", "webrtc"}
    assert all({"name", "kind", "state", "epoch", "delivered", "dropped", "detail"} <= set(s) for s in status["sinks"])
    assert {"stages", "box"} <= set(status["latency"])
    running_box.wait_until(lambda: running_box.status()["link"]["state"] == "online", what="the link is online")


def test_snapshot_is_a_jpeg_with_its_capture_time(running_box: RunningBox) -> None:
    with urllib.request.urlopen(running_box.url + "/api/v1/snapshot.jpg", timeout=10) as response:
        picture = response.read()
        assert response.headers["Content-Type"] == "image/jpeg"
        assert response.headers["X-Capture-Time"].endswith("Z")
    assert picture[:2] == b"\xff\xd8"
    assert picture[-2:] == b"\xff\xd9"


def test_bitrate_changes_the_running_encoder(running_box: RunningBox) -> None:
    running_box.wait_until(lambda: running_box.status()["encoder"]["rungs"][0]["sessions"] > 0, what="it encodes")
    before = running_box.status()["encoder"]["rungs"][0]
    code, answer = running_box.command("encoder.set", rung="main", bitrate=500_000)
    assert code == 200, answer
    running_box.wait_until(
        lambda: running_box.status()["encoder"]["rungs"][0]["measured_bps"] < 800_000, what="the bitrate falls"
    )
    after = running_box.status()["encoder"]["rungs"][0]
    assert after["sessions"] == before["sessions"], "the encoder must not be made anew"
    running_box.command("encoder.set", rung="main", bitrate=4_000_000)


@pytest.mark.parametrize(
    ("op", "args", "code", "words"),
    [
        ("stream.start", {"sink": "nowhere"}, "unknown_sink", "nowhere"),
        ("stream.start", {}, "invalid", "sink: missing"),
        ("stream.start", {"sink": 7}, "invalid", "sink: expected text, got 7"),
        ("stream.start", {"sink": "srt", "extra": 1}, "invalid", "extra: not an argument"),
        ("encoder.set", {"bitrate": 1}, "range", "bitrate: 1 is outside"),
        ("encoder.set", {"rung": "none", "bitrate": 500_000}, "unknown_rung", "none"),
        ("sink.set", {"sink": "new", "url": "http://x"}, "invalid", "scheme 'http'"),
        ("sink.set", {"sink": "new", "url": "srt://127.0.0.1:9", "kind": "rtmp"}, "invalid", "rtmp"),
        ("sink.set", {"sink": "new", "url": "srt://127.0.0.1:9", "passphrase": "short"}, "invalid", "passphrase"),
        ("sink.set", {"sink": "webrtc", "url": "srt://127.0.0.1:9"}, "reserved_name", "webrtc"),
        ("sink.remove", {"sink": "webrtc"}, "reserved_name", "webrtc"),
        ("snapshot.take", {"id": "../etc/passwd"}, "invalid", "id"),
        ("sim.fault", {"fault": "earthquake"}, "invalid", "earthquake"),
        ("sim.fault", {"fault": "freeze", "seconds": "long"}, "invalid", "seconds"),
        ("no.such.op", {}, "unknown_operation", "no.such.op"),
    ],
)
def test_wrong_command_is_refused_with_its_reason(
    running_box: RunningBox, op: str, args: dict[str, object], code: str, words: str
) -> None:
    status, answer = running_box.command(op, **args)
    assert 400 <= status < 500, answer
    assert answer["code"] == code
    assert words in json.dumps(answer)
    assert "short" not in json.dumps(answer), "a passphrase is never repeated"


def test_outputs_come_and_go_by_command(running_box: RunningBox) -> None:
    url = "srt://127.0.0.1:9?mode=caller"
    code, answer = running_box.command("sink.set", sink="extra", kind="srt", url=url, passphrase="0123456789secret")
    assert code == 200, answer
    running_box.wait_until(lambda: running_box.sink("extra")["state"] == "connecting", what="extra is trying")
    running_box.wait_until(
        lambda: any(issue["subject"] == "extra" for issue in running_box.status()["issues"]),
        what="an issue names the output that cannot reach its receiver",
    )
    assert "0123456789secret" not in json.dumps(running_box.status())
    assert running_box.command("stream.stop", sink="extra")[0] == 200
    running_box.wait_until(lambda: running_box.sink("extra")["state"] == "stopped", what="extra is stopped")
    assert running_box.command("sink.remove", sink="extra")[0] == 200
    assert running_box.command("sink.remove", sink="extra")[0] == 200, "twice equals once"
    running_box.wait_until(
        lambda: all(sink["name"] != "extra" for sink in running_box.status()["sinks"]), what="extra is gone"
    )
    assert "0123456789secret" not in running_box.log


def test_snapshot_by_command_is_kept_sealed_and_twice_equals_once(running_box: RunningBox) -> None:
    code, first = running_box.command("snapshot.take", id="op-1")
    assert code == 200, first
    again = running_box.command("snapshot.take", id="op-1")[1]
    assert again["payload"]["sha256"] == first["payload"]["sha256"]
    kept = running_box.folder / "state" / "snapshots" / "op-1.sealed"
    assert b"\xff\xd8\xff" not in kept.read_bytes()[:64], "no JPEG in the clear"
    assert kept.stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("fault", ["no_signal", "no_lock", "no_cable", "out_of_range", "gone"])
def test_lost_signal_is_named_and_comes_back(running_box: RunningBox, fault: str) -> None:
    state = "no_device" if fault == "gone" else fault
    running_box.fault(fault)
    running_box.wait_until(lambda: running_box.status()["signal"]["state"] == state, what=f"the signal is {state}")
    status = running_box.status()
    assert status["picture"]["live"] is False
    assert any(issue["code"] == f"signal_{state}" and issue["suggestion"] for issue in status["issues"])
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(running_box.url + "/api/v1/snapshot.jpg", timeout=10)
    assert json.load(refused.value)["code"] == "no_live_picture"
    running_box.fault("clear")
    running_box.wait_live()
    assert all(not issue["code"].startswith("signal_") for issue in running_box.status()["issues"])


@pytest.mark.parametrize("fault", ["freeze", "stall"])
def test_picture_that_stands_still_is_not_live(running_box: RunningBox, fault: str) -> None:
    running_box.fault(fault)
    running_box.wait_until(lambda: running_box.status()["picture"]["live"] is False, what="not live")
    running_box.wait_until(
        lambda: any(issue["code"] == "picture_not_live" for issue in running_box.status()["issues"]), what="an issue"
    )
    running_box.fault("clear")
    running_box.wait_live()


def test_new_mode_is_followed_in_a_new_epoch(running_box: RunningBox) -> None:
    running_box.fault("mode:640x480@25")
    running_box.wait_until(
        lambda: (running_box.status()["signal"]["format"] or {}).get("width") == 640, what="the new mode is seen"
    )
    running_box.wait_live()
    running_box.fault("clear")
    running_box.wait_until(
        lambda: (running_box.status()["signal"]["format"] or {}).get("width") == 1280, what="the old mode is back"
    )


@pytest.mark.parametrize("name", ["media", "rtc", "control", "broker"])
def test_killed_process_is_started_again_and_the_others_stay(running_box: RunningBox, name: str) -> None:
    before = dict(running_box.pids)
    running_box.kill(name)
    running_box.wait_until(
        lambda: name in running_box.pids and running_box.pids[name] != before[name], what=f"{name} runs again"
    )
    running_box.wait_live()
    after = dict(running_box.pids)
    assert {n: pid for n, pid in after.items() if n != name} == {n: p for n, p in before.items() if n != name}
    running_box.wait_until(
        lambda: (
            running_box.status()["link"]["state"] == "online"
            and all(i["code"] not in ("media_down", "rtc_down") for i in running_box.status()["issues"])
        ),
        what="everything is well again",
        patience_s=45,
    )


def test_wishes_outlive_the_box(short_path: Path) -> None:
    sets = ("source.sim.width=640", "source.sim.height=480", "source.sim.fps=25")
    with RunningBox(short_path, *sets) as box:
        box.wait_live()
        assert box.command("stream.stop", sink="srt")[0] == 200
        assert box.command("encoder.set", bitrate=700_000)[0] == 200
    with RunningBox(short_path, *sets, ports=box.ports) as again:
        again.wait_live()
        again.wait_until(lambda: again.sink("srt")["state"] == "stopped", what="srt is still stopped")
        again.wait_until(
            lambda: again.status()["encoder"]["rungs"][0]["target_bps"] == 700_000, what="the bitrate is kept"
        )


def test_box_answers_although_its_source_cannot_be_reached(short_path: Path) -> None:
    source = ('source.kind="url"', 'source.url.url="/no/such/clip.mp4"')
    with RunningBox(short_path, *source) as box:
        box.wait_until(lambda: box.status()["signal"]["state"] == "no_device", what="no device")
        box.wait_until(lambda: box.status()["encoder"]["rungs"][0]["units"] > 0, what="the slate goes out")
        status = box.status()
        assert "/no/such/clip.mp4" in status["signal"]["detail"]
        code, answer = box.command("sim.fault", fault="freeze")
        assert (code, answer["code"]) == (400, "not_supported") or answer["code"] == "not_supported"


def test_port_in_use_is_named_and_nothing_else_stops(running_box: RunningBox, short_path: Path) -> None:
    ports = running_box.ports
    with RunningBox(short_path, "source.sim.width=640", "source.sim.height=480", ports=ports) as second:
        second.wait_until(
            lambda: f"127.0.0.1:{ports.web}" in second.log and f"{ports.srt}" in second.log, what="both ports are named"
        )
        assert "Traceback" not in second.log
        assert {"media", "rtc", "control"} <= set(second.pids)
    assert running_box.status()["picture"]["live"] is True


def test_unreadable_config_is_one_clear_line(tmp_path: Path) -> None:
    (tmp_path / "bad.toml").write_text("[web]\nprot = 1\n")
    ended = subprocess.run(
        [sys.executable, "-m", "edge", "run", "--config", str(tmp_path / "bad.toml")],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ended.returncode == 1
    assert "bad.toml: web.prot" in ended.stderr
    assert "Traceback" not in ended.stderr
