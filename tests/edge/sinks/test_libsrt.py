from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator

import pytest

from edge.model.errors import Busy, Invalid, Missing, PeerGone, TimedOut
from edge.sinks.libsrt import Libsrt, Option, SocketState, reject_reason
from edge.sinks.sockaddr import resolve, unpack
from tests.srt_peers import free_udp_port


@pytest.fixture
def libsrt() -> Libsrt:
    return Libsrt()


@pytest.fixture
def sock(libsrt: Libsrt) -> Iterator[int]:
    number = libsrt.create()
    yield number
    libsrt.close(number)


def test_missing_library_names_the_debian_package() -> None:
    with pytest.raises(Missing, match=r"libsrt1\.5-gnutls") as missing:
        Libsrt(names=("libsrt-that-nobody-has.so.9",)).create()
    assert missing.value.code == "libsrt_missing"


def test_library_is_not_looked_for_before_it_is_needed() -> None:
    Libsrt(names=("libsrt-that-nobody-has.so.9",))


def test_import_loads_nothing() -> None:
    script = "import edge.sinks.srt_listener, edge.sinks.srt; print('libsrt' in open('/proc/self/maps').read())"
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "False"


def test_libsrt_prints_nothing_and_the_process_ends_at_once() -> None:
    script = (
        "from edge.sinks.srt_socket import dial, listening, SrtOptions\n"
        "from edge.sinks.libsrt import Libsrt\n"
        "from edge.model.errors import EdgeError\n"
        f"port = {free_udp_port()}\n"
        "listening(Libsrt(), '127.0.0.1', port, SrtOptions(passphrase='correct horse'), backlog=1)\n"
        "try: dial(Libsrt(), '127.0.0.1', port, SrtOptions(passphrase='wrong wrong wrong'))\n"
        "except EdgeError as error: print(error.code)\n"
    )
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=30)
    assert (ran.stdout.strip(), ran.stderr) == ("wrong_passphrase", "")


def test_process_ends_cleanly_while_threads_still_send_and_receive() -> None:
    """As a daemon does that is told to end: no crash in libsrt's own threads, no hang."""
    script = (
        "import threading, time\n"
        "from edge.sinks.srt_socket import accepted, dial, listening, SrtOptions\n"
        "from edge.sinks.libsrt import Libsrt\n"
        f"port, libsrt = {free_udp_port()}, Libsrt()\n"
        "listener = listening(libsrt, '127.0.0.1', port, SrtOptions(), backlog=1)\n"
        "libsrt.on_attempt(listener, lambda *attempt: 0)\n"
        "caller = dial(Libsrt(), '127.0.0.1', port, SrtOptions())\n"
        "while (number := libsrt.accept(listener)) is None: time.sleep(0.01)\n"
        "callee = accepted(libsrt, number)\n"
        "def for_ever(work):\n"
        "    while True: work()\n"
        "threading.excepthook = lambda args: None\n"
        "for work in (lambda: caller.send(bytes(13160)), callee.receive):\n"
        "    threading.Thread(target=for_ever, args=(work,), daemon=True).start()\n"
        "time.sleep(0.5)\n"
    )
    for _ in range(4):
        ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False, timeout=30)
        assert (ran.returncode, ran.stderr) == (0, "")


def test_options_come_back_as_set(libsrt: Libsrt, sock: int) -> None:
    libsrt.set_int(sock, Option.LATENCY, 240)
    libsrt.set_text(sock, Option.STREAMID, "theatre 3/ä")
    libsrt.set_bool(sock, Option.TLPKTDROP, value=True)
    assert libsrt.get_int(sock, Option.RCVLATENCY) == 240
    assert libsrt.get_text(sock, Option.STREAMID) == "theatre 3/ä"


def test_bad_option_value_is_invalid_and_named(libsrt: Libsrt, sock: int) -> None:
    with pytest.raises(Invalid, match="set option PBKEYLEN"):
        libsrt.set_int(sock, Option.PBKEYLEN, 7)


def test_state_follows_the_socket(libsrt: Libsrt) -> None:
    number = libsrt.create()
    assert libsrt.state(number) is SocketState.INIT
    libsrt.bind(number, resolve("127.0.0.1", 0), "127.0.0.1")
    libsrt.listen(number, 1, "127.0.0.1")
    assert libsrt.state(number) is SocketState.LISTENING
    libsrt.close(number)
    assert libsrt.state(number) >= SocketState.BROKEN


def test_close_twice_is_harmless(libsrt: Libsrt) -> None:
    number = libsrt.create()
    libsrt.close(number)
    libsrt.close(number)


@pytest.mark.parametrize(
    "use",
    [
        lambda libsrt, number: libsrt.stats(number),
        lambda libsrt, number: libsrt.peer_name(number),
        lambda libsrt, number: libsrt.get_int(number, Option.SNDKMSTATE),
    ],
)
def test_closed_socket_is_a_peer_gone(libsrt: Libsrt, use: Callable[[Libsrt, int], object]) -> None:
    number = libsrt.create()
    libsrt.close(number)
    with pytest.raises(PeerGone):
        use(libsrt, number)


def test_port_in_use_names_the_address(libsrt: Libsrt, sock: int) -> None:
    libsrt.bind(sock, resolve("127.0.0.1", 0), "")
    libsrt.listen(sock, 1, "")
    second = libsrt.create()
    libsrt.bind(second, resolve(*unpack(libsrt.own_name(sock))), "127.0.0.1:5")
    with pytest.raises(Busy, match=r"127\.0\.0\.1:5: the UDP port is in use") as busy:
        libsrt.listen(second, 1, "127.0.0.1:5")
    libsrt.close(second)
    assert busy.value.code == "port_in_use"


def test_nobody_there_times_out(libsrt: Libsrt, sock: int) -> None:
    libsrt.set_int(sock, Option.CONNTIMEO, 200)
    with pytest.raises(TimedOut, match="connect to the test"):
        libsrt.connect(sock, resolve("127.0.0.1", free_udp_port()), "the test")


def test_accept_has_nothing_without_a_caller(libsrt: Libsrt, sock: int) -> None:
    libsrt.set_bool(sock, Option.RCVSYN, value=False)
    libsrt.bind(sock, resolve("127.0.0.1", 0), "")
    libsrt.listen(sock, 1, "")
    assert libsrt.accept(sock) is None


def test_reason_of_a_refusal_is_a_sentence() -> None:
    assert reject_reason(10) == ("wrong_passphrase", "wrong passphrase")
    assert reject_reason(1402)[0] == "receiver_limit"
    assert reject_reason(2999) == ("rejected_by_peer", "the peer refused the connection (reason 2999)")
