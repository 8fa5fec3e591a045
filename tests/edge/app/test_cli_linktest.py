from __future__ import annotations

import json
from pathlib import Path

import pytest

from edge.app import uplink_page
from edge.app.cli import main
from edge.app.cli_linktest import bitrate_bps
from edge.app.cli_linktest_call import wanted_of
from edge.app.cli_linktest_listen import Arrived, line, peak_bps
from edge.config.model import Config
from edge.measure.uplink import Stretch
from edge.measure.uplink_ramp import Order, Ramp, RampSpec, Stage
from edge.measure.uplink_verdict import Need, finding_of
from edge.model.errors import Invalid, NotFound
from tests.srt_peers import free_udp_port

_IDLE = Stretch(200_000, 200_000, 200_000, 38.2, 41.4)
_HELD = Stretch(10_300_000, 10_290_000, 10_280_000, 44.0, 61.0, loss=0.0012)
_RAMP = Ramp(RampSpec(25_000_000), None, _IDLE, _HELD, capacity_bps=11_400_000, full_at_bps=17_100_000, steady=True)
_FINDING = finding_of(_RAMP, Need(8_000_000, "preset endoscopy", 2_500_000))


@pytest.mark.parametrize(
    ("text", "bits"),
    [("8M", 8_000_000), ("8m", 8_000_000), ("2.5M", 2_500_000), ("900k", 900_000), ("3000000", 3_000_000)],
)
def test_bit_rate_takes_k_and_m(text: str, bits: int) -> None:
    assert bitrate_bps(text) == bits


@pytest.mark.parametrize("text", ["8", "99k", "-8M", "2000M", "M", "8G", "nan", "inf"])
def test_bit_rate_that_makes_no_sense_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"could not convert|^[-0-9a-zM]+$"):
        bitrate_bps(text)


@pytest.mark.parametrize(
    ("text", "preset", "wanted"),
    [
        ("4M", "none", (4_000_000, 0, 4_000_000, "as asked for")),
        (None, "none", (8_000_000, 0, 20_000_000, "encoder.bitrate_bps")),
        (None, "ultrasound", (8_000_000, 2_000_000, 16_000_000, "preset ultrasound")),
        ("microscopy", "ultrasound", (20_000_000, 6_000_000, 50_000_000, "preset microscopy")),
        ("none", "ultrasound", (8_000_000, 0, 20_000_000, "encoder.bitrate_bps")),
    ],
)
def test_need_is_what_was_asked_for_or_configured(
    text: str | None, preset: str, wanted: tuple[int, int, int, str]
) -> None:
    config = Config.model_validate({"modality": {"preset": preset}})
    found = wanted_of(text, config)
    assert (found.need.bitrate_bps, found.need.floor_bps, found.ceiling_bps, found.need.whose) == wanted


def test_unknown_preset_names_those_there_are() -> None:
    with pytest.raises(NotFound, match="no preset 'dentistry'; there is endoscopy"):
        wanted_of("dentistry", Config())


def test_rate_below_any_picture_is_named() -> None:
    with pytest.raises(Invalid, match="--for 7: no bit rate"):
        wanted_of("7", Config())


def test_page_is_for_a_technician_at_midnight() -> None:
    assert uplink_page.page("203.0.113.9:9710", _FINDING).splitlines() == [
        "uplink to 203.0.113.9:9710",
        "capacity    11.4 Mb/s (full at 17.1 Mb/s)",
        "round trip  p50 / p95: idle 38 / 41 ms, at 10.3 Mb/s 44 / 61 ms",
        "jitter      17 ms at 10.3 Mb/s",
        "loss        0.12% sent again at 10.3 Mb/s, 0.00% too late to be sent",
        "latency     set the SRT latency to 250 ms (4 round trips, 120 at least)",
        "needed      10.0 Mb/s: 8.0 Mb/s (preset endoscopy) and a quarter for sending again",
        "headroom    +14% of what is needed",
        "GOOD        send as configured",
    ]


def test_document_has_every_figure() -> None:
    document = json.loads(json.dumps(uplink_page.document("203.0.113.9:9710", _FINDING)))
    assert document["peer"] == "203.0.113.9:9710"
    assert (document["verdict"], document["capacity_bps"], document["latency_ms"]) == ("good", 11_400_000, 250)
    assert document["held"]["jitter_ms"] == 17.0
    assert document["need"] == {"bitrate_bps": 8_000_000, "whose": "preset endoscopy", "floor_bps": 2_500_000}


def test_progress_says_when_the_path_is_full() -> None:
    order = Order(Stage.RAMP, 17_100_000, 2.0)
    assert uplink_page.progress(order, _HELD, full=True).endswith("the path is full")
    assert uplink_page.progress(order, _HELD, full=False).startswith("ramp   17.1 Mb/s  arrived  10.3 Mb/s")


def test_far_end_says_what_came() -> None:
    arrived = Arrived(41_200_000, 31.2, 11_900_000, 31_000, 31, 2)
    assert line(arrived) == (
        "came: 41.2 MB in 31 s, at most 11.9 Mb/s over a second; 0.10% lost on the way, 2 packet(s) never came"
    )


@pytest.mark.parametrize(
    ("arrivals", "bits"),
    [
        ([], 0),
        ([(0.0, 0), (0.5, 1000)], 0),
        ([(n / 5, n * 25_000) for n in range(20)], 1_000_000),
        ([(n / 5, 0 if n < 10 else (n - 9) * 25_000) for n in range(20)], 1_000_000),
    ],
)
def test_peak_is_over_a_second(arrivals: list[tuple[float, int]], bits: int) -> None:
    assert peak_bps(arrivals) == pytest.approx(bits)


@pytest.mark.parametrize(
    ("argv", "words"),
    [
        ([], "give the address of the far end, or --listen to be it"),
        (["srt://h:1", "--listen", "srt://:1"], "give the address of the far end, or --listen to be it"),
        (["--listen", "srt://h:1"], "this end listens"),
    ],
)
def test_one_end_must_be_given(argv: list[str], words: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["linktest", *argv]) == 1
    assert words in capsys.readouterr().err


@pytest.mark.parametrize(
    ("argv", "words"),
    [
        (["srt://:9"], "the far end listens and this end calls"),
        (["http://h:9"], "scheme 'http' is not 'srt'"),
        (["srt://h:9", "--for", "dentistry"], "no preset 'dentistry'"),
        (["srt://h:9", "--for", "4M", "--most", "4M"], "--most 4.0 Mb/s cannot show that 5.0 Mb/s fit"),
        (["srt://127.0.0.1:9", "--passphrase-file", "absent"], "absent: cannot be read as a passphrase"),
    ],
)
def test_what_cannot_be_tested_has_a_code_of_its_own(
    argv: list[str], words: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["linktest", *argv, "--base", str(tmp_path / "none.toml")]) == 3
    assert words in capsys.readouterr().err


def test_nobody_at_the_far_end_is_not_tested(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    url = f"srt://127.0.0.1:{free_udp_port()}"
    assert main(["linktest", url, "--base", str(tmp_path / "none.toml")]) == 3
    assert url.removeprefix("srt://") in capsys.readouterr().err


@pytest.mark.parametrize("option", [["--most", "3"], ["--hold", "0"], ["--latency", "5"]])
def test_wrong_figures_are_wrong_usage(option: list[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["linktest", "srt://h:9", *option])
    assert ended.value.code == 2
