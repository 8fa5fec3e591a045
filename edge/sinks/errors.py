"""What only outputs raise."""

from __future__ import annotations

from edge.model.errors import PeerGone


class PeerLeft(PeerGone):
    """A receiver that had connected to us is gone: there is nothing to open again.

    `final` tells whoever runs the sink to detach it.
    """

    code = "peer_left"
    final = True
