from __future__ import annotations

import json
import logging

import pytest

from edge.model.errors import Busy, Invalid, Missing, PeerGone
from edge.model.feedback import Role
from edge.model.frame import AccessUnit
from edge.model.sink import PeerSpec, SinkKind, SinkSpec
from edge.ports import Sink
from edge.runtime.component import Context
from edge.sinks.libsrt import Libsrt, Option
from edge.sinks.sockaddr import resolve
from edge.sinks.srt_listener import SrtListener
from edge.sinks.srt_sender import Outflow
from edge.sinks.srt_socket import SrtOptions, dial
from tests.media_units import make_units
from tests.srt_peers import (
    OTHER_PASSPHRASE,
    PASSPHRASE,
    TOO_SHORT,
    Attached,
    Collector,
    Listening,
    free_udp_port,
    srt_spec,
    wait_until,
)
from tests.ts_reader import decoded


@pytest.fixture(scope="module")
def units() -> list[AccessUnit]:
    return make_units(20, 60, gop=10)


def refused(port: int, passphrase: str = "") -> PeerGone:
    with pytest.raises(PeerGone) as error:
        dial(Libsrt(), "127.0.0.1", port, SrtOptions(passphrase=passphrase))
    return error.value


def test_receiver_becomes_a_sink_named_after_it() -> None:
    with Listening() as listening, Collector(listening.port, "caller", stream_id="expert-1"):
        listening.wait_for_receivers(1)
        ((name, sink),) = listening.outlet.sinks.items()
        assert name.startswith("srt/127.0.0.1:")
        assert sink.detail()["stream_id"] == "expert-1"
        assert [one.name for one in listening.listener.receivers()] == [name]


def test_every_receiver_gets_the_stream(units: list[AccessUnit]) -> None:
    with Listening() as listening:
        peers = [Collector(listening.port, "caller") for _ in range(4)]
        listening.wait_for_receivers(4)
        for unit in units:
            for sink in listening.outlet.sinks.values():
                sink.write(unit)
        for peer in peers:
            peer.wait_for(units[-1])
            assert len(decoded(peer.ts)) == len(units)
            peer.close()


def test_receiver_that_left_is_detached_and_the_others_stay(units: list[AccessUnit]) -> None:
    with Listening() as listening, Collector(listening.port, "caller") as stays:
        leaves = Collector(listening.port, "caller")
        listening.wait_for_receivers(2)
        leaves.close()
        listening.wait_for_receivers(1)
        (sink,) = listening.outlet.sinks.values()
        for unit in units:
            sink.write(unit)
        stays.wait_for(units[-1])
        assert len(listening.outlet.detached) == 1


def test_stopping_lets_every_receiver_go() -> None:
    with Listening() as listening:
        peers = [Collector(listening.port, "caller") for _ in range(2)]
        listening.wait_for_receivers(2)
        listening.stop()
        assert listening.outlet.sinks == {}
        assert listening.listener.receivers() == ()
        for peer in peers:
            peer.close()
            assert peer.error is None


def test_listens_again_on_the_same_port_after_a_stop() -> None:
    with Listening() as listening:
        listening.stop()
        again = SrtListener(spec=srt_spec(listening.port, "listener"), outflow=Outflow(Attached()))
        ctx = Context()
        ctx.ask_to_stop()
        again.work(ctx)
        assert ctx.is_ready


def test_wrong_passphrase_is_counted_and_said_without_it(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    with Listening(passphrase=PASSPHRASE) as listening:
        for attempt in (OTHER_PASSPHRASE, "", "and one more of them"):
            assert refused(listening.port, attempt).code == "wrong_passphrase"
        wait_until(lambda: listening.listener.detail()["rejected"] == 3, "three rejections counted")
        detail = listening.listener.detail()
    assert detail["last_rejection"] == "the handshake failed: passphrase missing or wrong"
    assert detail["receivers"] == 0
    assert PASSPHRASE not in json.dumps(detail) + caplog.text
    assert len([record for record in caplog.records if "refused" in record.message]) == 1


def test_right_passphrase_is_served_after_a_wrong_one(units: list[AccessUnit]) -> None:
    with Listening(passphrase=PASSPHRASE) as listening:
        refused(listening.port, OTHER_PASSPHRASE)
        with Collector(listening.port, "caller", passphrase=PASSPHRASE) as peer:
            listening.wait_for_receivers(1)
            (sink,) = listening.outlet.sinks.values()
            assert sink.detail()["encrypted"] is True
            sink.write(units[0])
            peer.wait_for(units[0])
        wait_until(lambda: listening.listener.detail()["rejected"] == 1, "one rejection counted")


def test_passphrase_where_none_is_set_is_refused() -> None:
    with Listening() as listening:
        assert refused(listening.port, PASSPHRASE).code == "wrong_passphrase"
        wait_until(lambda: listening.listener.detail()["rejected"] == 1, "one rejection counted")
        assert "where none is set" in listening.listener.detail()["last_rejection"]


def test_one_too_many_is_refused_with_the_reason() -> None:
    with Listening(limit=1) as listening, Collector(listening.port, "caller"):
        listening.wait_for_receivers(1)
        assert refused(listening.port).code == "receiver_limit"
        wait_until(lambda: listening.listener.detail()["rejected"] == 1, "one rejection counted")
        assert listening.listener.detail()["last_rejection"] == "all places for receivers are taken"
        assert len(listening.outlet.sinks) == 1


def test_place_is_free_again_when_its_receiver_left() -> None:
    with Listening(limit=1) as listening:
        with Collector(listening.port, "caller"):
            listening.wait_for_receivers(1)
        listening.wait_for_receivers(0)
        with Collector(listening.port, "caller"):
            listening.wait_for_receivers(1)


class Crowded(Attached):
    """An outlet where the first name asked for is taken."""

    def __init__(self) -> None:
        super().__init__()
        self.asked = 0

    def attach(self, sink: Sink) -> None:
        self.asked += 1
        if self.asked == 1:
            raise Busy("an output of that name is attached already")
        super().attach(sink)


def test_name_that_the_outlet_has_taken_turns_only_that_receiver_away() -> None:
    outlet = Crowded()
    with Listening(outlet=outlet) as listening:
        with Collector(listening.port, "caller"):
            wait_until(lambda: outlet.asked == 1, "the first receiver")
        with Collector(listening.port, "caller"):
            listening.wait_for_receivers(1)
        assert outlet.asked == 2


def test_port_in_use_is_busy_and_names_the_address() -> None:
    with Listening() as listening:
        second = SrtListener(spec=srt_spec(listening.port, "listener"), outflow=Outflow(Attached()))
        with pytest.raises(Busy, match=rf"127\.0\.0\.1:{listening.port}: the UDP port is in use") as busy:
            second.work(Context())
        assert busy.value.code == "port_in_use"
        with Collector(listening.port, "caller"):
            listening.wait_for_receivers(1)


def test_missing_libsrt_is_told_by_work() -> None:
    listener = SrtListener(
        spec=srt_spec(free_udp_port(), "listener"),
        outflow=Outflow(Attached()),
        libsrt=Libsrt(names=("libsrt-nowhere.so",)),
    )
    with pytest.raises(Missing) as missing:
        listener.work(Context())
    assert missing.value.code == "libsrt_missing"


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        (srt_spec(9, "caller", name="push"), "'push' listens, mode 'caller' does not fit"),
        (SinkSpec("s", SinkKind.SRT, "srt://:9", passphrase=TOO_SHORT), "must be 10 to 79 bytes"),
    ],
)
def test_bad_spec_is_refused_at_once(spec: SinkSpec, message: str) -> None:
    with pytest.raises(Invalid, match=message):
        SrtListener(spec=spec, outflow=Outflow(Attached()))


def test_detail_says_how_safe_the_path_is() -> None:
    for passphrase in ("", PASSPHRASE):
        spec = srt_spec(9, "listener", passphrase=passphrase)
        detail = SrtListener(spec=spec, outflow=Outflow(Attached())).detail()
        assert (detail["encrypted"], detail["authenticated"]) == (bool(passphrase), False)


EXPERT = PeerSpec("expert-1", "the expert's own words", role=Role.GUIDE)
WARD = PeerSpec("ward", "the ward's own words", rung="view")


def stream_id_of(peer: PeerSpec) -> str:
    return f"#!::u={peer.name},m=request"


def test_each_peer_comes_in_with_its_own_passphrase(units: list[AccessUnit]) -> None:
    with Listening(peers=(EXPERT, WARD)) as listening:
        for peer in (EXPERT, WARD):
            with Collector(
                listening.port, "caller", passphrase=peer.passphrase, stream_id=stream_id_of(peer)
            ) as collector:
                listening.wait_for_receivers(1)
                (sink,) = listening.outlet.sinks.values()
                detail = sink.detail()
                assert (detail["user"], detail["role"], detail["encrypted"]) == (peer.name, peer.role, True)
                sink.write(units[0])
                collector.wait_for(units[0])
            listening.wait_for_receivers(0)
        detail = listening.listener.detail()
    assert (detail["encrypted"], detail["peers"], detail["rejected"]) == (True, ["expert-1", "ward"], 0)


@pytest.mark.parametrize(
    ("stream_id", "passphrase", "code", "reason"),
    [
        (stream_id_of(EXPERT), WARD.passphrase, "wrong_passphrase", "peer 'expert-1': the handshake failed"),
        (stream_id_of(EXPERT), "", "wrong_passphrase", "peer 'expert-1': the handshake failed"),
        ("#!::u=stranger", EXPERT.passphrase, "not_authorized", "no peer is called 'stranger'"),
        ("", EXPERT.passphrase, "not_authorized", "it does not say which peer it is"),
        ("", "", "not_authorized", "it does not say which peer it is"),
        (f"{stream_id_of(EXPERT)[:-7]}publish", EXPERT.passphrase, "stream_id_refused", "it wants to publish"),
    ],
)
def test_who_is_not_that_peer_is_refused_with_a_reason(
    caplog: pytest.LogCaptureFixture, stream_id: str, passphrase: str, code: str, reason: str
) -> None:
    with Listening(peers=(EXPERT, WARD)) as listening:
        with pytest.raises(PeerGone) as told:
            dial(Libsrt(), "127.0.0.1", listening.port, SrtOptions(stream_id=stream_id, passphrase=passphrase))
        wait_until(lambda: listening.listener.detail()["rejected"] == 1, "one rejection counted")
        detail = listening.listener.detail()
    assert told.value.code == code
    assert reason in detail["last_rejection"]
    assert reason in caplog.text
    for secret in (EXPERT.passphrase, WARD.passphrase):
        assert secret not in json.dumps(detail) + caplog.text
    assert listening.outlet.sinks == {}


def test_malformed_stream_id_of_another_program_is_refused() -> None:
    with Listening() as listening:
        libsrt = Libsrt()
        number = libsrt.create()
        libsrt.set_text(number, Option.STREAMID, "#!::u")
        with pytest.raises(PeerGone) as told:
            libsrt.connect(number, resolve("127.0.0.1", listening.port), "")
        libsrt.close(number)
        wait_until(lambda: listening.listener.detail()["rejected"] == 1, "one rejection counted")
    assert told.value.code == "stream_id_refused"


def test_peer_with_a_rung_of_its_own_is_attached_there() -> None:
    view = Attached()
    with Listening(peers=(EXPERT, WARD), further={"view": Outflow(view)}) as listening:
        with Collector(listening.port, "caller", passphrase=WARD.passphrase, stream_id=stream_id_of(WARD)):
            wait_until(lambda: len(view.sinks) == 1, "the ward")
            (sink,) = view.sinks.values()
            assert (sink.detail()["rung"], sink.detail()["user"]) == ("view", "ward")
            assert listening.outlet.sinks == {}
        wait_until(lambda: not view.sinks, "the ward to be detached where it was attached")


def test_hook_that_fails_lets_nobody_in(caplog: pytest.LogCaptureFixture) -> None:
    class Broken(Libsrt):
        def set_text(self, sock: int, option: Option, value: str) -> None:
            raise Invalid("this library takes no passphrase now")

    with Listening(peers=(EXPERT,), libsrt=Broken()) as listening:
        with pytest.raises(PeerGone) as told:
            dial(Libsrt(), "127.0.0.1", listening.port, SrtOptions(stream_id=stream_id_of(EXPERT)))
        assert listening.outlet.sinks == {}
    assert told.value.code == "rejected_by_peer"
    assert "could not be judged" in caplog.text
    assert EXPERT.passphrase not in caplog.text
