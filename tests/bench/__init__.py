"""Measurements: `python -m tests.bench` runs them all, or those named."""
