"""Where access units go: SRT, another process, a still picture."""
