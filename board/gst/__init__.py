"""Encoders that only GStreamer reaches: Jetson's, and VAAPI, QSV and MSDK on x86 where PyAV has none."""
