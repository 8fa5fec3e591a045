"""The process `edge-rtc`: WebRTC viewers and WHIP outputs, with no right to any device."""

from __future__ import annotations

from edge.app.ice_servers import IceServers
from edge.app.paths import Places
from edge.app.process import claim_urgency, run_process
from edge.app.trust import trust_of
from edge.config.model import Config
from edge.model.video import Codec
from edge.rtc.connections import Connections, certificate_of
from edge.rtc.process import RtcProcess
from edge.runtime.clock import SystemClock
from edge.runtime.supervisor import Supervisor
from edge.vault.dtls import DtlsIdentity


def main(config: Config) -> int:
    """Run until told to stop."""
    claim_urgency()
    places = Places.of(config.paths)

    async def body(supervisor: Supervisor) -> None:
        await supervisor.run(*_process(config, places).components)

    return run_process("edge-rtc", config.log_level, body)


def _process(config: Config, places: Places) -> RtcProcess:
    clock = SystemClock()
    rungs = [rung for rung in config.rungs if config.codec_of(rung) is Codec.H264]
    trust, _ = trust_of(config.webrtc.ca_file)
    identity = DtlsIdentity.load_or_create(places.dtls)
    return RtcProcess(
        config=config.webrtc,
        units={str(rung): places.units(rung) for rung in rungs},
        on_demand=[rung for rung in rungs if rung.on_demand],
        unplayable=[rung for rung in config.rungs if rung not in rungs],
        ipc_path=places.rtc_ipc,
        clock=clock,
        connections=Connections(
            ice_servers=IceServers.of(config.webrtc, clock=clock),
            relay_only=config.webrtc.relay_only,
            certificate=certificate_of(identity.key, identity.certificate),
            trust=trust,
        ),
        trust=trust,
        fingerprint=identity.fingerprint,
    )
