"""What a driver means by its error numbers, for people."""

from __future__ import annotations

import errno
import os


def why(error: OSError) -> str:
    """The driver's refusal to start, for people."""
    reasons = {
        errno.EBUSY: "another program uses the device",
        errno.EPIPE: "the parts of the receiver are not set to one format",
        errno.EINVAL: "the receiver refuses this mode; it may have too few lanes for it",
        errno.ENOSPC: "the USB bus has no room for this mode",
        errno.ENOMEM: "not enough contiguous memory for the frame buffers",
    }
    return reasons.get(error.errno or 0, os.strerror(error.errno or 0))
