"""What the configuration wants of outputs and encoder, and which outputs must not run."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from edge.config.encode import EncoderConfig
from edge.config.model import Config, MaskConfig, same_device
from edge.config.output import SrtSinkConfig, WhipSinkConfig
from edge.config.source import SourceKind
from edge.model.errors import Invalid
from edge.model.inputs import RungName
from edge.model.picture import NO_PRESET, Mask, Sheet
from edge.model.rect import Rect
from edge.model.sink import PeerSpec, SinkKind, SinkSpec
from edge.rtc.whip_url import check_token, check_whip_url
from edge.sinks.srt import srt_options
from edge.sinks.srt_group_url import address_of
from edge.sinks.srt_socket import SrtOptions
from edge.sinks.srt_url import SrtMode

WEBRTC = "webrtc"
_LINE_LIMIT_BYTES = 1024  # far above what SRT takes; a device file may have no end


@dataclass(frozen=True, slots=True)
class Lock:
    """Why a configured output must not run: `sentence` names the option that is to be mended."""

    code: str
    sentence: str


@dataclass(frozen=True, slots=True)
class ConfiguredSink:
    """A locked one's spec is not running and has no passphrase or token.

    `fingerprint` changes when the technician changes the entry, not when the file changes
    that the entry names.
    """

    spec: SinkSpec
    fingerprint: str
    lock: Lock | None = None


@dataclass(frozen=True, slots=True)
class ConfiguredRung:
    """`bitrate_bps` at start and `max_bitrate_bps` hold where no preset says otherwise."""

    bitrate_bps: int
    max_bitrate_bps: int
    gop_s: float
    fingerprint: str


@dataclass(frozen=True, slots=True)
class Configured:
    """Sinks (WebRTC's first) and rungs by name, in the order of the configuration."""

    sinks: Mapping[str, ConfiguredSink]
    rungs: Mapping[str, ConfiguredRung]
    freeze_after_ms: int
    preset: str
    preset_fingerprint: str
    device: str
    mask: Mask | None
    mask_fingerprint: str
    second_mask: Mask | None
    log_level: str
    link_fingerprint: str
    source: str
    sources: tuple[str, ...]

    @classmethod
    def of(cls, config: Config) -> Configured:
        """Reads the files of passphrases and tokens (blocking). Raises nothing: what is wrong locks its sink."""
        built_in = ConfiguredSink(SinkSpec(name=WEBRTC, kind=SinkKind.WHEP), fingerprint="built-in")
        preset = config.modality.preset
        presets = {RungName.MAIN: {} if preset == NO_PRESET else {"preset": preset}}
        return cls(
            sinks={WEBRTC: built_in}
            | {entry.name: _sink(entry) for entry in config.srt}
            | {entry.name: _whip(entry) for entry in config.whip},
            rungs={name: _rung(own, presets.get(name, {})) for name, own in config.rungs.items()},
            freeze_after_ms=config.liveness.freeze_after_ms,
            preset=preset,
            preset_fingerprint=_fingerprint({"preset": preset}),
            device=config.modality.device,
            mask=_mask(config.mask),
            mask_fingerprint=_fingerprint(config.mask.model_dump(mode="json", exclude_defaults=True)),
            second_mask=_mask(config.second.mask),
            log_level=config.log_level,
            link_fingerprint=_fingerprint(config.mqtt.model_dump(mode="json", exclude_defaults=True)),
            source=config.source.kind,
            sources=tuple(kind for kind in SourceKind if _may_be_chosen(kind, config)),
        )


def _may_be_chosen(kind: SourceKind, config: Config) -> bool:
    """By a command: nothing that lacks an address, nor what the second input has."""
    if kind is SourceKind.URL and not config.source.url.url:
        return False
    chosen = config.source.model_copy(update={"kind": kind})
    return not (config.second.enabled and same_device(chosen, config.second.source))


def _fingerprint(entry: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(entry, sort_keys=True).encode()).hexdigest()


def _rung(encoder: EncoderConfig, preset: Mapping[str, str]) -> ConfiguredRung:
    fingerprint = _fingerprint({"bitrate_bps": encoder.bitrate_bps, **preset})
    return ConfiguredRung(encoder.bitrate_bps, encoder.max_bitrate_bps, encoder.gop_s, fingerprint)


def _mask(config: MaskConfig) -> Mask | None:
    rects = tuple(Rect(*rect) for rect in config.rects)
    return Mask((Sheet(config.of, rects),)) if rects else None


def _sink(entry: SrtSinkConfig) -> ConfiguredSink:
    # Without defaults, so that an option which a later version adds changes no fingerprint.
    fingerprint = _fingerprint(entry.model_dump(mode="json", exclude_defaults=True))
    spec = SinkSpec(
        name=entry.name,
        kind=SinkKind.SRT,
        url=entry.url,
        latency_ms=entry.latency_ms,
        stream_id=entry.stream_id,
        rung=entry.rung,
        role=entry.role,
    )
    lock = _address_lock(spec, has_peers=bool(entry.peers))
    if lock is not None:
        # The address may hold what should be secret, and status shows addresses.
        return ConfiguredSink(replace(spec, url="", running=False), fingerprint, lock)
    option = entry.passphrase_file
    where = "passphrase_file"
    try:
        if option is not None:
            spec = replace(spec, passphrase=_checked_passphrase(option))
        for peer in entry.peers:
            where, option = f"peers.{peer.name}.passphrase_file", peer.passphrase_file or Path()
            known = PeerSpec(peer.name, _checked_passphrase(option), role=peer.role, rung=peer.rung or "")
            spec = replace(spec, peers=(*spec.peers, known))
    except Invalid as error:
        sentence = f"srt.{entry.name}.{where}: {option}: {error}; the output does not run"
        nobody = tuple(PeerSpec(peer.name, "") for peer in entry.peers)  # so that a command cannot open it to all
        bare = replace(spec, running=False, passphrase="", peers=nobody)
        return ConfiguredSink(bare, fingerprint, Lock("passphrase_unreadable", sentence))
    return ConfiguredSink(spec, fingerprint)


def _whip(entry: WhipSinkConfig) -> ConfiguredSink:
    fingerprint = _fingerprint(entry.model_dump(mode="json", exclude_defaults=True))
    spec = SinkSpec(name=entry.name, kind=SinkKind.WHIP, url=entry.url, rung=entry.rung, role=entry.role)
    try:
        check_whip_url(spec.url)
    except Invalid as error:
        lock = Lock(error.code, f"whip.{entry.name}.url: {error}; the output does not run")
        return ConfiguredSink(replace(spec, url="", running=False), fingerprint, lock)
    if entry.token_file is None:
        return ConfiguredSink(spec, fingerprint)
    try:
        token = first_line(entry.token_file)
        check_token(token)
    except Invalid as error:
        sentence = f"whip.{entry.name}.token_file: {entry.token_file}: {error}; the output does not run"
        return ConfiguredSink(replace(spec, running=False), fingerprint, Lock("token_unreadable", sentence))
    return ConfiguredSink(replace(spec, token=token), fingerprint)


def _address_lock(spec: SinkSpec, *, has_peers: bool) -> Lock | None:
    option = "url"
    try:
        address = address_of(spec.url)
        option = "stream_id"
        srt_options(spec, address)
        option = "peers"
        if has_peers and address.mode is not SrtMode.LISTENER:
            raise Invalid("only a listener has peers")
    except Invalid as error:
        return Lock(error.code, f"srt.{spec.name}.{option}: {error}; the output does not run")
    return None


def _checked_passphrase(path: Path) -> str:
    """Raises Invalid, also for one that SRT would refuse."""
    return SrtOptions(passphrase=first_line(path)).passphrase


def first_line(path: Path) -> str:
    """A secret: the file's first line without its end (blocking). Raises Invalid, which never repeats the line."""
    try:
        with path.open("rb") as file:
            line = file.readline(_LINE_LIMIT_BYTES).rstrip(b"\r\n").decode()
    except UnicodeDecodeError:
        raise Invalid("its first line is not UTF-8") from None  # the cause would repeat the line
    except OSError as error:
        raise Invalid(f"cannot be read: {error.strerror or error}") from error
    except ValueError as error:  # a path that no system call takes
        raise Invalid(f"cannot be read: {error}") from error
    if not line.strip():
        raise Invalid("its first line is empty")
    return line
