"""Sources and encoders made of FFmpeg through PyAV."""
