"""Our offer to a WHIP ingest, and its answer read strictly: each refusal names what was wrong."""

from __future__ import annotations

import re
from dataclasses import dataclass

from aiortc.rtcrtpparameters import RTCRtpHeaderExtensionParameters
from aiortc.sdp import MediaDescription, SessionDescription

from edge.model.errors import Rejected
from edge.rtc.rtp_stream import ABS_CAPTURE_TIME, PLAYOUT_DELAY
from edge.rtc.transport_feedback import TRANSPORT_WIDE

_OFFERED = (ABS_CAPTURE_TIME, PLAYOUT_DELAY, TRANSPORT_WIDE)
_H264 = re.compile(r"^a=rtpmap:(\d+) H264/90000\r?\n", re.MULTILINE)
_TRANSPORT_CC = re.compile(r"^a=rtcp-fb:(\*|\d+) transport-cc[ \r]*$", re.MULTILINE)
_LEVEL_4_2 = "2a"  # 1080p60; aiortc offers level 3.1
_PROFILE = re.compile(r"(profile-level-id=[0-9a-f]{4})[0-9a-f]{2}", re.IGNORECASE)
_EXTMAP = re.compile(r"^a=extmap:(\d+) .*\r?\n", re.MULTILINE)
_MAX_CHARACTERS = 64 << 10
_MAX_CANDIDATES = 64
_MALFORMED = (ValueError, LookupError, AssertionError, AttributeError, TypeError, StopIteration)


@dataclass(frozen=True, slots=True)
class Answer:
    """`extensions` are those of the video section that both sides have; the text is whole. `transport_cc` are the
    payload types with that feedback, `*` for all."""

    sdp: str
    extensions: tuple[RTCRtpHeaderExtensionParameters, ...]
    transport_cc: tuple[str, ...]


def offered(sdp: str) -> str:
    """aiortc's offer of one video section, with what else we can do: level 4.2, timing, transport-wide feedback."""
    sdp = _PROFILE.sub(rf"\g<1>{_LEVEL_4_2}", sdp)
    sdp = _H264.sub(r"\g<0>a=rtcp-fb:\g<1> transport-cc\r\n", sdp)
    known = list(_EXTMAP.finditer(sdp))
    taken = max((int(line.group(1)) for line in known), default=0)
    end = known[-1].end() if known else sdp.index("a=mid:")
    ours = "".join(f"a=extmap:{taken + 1 + index} {uri}\r\n" for index, uri in enumerate(_OFFERED))
    return sdp[:end] + ours + sdp[end:]


def read_answer(sdp: str) -> Answer:
    """Raises Rejected `answer_refused`."""
    if not sdp.startswith("v=0") or len(sdp) > _MAX_CHARACTERS:
        raise _refused(f"it is not SDP of at most {_MAX_CHARACTERS} characters")
    try:
        description = SessionDescription.parse(sdp)
    except _MALFORMED as error:
        raise _refused(f"it does not parse: {type(error).__name__} {error}".rstrip()) from error
    if [media.kind for media in description.media] != ["video"]:
        raise _refused(f"it has {', '.join(media.kind for media in description.media) or 'nothing'}, not one video")
    _check_video(description.media[0])
    if any(
        group.items != [description.media[0].rtp.muxId] for group in description.group if group.semantic == "BUNDLE"
    ):
        raise _refused("it bundles with a section that it does not have")
    extensions = tuple(description.media[0].rtp.headerExtensions)
    return Answer(sdp, extensions, tuple(_TRANSPORT_CC.findall(sdp)))


def _check_video(video: MediaDescription) -> None:
    if video.port == 0 or video.direction not in ("recvonly", "sendrecv"):
        raise _refused("it wants no video (port 0, or not recvonly)")
    if not any(codec.mimeType.lower() == "video/h264" for codec in video.rtp.codecs):
        raise _refused("it takes no H.264")
    if video.ice is None or video.ice.usernameFragment is None or video.ice.password is None:
        raise _refused("it has no ICE user name fragment or password")
    if video.dtls is None or not video.dtls.fingerprints or video.dtls.role not in ("client", "server"):
        raise _refused("it has no DTLS fingerprint, or no setup role active or passive")
    if len(video.ice_candidates) > _MAX_CANDIDATES:
        raise _refused(f"it has more than {_MAX_CANDIDATES} ICE candidates")


def _refused(why: str) -> Rejected:
    return Rejected(f"the SDP answer cannot be used: {why}", code="answer_refused")
