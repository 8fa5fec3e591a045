"""Composition roots: the processes and the command line. The only place that imports `board`."""
