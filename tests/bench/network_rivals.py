DESCRIPTION = ""


def gst_webrtc(s):
    raise NotImplementedError


def ffmpeg_srt(s):
    raise NotImplementedError
