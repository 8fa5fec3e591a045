"""Addresses of one receiver over several paths: `srt://host:port,host:port?group=broadcast|backup`.

The other keys are those of a caller's address and hold for every path. `adapter` may name one local address for each
path, with commas between them; an empty one is what the routes say.
"""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from urllib.parse import parse_qsl, urlencode

from edge.model.errors import Invalid
from edge.sinks.libsrt_groups import MAX_MEMBERS, GroupKind
from edge.sinks.srt_url import SrtAddress, SrtMode, parse_srt_url

_SCHEME = "srt://"


@dataclass(frozen=True, slots=True)
class SrtPath:
    """`adapter` is a local address to send from, empty for what the routes say."""

    peer: SrtAddress
    adapter: str = ""


@dataclass(frozen=True, slots=True)
class SrtGroupAddress:
    """In a backup the first path carries, then the next."""

    kind: GroupKind
    paths: tuple[SrtPath, ...]

    @property
    def where(self) -> str:
        return ",".join(path.peer.where for path in self.paths)


def is_group(url: str) -> bool:
    """Whether it says `group=`."""
    return any(pair.partition("=")[0] == "group" for pair in url.partition("?")[2].split("&"))


def address_of(url: str) -> SrtAddress:
    """The address, or a group's first, when all of it is right. Raises Invalid."""
    return parse_group_url(url).paths[0].peer if is_group(url) else parse_srt_url(url)


def parse_group_url(url: str) -> SrtGroupAddress:
    """Raises Invalid naming the part that is wrong, never its secret."""
    base, _, query = url.partition("?")
    pairs = parse_qsl(query, keep_blank_values=True)
    own = {key: value for key, value in pairs if key in ("group", "adapter")}
    if own.get("group") not in tuple(GroupKind):
        raise Invalid(f"SRT address: group {own.get('group', '')!r} is not one of {', '.join(GroupKind)}")
    if len(own) != sum(key in own for key, _ in pairs):
        raise Invalid("SRT address: a key stands twice")
    rest = urlencode([pair for pair in pairs if pair[0] not in own])
    hosts = base.removeprefix(_SCHEME).removesuffix("/").split(",") if base.startswith(_SCHEME) else [base]
    if not 2 <= len(hosts) <= MAX_MEMBERS:
        raise Invalid(f"SRT address: a group has 2 to {MAX_MEMBERS} paths, not {len(hosts)}")
    peers = [_peer(f"{_SCHEME}{host}" + (f"?{rest}" if rest else "")) for host in hosts]
    adapters = own["adapter"].split(",") if "adapter" in own else [""] * len(peers)
    if len(adapters) != len(peers):
        raise Invalid(f"SRT address: {len(adapters)} adapters for {len(peers)} paths")
    paths = tuple(SrtPath(peer, _adapter(one)) for peer, one in zip(peers, adapters, strict=True))
    if len({(path.peer.where, path.adapter) for path in paths}) != len(paths):
        raise Invalid("SRT address: two paths of the group are the same")
    return SrtGroupAddress(GroupKind(own["group"]), paths)


def _peer(url: str) -> SrtAddress:
    peer = parse_srt_url(url)
    if peer.mode is not SrtMode.CALLER:
        raise Invalid(f"SRT address: a group calls, mode {peer.mode.value!r} does not fit")
    return peer


def _adapter(text: str) -> str:
    if text:
        try:
            ipaddress.ip_address(text)
        except ValueError as error:
            raise Invalid(f"SRT address: adapter {text!r} of a group is no address of this machine") from error
    return text
