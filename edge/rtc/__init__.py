"""WebRTC viewers: access units from the media process out over WHEP. The only home of aiortc."""
