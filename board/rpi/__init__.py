"""Raspberry Pi camera modules, through picamera2 (only home of picamera2)."""
