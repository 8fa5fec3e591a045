from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator

import pytest

from edge.model.errors import Busy, Invalid, NotSupported, PeerGone, TimedOut
from edge.sinks.libsrt import Libsrt, Option
from edge.sinks.srt_socket import SrtOptions, SrtSocket, accepted, dial, listening
from tests.srt_peers import PASSPHRASE, free_udp_port, wait_until
from tests.udp_relay import UdpRelay

Pair = tuple[SrtSocket, SrtSocket]


def connected(
    options: SrtOptions,
    theirs: SrtOptions | None = None,
    host: str = "127.0.0.1",
    *,
    libsrt: Libsrt | None = None,
) -> Pair:
    """(the caller's end, the listener's end)."""
    libsrt, port, numbers = libsrt or Libsrt(), free_udp_port(), []
    listener = listening(libsrt, host, port, theirs or options, backlog=1)

    def arrived() -> bool:
        numbers.append(libsrt.accept(listener))
        return numbers[-1] is not None

    try:
        caller = dial(libsrt, host, port, options)
        wait_until(arrived, "the connection")
    finally:
        libsrt.close(listener)
    return caller, accepted(libsrt, numbers[-1])


@pytest.fixture
def pair() -> Iterator[Pair]:
    pair = connected(SrtOptions(stream_id="abc"))
    yield pair
    for end in pair:
        end.close()


def test_bytes_arrive_in_payloads_of_1316(pair: Pair) -> None:
    caller, callee = pair
    caller.send(bytes(range(188)) * 10)
    sizes = [len(callee.receive()), len(callee.receive())]
    assert sizes == [1316, 564]


def test_stream_id_and_peer_are_known_at_the_other_end(pair: Pair) -> None:
    caller, callee = pair
    assert callee.stream_id == "abc"
    assert callee.peer.startswith("127.0.0.1:")
    assert caller.connected
    assert callee.connected


def test_larger_latency_of_the_two_holds() -> None:
    caller, callee = connected(SrtOptions(latency_ms=120), SrtOptions(latency_ms=300))
    assert caller.latency_ms == 300
    caller.close()
    callee.close()


def test_same_passphrase_encrypts() -> None:
    caller, callee = connected(SrtOptions(passphrase=PASSPHRASE))
    assert caller.encrypted
    assert callee.encrypted
    caller.close()
    callee.close()


def test_no_passphrase_does_not_encrypt(pair: Pair) -> None:
    assert not pair[0].encrypted


@pytest.mark.parametrize(
    ("ours", "theirs", "sentence"),
    [
        (PASSPHRASE, "another passphrase", "wrong passphrase"),
        (PASSPHRASE, "", "one side has a passphrase"),
        ("", PASSPHRASE, "one side has a passphrase"),
    ],
)
def test_other_passphrase_is_refused_without_telling_it(ours: str, theirs: str, sentence: str) -> None:
    with pytest.raises(PeerGone, match=sentence) as refused:
        connected(SrtOptions(passphrase=ours), SrtOptions(passphrase=theirs))
    assert refused.value.code == "wrong_passphrase"
    assert PASSPHRASE not in str(refused.value)


@pytest.mark.parametrize("passphrase", ["short", "x" * 80, "\u00e4" * 40])
def test_passphrase_of_a_wrong_length_is_invalid(passphrase: str) -> None:
    with pytest.raises(Invalid, match="must be 10 to 79 bytes long") as error:
        SrtOptions(passphrase=passphrase)
    assert passphrase not in str(error.value)


@pytest.mark.parametrize("passphrase", ["", "x" * 10, "x" * 79])
def test_passphrase_of_a_right_length_is_taken(passphrase: str) -> None:
    assert SrtOptions(passphrase=passphrase).passphrase == passphrase


def test_passphrase_is_not_in_the_repr() -> None:
    assert PASSPHRASE not in repr(SrtOptions(passphrase=PASSPHRASE))


def test_too_long_stream_id_is_invalid() -> None:
    with pytest.raises(Invalid, match="stream id: longer than 512 bytes"):
        SrtOptions(stream_id="x" * 513)


def test_nothing_to_receive_times_out(pair: Pair) -> None:
    with pytest.raises(TimedOut):
        pair[1].receive()


def test_peer_that_closed_is_gone(pair: Pair) -> None:
    caller, callee = pair
    caller.send(bytes(188))
    callee.receive()
    callee.close()
    wait_until(lambda: not caller.connected, "the end of the connection")
    with pytest.raises(PeerGone, match="send to 127"):
        caller.send(bytes(188))


def test_close_wakes_a_receiving_thread(pair: Pair) -> None:
    ended = threading.Event()

    def receive() -> None:
        try:
            while True:
                with_timeout()
        except PeerGone:
            ended.set()

    def with_timeout() -> None:
        try:
            pair[1].receive()
        except TimedOut:
            return

    thread = threading.Thread(target=receive)
    thread.start()
    pair[1].close()
    thread.join(20)
    assert ended.is_set()


def test_statistics_count_what_was_sent(pair: Pair) -> None:
    caller, callee = pair
    caller.send(bytes(1316 * 3))
    for _ in range(3):
        callee.receive()
    wait_until(lambda: callee.stats().received_packets == 3, "the receiver's count")
    assert caller.stats().sent_packets >= 3
    assert caller.stats().lost_packets == 0


def test_pace_follows_the_ceiling_while_connected(pair: Pair) -> None:
    caller, callee = pair
    for ceiling_bps in (20_000_000, 2_000_000):
        caller.pace(ceiling_bps)
        caller.send(bytes(1316))
        callee.receive()
        wait_until(lambda: caller.stats().flight_packets == 0, "the acknowledgement")
        assert caller.stats().pace_bps == pytest.approx(ceiling_bps * 1.1 * 1.5, rel=0.01)


def test_what_is_much_older_than_the_latency_is_never_sent_again() -> None:
    passed: list[bytes] = []

    def note(packet: bytes) -> bytes:
        if packet[0] < 0x80:
            passed.append(packet[16:17])
        return packet

    libsrt, port, numbers = Libsrt(), free_udp_port(), []
    listener = listening(libsrt, "127.0.0.1", port, SrtOptions(), backlog=1)

    def arrived() -> bool:
        numbers.append(libsrt.accept(listener))
        return numbers[-1] is not None

    with UdpRelay(port, mangle=note) as relay:
        caller = dial(libsrt, "127.0.0.1", relay.port, SrtOptions(latency_ms=120))
        wait_until(arrived, "the connection")
        callee = accepted(libsrt, numbers[-1])
        relay.silent = True
        for _ in range(50):
            caller.send(b"old" * 400)
        silent_until_s = time.monotonic() + 0.6
        wait_until(lambda: time.monotonic() > silent_until_s, "all of it to grow old")
        relay.silent = False
        caller.send(b"new" * 400)
        assert callee.receive()[:3] == b"new"
        for end in (caller, callee):
            end.close()
        libsrt.close(listener)
    assert set(passed) == {b"n"}


@pytest.mark.parametrize("key_bytes", [16, 24, 32])
def test_key_has_the_length_asked_for(key_bytes: int) -> None:
    caller, callee = connected(SrtOptions(passphrase=PASSPHRASE, key_bytes=key_bytes))
    assert caller.cipher == callee.cipher == f"aes-{key_bytes * 8}-ctr"
    caller.close()
    callee.close()


def test_without_a_passphrase_there_is_no_cipher(pair: Pair) -> None:
    assert [end.cipher for end in pair] == ["", ""]


class GcmLibsrt(Libsrt):
    """One built with AES-GCM, as far as options go; underneath it is the real one."""

    def __init__(self, *, refuses: str = "") -> None:
        super().__init__()
        self.dialled: list[int] = []
        self._refuses = refuses
        self._mode = 0

    def create(self) -> int:
        self._mode = 0
        return super().create()

    def set_int(self, sock: int, option: Option, value: int) -> None:
        if option is Option.CRYPTOMODE:
            self._mode = value
        else:
            super().set_int(sock, option, value)

    def get_int(self, sock: int, option: Option) -> int:
        return self.dialled[-1] if option is Option.CRYPTOMODE else super().get_int(sock, option)

    def connect(self, sock: int, sockaddr: bytes, where: str) -> None:
        self.dialled.append(self._mode)
        if self._mode == 2 and self._refuses:
            raise PeerGone("no", code=self._refuses)
        super().connect(sock, sockaddr, where)


@pytest.mark.parametrize(
    ("refuses", "dialled", "cipher"),
    [
        ("", [2], "aes-256-gcm"),
        ("cipher_refused", [2, 0], "aes-256-ctr"),
        ("wrong_passphrase", [2, 0], "aes-256-ctr"),
    ],
)
def test_gcm_is_taken_where_both_have_it(refuses: str, dialled: list[int], cipher: str) -> None:
    libsrt = GcmLibsrt(refuses=refuses)
    caller, callee = connected(SrtOptions(passphrase=PASSPHRASE), libsrt=libsrt)
    assert (libsrt.dialled, caller.cipher) == (dialled, cipher)
    caller.close()
    callee.close()


def test_other_refusals_are_not_tried_again_with_less(pair: Pair) -> None:
    libsrt = GcmLibsrt(refuses="receiver_limit")
    with pytest.raises(PeerGone):
        dial(libsrt, "127.0.0.1", 9, SrtOptions(passphrase=PASSPHRASE))
    assert libsrt.dialled == [2]


def test_gcm_is_not_asked_for_without_a_passphrase() -> None:
    libsrt = GcmLibsrt(refuses="cipher_refused")
    caller, callee = connected(SrtOptions(), libsrt=libsrt)
    assert libsrt.dialled == [0]
    caller.close()
    callee.close()


class OldLibsrt(Libsrt):
    """One that was built without SRTO_BINDTODEVICE."""

    def set_text(self, sock: int, option: Option, value: str) -> None:
        if option is Option.BINDTODEVICE:
            raise Invalid("SRT set option BINDTODEVICE: bad parameters")
        super().set_text(sock, option, value)


def test_library_that_cannot_bind_to_an_interface_says_what_to_do() -> None:
    with pytest.raises(NotSupported, match="give the address of 'lo' as adapter") as told:
        dial(OldLibsrt(), "127.0.0.1", 9, SrtOptions(adapter="lo"))
    assert told.value.code == "no_device_binding"


def test_udp_port_of_another_program_is_busy_and_named() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        other.bind(("127.0.0.1", 0))
        port = other.getsockname()[1]
        with pytest.raises(Busy, match=rf"127\.0\.0\.1:{port}: the UDP port is in use") as busy:
            listening(Libsrt(), "127.0.0.1", port, SrtOptions(), backlog=1)
    assert busy.value.code == "port_in_use"


def test_ipv6_works_where_the_system_has_it() -> None:
    if not has_ipv6_loopback():
        return
    caller, callee = connected(SrtOptions(), host="::1")
    assert callee.peer.startswith("[::1]:")
    caller.close()
    callee.close()


def has_ipv6_loopback() -> bool:
    try:
        with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as probe:
            probe.bind(("::1", 0))
    except OSError:
        return False
    return True
