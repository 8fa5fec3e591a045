"""HTTP and TLS towards an ingest, against real servers."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from edge.model.errors import PeerGone, Rejected, TimedOut, Unavailable
from edge.rtc.whip_http import HttpRequest, WhipHttp
from edge.vault.trust import trusting
from tests.certificates import Authority, make_authority
from tests.whip_ingest import Says, WhipIngest


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return make_authority(tmp_path_factory.mktemp("ca"))


@pytest.fixture
async def secure(authority: Authority) -> AsyncIterator[WhipIngest]:
    async with WhipIngest(tls=(authority.chain, authority.key)) as ingest:
        ingest.says = [Says(418)] * 10
        yield ingest


def post(url: str, **more: str) -> HttpRequest:
    return HttpRequest("POST", url, body="v=0", content_type="application/sdp", **more)


async def test_a_certificate_of_the_hospitals_own_authority_is_trusted_when_named(secure, authority) -> None:
    answer = await WhipHttp(trust=trusting(authority.ca)).send(post(secure.url))
    assert answer.status == 418


async def test_a_certificate_of_nobody_is_not_trusted_and_says_what_to_do(secure) -> None:
    with pytest.raises(Rejected, match=r"not trusted: .*webrtc\.ca_file") as caught:
        await WhipHttp(trust=trusting(None)).send(post(secure.url, token="hunter2"))
    assert caught.value.code == "tls_untrusted"
    assert secure.seen == []


async def test_a_certificate_of_another_name_is_not_trusted(secure, authority) -> None:
    url = secure.url.replace("localhost", "127.0.0.1")
    with pytest.raises(Rejected, match="IP address mismatch") as caught:
        await WhipHttp(trust=trusting(authority.ca)).send(post(url))
    assert caught.value.code == "tls_untrusted"


async def test_a_redirect_to_plain_http_is_not_followed(secure, authority) -> None:
    async with WhipIngest() as plain:
        secure.says = [Says(307, {"Location": plain.url})]
        with pytest.raises(Rejected, match="from https to http") as caught:
            await WhipHttp(trust=trusting(authority.ca)).send(post(secure.url, token="hunter2"))
        assert caught.value.code == "redirect_refused"
        assert plain.seen == []


async def test_a_server_that_speaks_no_tls_is_named_so(authority) -> None:
    async with WhipIngest() as plain:
        with pytest.raises(Unavailable) as caught:
            await WhipHttp(trust=trusting(authority.ca)).send(post(plain.url.replace("http://", "https://")))
        assert caught.value.code == "tls_failed"


async def test_nobody_listening_is_peer_gone() -> None:
    async with WhipIngest() as ingest:
        url = ingest.url
    with pytest.raises(PeerGone, match=r"^http://localhost:\d+ does not answer: Connection refused"):
        await WhipHttp().send(post(url))


@pytest.mark.parametrize("says", [b"", b"HTTP/1.1 201 Created\r\nContent-Length: 9\r\n\r\nv"], ids=["nothing", "half"])
async def test_a_server_that_stalls_is_waited_for_so_long_and_no_longer(says: bytes) -> None:
    left = asyncio.Event()

    async def stall(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(says)
        await reader.read()
        left.set()
        writer.close()

    server = await asyncio.start_server(stall, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        with pytest.raises(TimedOut):
            await WhipHttp().send(post(f"http://127.0.0.1:{port}/"), timeout_s=0.3)
        await asyncio.wait_for(left.wait(), 10)  # the thread does not stay behind


@pytest.mark.parametrize("says", [b"SSH-2.0-OpenSSH\r\n\r\n", b"\r\n", b"HTTP/1.1 abc\r\n\r\n"])
async def test_a_server_that_is_none_is_peer_gone(says: bytes) -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(says)
        writer.write_eof()
        await reader.read()
        writer.close()

    server = await asyncio.start_server(talk, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        with pytest.raises(PeerGone):
            await WhipHttp().send(post(f"http://127.0.0.1:{port}/"))


def test_proxies_of_the_environment_are_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    async def main() -> int:
        async with WhipIngest() as ingest:
            ingest.says = [Says(418)]
            return (await WhipHttp().send(post(ingest.url))).status

    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    assert asyncio.run(main()) == 418
