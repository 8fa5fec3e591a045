"""Latency from outside: reads the capture times that docs/contracts/timing.md puts into every stream."""
