"""EDID: what an HDMI input tells the source about itself. Bytes in, bytes out; no device is touched here."""
