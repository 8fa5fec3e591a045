"""WHIP against an ingest of its own, over real HTTP, ICE, DTLS and SRTP: pictures arrive and decode there."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import replace
from typing import Any

import pytest

from edge.model.feedback import Demotion, Role
from edge.model.sink import SinkKind, SinkSpec
from edge.rtc.connections import Connections
from edge.rtc.payload import PayloadCache
from edge.rtc.whip_http import WhipHttp
from edge.rtc.whip_outputs import WhipOutputs
from edge.runtime.clock import SystemClock
from tests.whip_ingest import Says, WhipIngest

PROBLEM = {"Content-Type": "application/problem+json"}
TOKEN = "one-of-a-kind.token"  # noqa: S105


@pytest.fixture
async def ingest() -> AsyncIterator[WhipIngest]:
    async with WhipIngest(token=TOKEN) as there:
        yield there


@pytest.fixture
async def outputs(feedback, running) -> WhipOutputs:
    outputs = WhipOutputs(
        feedback={"main": feedback},
        payloads=PayloadCache(),
        connections=Connections(),
        http=WhipHttp(),
        clock=SystemClock(),
        unplayable=("archive",),
    )
    running(outputs)
    return outputs


def spec_of(ingest: WhipIngest, **more: Any) -> SinkSpec:
    spec = SinkSpec(name="hub", kind=SinkKind.WHIP, url=ingest.url, token=TOKEN, role=Role.GUIDE)
    return replace(spec, **more)


def entry(outputs: WhipOutputs) -> Mapping[str, Any]:
    [one] = outputs.reports()
    return one


Is = Callable[[str], Callable[[], bool]]


@pytest.fixture
def state_is(outputs: WhipOutputs) -> Is:
    return lambda state: lambda: bool(outputs.reports()) and entry(outputs)["state"] == state


async def test_pictures_arrive_and_decode(outputs, ingest, show, playing, feedback, state_is, eventually) -> None:
    outputs.apply([spec_of(ingest)])
    playing(show.play(outputs.deliver))
    pictures = [await ingest.picture() for _ in range(10)]
    assert {(picture.width, picture.height) for picture in pictures} == {(320, 240)}
    await eventually(state_is("live"))
    assert feedback.keyframes[0] == ("hub", "join")
    assert entry(outputs)["delivered"] >= 10
    assert entry(outputs)["detail"]["route"] == "host"
    assert (entry(outputs)["code"], entry(outputs)["detail"]["sessions"]) == ("", 1)
    assert [one.authorization for one in ingest.seen] == [f"Bearer {TOKEN}"]
    assert TOKEN not in str(outputs.reports()) + repr(spec_of(ingest))


async def test_offer_is_sendonly_h264_with_the_timing_extensions(outputs, ingest, state_is, eventually) -> None:
    outputs.apply([spec_of(ingest)])
    await eventually(state_is("live"))
    [offer] = ingest.offers
    assert "a=sendonly" in offer
    assert "profile-level-id=42e02a" in offer
    assert "VP8" not in offer
    assert "abs-capture-time" in offer
    assert "a=setup:actpass" in offer
    numbers = [line.split()[0] for line in offer.splitlines() if line.startswith("a=extmap:")]
    assert len(numbers) == len(set(numbers))


@pytest.mark.parametrize("absolute", [False, True], ids=["relative", "absolute"])
async def test_stopping_deletes_the_session_at_its_location(outputs, state_is, eventually, absolute: bool) -> None:
    async with WhipIngest(token=TOKEN, absolute=absolute) as ingest:
        outputs.apply([spec_of(ingest)])
        await eventually(state_is("live"))
        [session] = ingest.sessions
        outputs.apply([spec_of(ingest, running=False)])
        assert entry(outputs)["state"] == "stopped"
        await eventually(lambda: ingest.ended == [session])
        assert ingest.seen[-1].authorization == f"Bearer {TOKEN}"


async def test_an_output_that_is_set_anew_begins_a_new_session(outputs, ingest, state_is, eventually) -> None:
    outputs.apply([spec_of(ingest)])
    await eventually(state_is("live"))
    outputs.apply([spec_of(ingest, url=ingest.url + "2")])
    await eventually(lambda: [one.path for one in ingest.seen if one.method == "POST"][1:] == ["/whip/room2"])
    assert len(ingest.ended) == 1


async def test_another_output_is_not_disturbed(outputs, ingest, eventually) -> None:
    outputs.apply([spec_of(ingest)])
    await eventually(lambda: entry(outputs)["state"] == "live")
    [session] = ingest.sessions
    outputs.apply([spec_of(ingest), spec_of(ingest, name="second", url=ingest.url + "2")])
    await eventually(lambda: [one["state"] for one in outputs.reports()] == ["live", "live"])
    assert session in ingest.sessions


async def test_redirect_is_followed_with_the_token(outputs, ingest, state_is, eventually) -> None:
    ingest.says = [Says(307, {"Location": "/elsewhere"})]
    outputs.apply([spec_of(ingest)])
    await eventually(state_is("live"))
    assert [(one.path, one.authorization) for one in ingest.seen] == [
        ("/whip/room", f"Bearer {TOKEN}"),
        ("/elsewhere", f"Bearer {TOKEN}"),
    ]
    assert ingest.offers[0] == ingest.offers[1]


async def test_token_does_not_follow_to_another_origin(outputs, ingest, state_is, eventually) -> None:
    async with WhipIngest() as other:
        ingest.says = [Says(308, {"Location": other.url})]
        outputs.apply([spec_of(ingest)])
        await eventually(state_is("live"))
        assert [one.authorization for one in other.seen] == [""]
        outputs.apply([])
        await eventually(lambda: len(other.ended) == 1)
        assert other.seen[-1].authorization == ""


@pytest.mark.parametrize(
    ("says", "state", "code", "words"),
    [
        (Says(401), "failed", "unauthorized", "token"),
        (Says(403), "failed", "forbidden", "publish"),
        (Says(404), "failed", "not_found", "nothing to publish to"),
        (Says(409), "failed", "conflict", "already"),
        (Says(415), "failed", "not_whip", "no SDP"),
        (Says(422, PROBLEM, '{"detail": "no VP9"}'), "failed", "offer_refused", "VP9"),
        (Says(500), "connecting", "ingest_failed", "Internal Server Error"),
        (Says(503, {"Retry-After": "3000"}), "connecting", "busy", "no room"),
        (Says(200), "failed", "not_whip", "200"),
        (Says(201, {"Content-Type": "text/html"}, "<html>"), "failed", "not_whip", "text/html"),
        (Says(201, {"Content-Type": "application/sdp"}, "hello"), "failed", "answer_refused", "not SDP"),
        (Says(201, {"Content-Type": "application/sdp"}, "v=0\r\n"), "failed", "answer_refused", ""),
        (Says(301, {"Location": "/elsewhere"}), "failed", "not_whip", "301"),
        (Says(307), "failed", "redirect_refused", "without Location"),
        (Says(307, {"Location": "http://192.0.2.1/"}), "failed", "redirect_refused", "say https"),
        (Says(307, {"Location": "ftp://localhost/"}), "failed", "redirect_refused", "'ftp'"),
    ],
    ids=lambda value: str(value.status) if isinstance(value, Says) else "",
)  # fmt: skip
async def test_each_refusal_has_its_state_and_code(
    outputs, ingest, eventually, says: Says, state: str, code: str, words: str
) -> None:
    ingest.says = [says] * 50
    outputs.apply([spec_of(ingest)])
    await eventually(lambda: entry(outputs)["code"] != "")
    assert (entry(outputs)["state"], entry(outputs)["code"]) == (state, code)
    assert words in entry(outputs)["last_error"]
    assert TOKEN not in entry(outputs)["last_error"]


async def test_circle_of_redirects_ends(outputs, ingest, eventually) -> None:
    ingest.says = [Says(307, {"Location": "/whip/room"})] * 50
    outputs.apply([spec_of(ingest)])
    await eventually(lambda: entry(outputs)["code"] == "redirect_refused")
    assert "circles" in entry(outputs)["last_error"]
    assert len(ingest.seen) >= 6


async def test_retry_after_is_obeyed(outputs, ingest, eventually) -> None:
    ingest.says = [Says(503, {"Retry-After": "1000"})]
    outputs.apply([spec_of(ingest)])
    await eventually(lambda: entry(outputs)["code"] == "busy")
    with pytest.raises(AssertionError):
        await eventually(lambda: len(ingest.seen) > 1, within_s=2.5)  # without it the next try comes in 0.5 s at most


async def test_nobody_there_is_tried_again_until_somebody_is(outputs, show, playing, eventually) -> None:
    async with WhipIngest() as gone:
        port = int(gone.origin.rsplit(":", 1)[1])
        spec = spec_of(gone)
    outputs.apply([spec])
    await eventually(lambda: entry(outputs)["code"] == "peer_gone")
    assert entry(outputs)["state"] == "connecting"
    async with WhipIngest(port=port) as back:
        playing(show.play(outputs.deliver))
        assert (await back.picture()).width == 320
        await eventually(lambda: entry(outputs)["code"] == "")


async def test_picture_comes_back_after_the_ingest_ended_the_session(
    outputs, ingest, show, playing, eventually
) -> None:
    outputs.apply([spec_of(ingest)])
    playing(show.play(outputs.deliver))
    await ingest.picture()
    delivered = entry(outputs)["delivered"]
    await ingest.end()
    await eventually(lambda: len(ingest.sessions) == 1)
    assert (await ingest.picture()).width == 320
    await eventually(lambda: entry(outputs)["state"] == "live")
    assert entry(outputs)["detail"]["sessions"] == 2
    assert entry(outputs)["delivered"] > delivered


async def test_an_ingest_that_dies_without_a_word_is_noticed_in_seconds(
    outputs, ingest, show, playing, eventually
) -> None:
    outputs.apply([spec_of(ingest)])
    playing(show.play(outputs.deliver))
    await ingest.picture()
    await eventually(lambda: entry(outputs)["detail"].get("rtt_ms") is not None)  # it has reported once
    await ingest.vanish()
    await eventually(lambda: entry(outputs)["code"] == "path_lost", within_s=15)  # ICE alone takes 30 s
    assert (await ingest.picture()).width == 320


@pytest.mark.parametrize(
    ("rung", "code"), [("archive", "codec_not_supported"), ("second", "unknown_rung")], ids=["H.265", "absent"]
)
async def test_a_rung_that_cannot_be_sent_says_so(outputs, ingest, rung: str, code: str) -> None:
    outputs.apply([spec_of(ingest, rung=rung)])
    assert (entry(outputs)["state"], entry(outputs)["code"]) == ("failed", code)
    assert ingest.seen == []


async def test_keys_in_the_query_are_starred_out(outputs, ingest) -> None:
    outputs.apply([spec_of(ingest, url=ingest.url + "?key=hunter2", running=False)])
    assert "hunter2" not in str(outputs.reports())


async def test_reports_of_the_path_are_under_the_outputs_name_and_role(
    outputs, ingest, show, playing, feedback, eventually
) -> None:
    outputs.apply([spec_of(ingest)])
    playing(show.play(outputs.deliver))
    await ingest.picture()
    await eventually(lambda: bool(feedback.links))
    assert {(report.sink, report.role) for report in feedback.links} == {("hub", Role.GUIDE)}


async def test_a_demoted_output_sends_keyframes_until_it_is_promoted(
    outputs, ingest, show, playing, feedback, eventually
) -> None:
    outputs.apply([spec_of(ingest)])
    playing(show.play(outputs.deliver))
    await ingest.picture()
    outputs.demote("main", Demotion("hub", demoted=True))
    outputs.demote("main", Demotion("somebody else", demoted=True))
    outputs.demote("view", Demotion("hub", demoted=False))
    await eventually(lambda: entry(outputs)["detail"].get("demoted") is True)
    outputs.demote("main", Demotion("hub", demoted=False))
    await eventually(lambda: ("hub", "promoted") in feedback.keyframes)
    assert entry(outputs)["detail"]["sends"] == "main"
