"""The media core: capture, liveness, slate, rungs, distribution, latency."""
