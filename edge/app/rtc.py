"""The process `edge-rtc`: WebRTC viewers, with no right to any device."""

from __future__ import annotations

from edge.app.paths import Places
from edge.app.process import claim_urgency, run_process
from edge.config.model import Config
from edge.model.video import Codec
from edge.rtc.process import RtcProcess
from edge.runtime.clock import SystemClock
from edge.runtime.supervisor import Supervisor


def main(config: Config) -> int:
    """Run until told to stop."""
    claim_urgency()
    places = Places.of(config.paths)

    async def body(supervisor: Supervisor) -> None:
        rungs = [rung for rung in config.rungs if config.codec_of(rung) is Codec.H264]
        rtc = RtcProcess(
            config=config.webrtc,
            units={str(rung): places.units(rung) for rung in rungs},
            on_demand=[rung for rung in rungs if rung.on_demand],
            unplayable=[rung for rung in config.rungs if rung not in rungs],
            ipc_path=places.rtc_ipc,
            clock=SystemClock(),
        )
        await supervisor.run(*rtc.components)

    return run_process("edge-rtc", config.log_level, body)
