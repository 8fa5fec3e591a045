"""What a viewer offers, read strictly: each refusal names what was wrong."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from aiortc import RTCIceCandidate
from aiortc.rtcicetransport import RTCIceParameters
from aiortc.rtcrtpparameters import RTCRtpCodecParameters, RTCRtpHeaderExtensionParameters
from aiortc.sdp import (
    H264Profile,
    MediaDescription,
    SessionDescription,
    candidate_from_sdp,
    parse_h264_profile_level_id,
)

from edge.model.errors import Invalid

_MAX_CHARACTERS = 64 << 10
_MALFORMED = (ValueError, LookupError, AssertionError, AttributeError, TypeError, StopIteration)
_MAX_CANDIDATES = 64
_PLAYABLE = (H264Profile.PROFILE_CONSTRAINED_BASELINE, H264Profile.PROFILE_BASELINE)
_DATA_CHANNEL, _DATA_PROFILES = "webrtc-datachannel", ("UDP/DTLS/SCTP", "TCP/DTLS/SCTP")  # RFC 8841
_UNSAID_PROFILE = "42E01F"  # what browsers mean by an fmtp without profile-level-id


@dataclass(frozen=True, slots=True)
class Offer:
    """`extensions` are those of the video section; `ice_user` is its ICE user name fragment."""

    sdp: str
    ice_user: str
    extensions: tuple[RTCRtpHeaderExtensionParameters, ...]


@dataclass(frozen=True, slots=True)
class Fragment:
    """Trickled candidates; `ended` when no more will come."""

    ice_user: str
    candidates: tuple[RTCIceCandidate, ...]
    ended: bool


def read_offer(sdp: str) -> Offer:
    """Raises Invalid; its code is `no_h264` when only the codec is missing."""
    description = _parse(sdp)
    video = _video_section(description)
    ice_user = [_transport_user(media) for media in description.media][description.media.index(video)]
    if video.direction not in ("recvonly", "sendrecv"):
        raise Invalid(f"the offer's video section is {video.direction or 'without a direction'}, not recvonly")
    if not any(_is_playable(codec) for codec in video.rtp.codecs):
        raise Invalid("the offer has no H.264 Baseline with packetization-mode=1", code="no_h264")
    return Offer(sdp, ice_user, tuple(video.rtp.headerExtensions))


def read_fragment(text: str) -> Fragment:
    """An application/trickle-ice-sdpfrag body (RFC 8840). Raises Invalid."""
    ice_user, mid, ended = "", "0", False
    candidates: list[RTCIceCandidate] = []
    for line in _lines(text):
        name, _, value = line.partition(":")
        if name == "a=ice-ufrag":
            ice_user = value
        elif name == "a=mid":
            mid = value
        elif name == "a=end-of-candidates":
            ended = True
        elif name == "a=candidate":
            candidates.append(_candidate(value, mid))
    return Fragment(ice_user, tuple(candidates), ended)


def _parse(sdp: str) -> SessionDescription:
    if not sdp.startswith("v=0"):
        raise Invalid("the offer is not SDP: it does not begin with v=0")
    _lines(sdp)
    try:
        return SessionDescription.parse(sdp)
    except _MALFORMED as error:
        raise Invalid(f"the SDP offer does not parse: {type(error).__name__} {error}".rstrip()) from error


def _lines(text: str) -> Sequence[str]:
    if len(text) > _MAX_CHARACTERS:
        raise Invalid(f"the SDP of {len(text)} characters is over the limit of {_MAX_CHARACTERS}")
    return text.splitlines()


def _video_section(description: SessionDescription) -> MediaDescription:
    kinds = [media.kind for media in description.media]
    for kind in kinds:
        if kind not in ("audio", "video", "application"):
            raise Invalid(f"the offer has a section {kind!r}: only audio, video and a data channel are understood")
    if kinds.count("video") != 1:
        raise Invalid(f"the offer has {kinds.count('video') or 'no'} video sections, one is needed")
    if kinds.count("audio") > 1:
        raise Invalid(f"the offer has {kinds.count('audio')} audio sections, at most one is understood")
    _check_data_sections([media for media in description.media if media.kind == "application"])
    if sum(len(media.ice_candidates) for media in description.media) > _MAX_CANDIDATES:
        raise Invalid(f"the offer has more than {_MAX_CANDIDATES} ICE candidates")
    return next(media for media in description.media if media.kind == "video")


def _check_data_sections(sections: Sequence[MediaDescription]) -> None:
    if len(sections) > 1:
        raise Invalid(f"the offer has {len(sections)} application sections, at most one is understood")
    for media in sections:
        if media.profile not in _DATA_PROFILES or media.fmt != [_DATA_CHANNEL]:
            raise Invalid(f"the offer's application section is {media.profile} {media.fmt}, not {_DATA_CHANNEL}")


def _transport_user(media: MediaDescription) -> str:
    """The ICE user name fragment of a section that has all a transport needs."""
    ice = media.ice or RTCIceParameters()
    if ice.usernameFragment is None or ice.password is None:
        raise Invalid(f"the offer's {media.kind} section has no ICE user name fragment or password")
    if media.dtls is None or not media.dtls.fingerprints:
        raise Invalid(f"the offer's {media.kind} section has no DTLS fingerprint or setup role")
    if not media.rtcp_mux and media.kind != "application":
        raise Invalid(f"the offer's {media.kind} section has no rtcp-mux")
    return ice.usernameFragment


def _is_playable(codec: RTCRtpCodecParameters) -> bool:
    if codec.mimeType.lower() != "video/h264" or str(codec.parameters.get("packetization-mode", "0")) != "1":
        return False
    try:
        return (
            parse_h264_profile_level_id(str(codec.parameters.get("profile-level-id", _UNSAID_PROFILE)))[0] in _PLAYABLE
        )
    except ValueError:
        return False


def _candidate(value: str, mid: str) -> RTCIceCandidate:
    try:
        candidate = candidate_from_sdp(value)
    except _MALFORMED as error:
        raise Invalid(f"ICE candidate {value[:80]!r} not understood") from error
    candidate.sdpMid = mid
    return candidate
