"""Named lines: what a box's uplink meets, with where the numbers are from.

Delays are one way and split evenly, so that their sum is the round trip. Where a docstring names no
source, the numbers are the requirement's own or a plain assumption, and it says which.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from tests.netlab.path import Burst, End, Path, Step

_MBPS = 1_000_000


@dataclass(frozen=True, slots=True)
class Profile:
    """A line and its schedule. `note` is printed with every figure taken on it."""

    name: str
    note: str
    steps: tuple[Step, ...]

    def called_by(self, end: End) -> Profile:
        """The same with that end as the one that moves, where one does."""
        steps = (replace(step, moves=step.moves and end) for step in self.steps)
        return replace(self, steps=tuple(steps))

    @property
    def rtt_ms(self) -> float:
        """The round trip with empty queues, at the start."""
        return self.steps[0].uplink.delay_ms + self.steps[0].downlink.delay_ms

    @property
    def rate_bps(self) -> int:
        """The uplink at the start; 0: no limit."""
        return self.steps[0].uplink.rate_bps

    @property
    def changes_s(self) -> tuple[float, ...]:
        """When it changes, from the start of the schedule."""
        return tuple(step.at_s for step in self.steps[1:])

    def mean_rate_bps(self, begin_s: float, end_s: float) -> float:
        """The uplink's mean rate between two times of the schedule; 0: without limit in part of them."""
        bits = 0.0
        for index, step in enumerate(self.steps):
            until_s = self.steps[index + 1].at_s if index + 1 < len(self.steps) else end_s
            overlap_s = max(0.0, min(until_s, end_s) - max(step.at_s, begin_s))
            if overlap_s and not step.uplink.rate_bps and not step.uplink.down:
                return 0.0
            bits += 0.0 if step.uplink.down else overlap_s * step.uplink.rate_bps
        return bits / (end_s - begin_s) if end_s > begin_s else 0.0


def _steady(name: str, note: str, uplink: Path, downlink: Path | None = None) -> Profile:
    return Profile(name, note, (Step(0.0, uplink, uplink if downlink is None else downlink),))


def lan() -> Profile:
    """Switched gigabit: 0.2 ms a way and no loss. Assumed; any wired hospital network is like that when idle."""
    path = Path(delay_ms=0.2, rate_bps=1000 * _MBPS, queue_ms=20)
    return _steady("lan", "1 Gb/s, RTT 0.4 ms", path)


def hospital_wifi() -> Profile:
    """A shared WLAN cell: some ms that wander, and short bursts where its retries give up. Assumed.

    802.11 retries each frame up to 7 times, so that what remains is bursts rather than single losses
    (IEEE 802.11, dot11ShortRetryLimit); the figures here are no measurement of any hospital.
    """
    path = Path(delay_ms=3, jitter_ms=4, burst=Burst(share=0.003, packets=5), rate_bps=40 * _MBPS, queue_ms=150)
    return _steady("hospital-wifi", "40 Mb/s, RTT 6 ms, jitter 4 ms, 0.3 % in bursts of 5", path)


def dsl_5() -> Profile:
    """An asymmetric line, 5 Mb/s up and 25 down. The uplink's queue of 300 ms is the bloat of home routers.

    Uplink queues of hundreds of ms were what Netalyzr found at most DSL customers (Kreibich et al.,
    "Netalyzr: Illuminating the Edge Network", IMC 2010). 15 ms a way, for interleaving: assumed.
    """
    uplink = Path(delay_ms=15, jitter_ms=1, rate_bps=5 * _MBPS, queue_ms=300)
    return _steady("dsl-5", "5 Mb/s up, RTT 30 ms, queue 300 ms", uplink, replace(uplink, rate_bps=25 * _MBPS))


def four_g() -> Profile:
    """LTE in good radio: 15 Mb/s up, RTT 50 ms, jitter 6 ms, 0.1 % loss, a deep queue. Assumed.

    Loss stays low since LTE repeats below IP (3GPP TS 36.322, acknowledged mode), which is also why it jitters.
    """
    uplink = Path(delay_ms=25, jitter_ms=6, loss=0.001, rate_bps=15 * _MBPS, queue_ms=400)
    return _steady("4g", "15 Mb/s up, RTT 50 ms, jitter 6 ms, 0.1 % loss", uplink, replace(uplink, rate_bps=40 * _MBPS))


def five_g_sa() -> Profile:
    """Stand-alone 5G in good radio: 60 Mb/s up, RTT 16 ms, jitter 2 ms. Assumed; a network's own figures vary."""
    uplink = Path(delay_ms=8, jitter_ms=2, loss=0.0005, rate_bps=60 * _MBPS, queue_ms=150)
    return _steady(
        "5g-sa", "60 Mb/s up, RTT 16 ms, jitter 2 ms, 0.05 % loss", uplink, replace(uplink, rate_bps=300 * _MBPS)
    )


def bad_4g() -> Profile:
    """LTE at the edge of its cell: 6 Mb/s up, for 5 s only 3, RTT 100 ms, jitter 15 ms, bursts of loss. Assumed."""
    good = Path(delay_ms=50, jitter_ms=15, burst=Burst(share=0.01, packets=8), rate_bps=6 * _MBPS, queue_ms=600)
    weak = replace(good, rate_bps=3 * _MBPS)
    downlink = replace(good, rate_bps=10 * _MBPS)
    steps = (Step(0, good, downlink), Step(12, weak, downlink), Step(17, good, downlink))
    return Profile("bad-4g", "6 -> 3 -> 6 Mb/s up, RTT 100 ms, jitter 15 ms, 1 % in bursts of 8", steps)


def rtt40_loss1() -> Profile:
    """RTT 40 ms, 1 % random loss each way, 50 Mb/s: the requirement's."""
    path = Path(delay_ms=20, loss=0.01, rate_bps=50 * _MBPS)
    return _steady("rtt40-loss1", "50 Mb/s, RTT 40 ms, 1 % random loss each way", path)


def rtt80_loss2() -> Profile:
    """RTT 80 ms, 2 % random loss each way, 50 Mb/s: the requirement's."""
    path = Path(delay_ms=40, loss=0.02, rate_bps=50 * _MBPS)
    return _steady("rtt80-loss2", "50 Mb/s, RTT 80 ms, 2 % random loss each way", path)


def burst_loss5() -> Profile:
    """RTT 40 ms, 5 % of the packets in bursts of 5 on average: the requirement's share, the length assumed.

    Two states by packet (E. N. Gilbert, "Capacity of a Burst-Noise Channel", BSTJ 1960). The way back
    loses as much.
    """
    path = Path(delay_ms=20, burst=Burst(share=0.05, packets=5), rate_bps=50 * _MBPS)
    return _steady("burst-loss5", "50 Mb/s, RTT 40 ms, 5 % in bursts of 5 each way", path)


def cut_20_4_20() -> Profile:
    """20 Mb/s, 4 Mb/s from 8 s to 18 s, then 20 again; RTT 40 ms: the requirement's. A queue of 200 ms, assumed."""
    wide = Path(delay_ms=20, rate_bps=20 * _MBPS, queue_ms=200)
    narrow = replace(wide, rate_bps=4 * _MBPS)
    steps = (Step(0, wide, wide), Step(8, narrow, wide), Step(18, wide, wide))
    return Profile("cut-20-4-20", "20 -> 4 -> 20 Mb/s up at 8 and 18 s, RTT 40 ms, queue 200 ms", steps)


def outage_10s() -> Profile:
    """Nothing passes for 10 s either way, from 8 s on; RTT 40 ms, 20 Mb/s: the requirement's."""
    up = Path(delay_ms=20, rate_bps=20 * _MBPS)
    gone = replace(up, down=True)
    steps = (Step(0, up, up), Step(8, gone, gone, cut=True), Step(18, up, up))
    return Profile("outage-10s", "20 Mb/s, RTT 40 ms, nothing from 8 to 18 s", steps)


def path_change() -> Profile:
    """DSL fails over to LTE at 10 s and comes back at 20 s. What is on its way is lost, delay and rate change. Assumed.

    Each time the end that called has another address, as behind another router. The benchmark says which end that is.
    """
    first = Path(delay_ms=10, rate_bps=20 * _MBPS, queue_ms=150)
    other = Path(delay_ms=45, jitter_ms=6, loss=0.001, rate_bps=10 * _MBPS, queue_ms=300)
    steps = (
        Step(0, first, first),
        Step(10, other, other, cut=True, moves=End.VIEWER),
        Step(20, first, first, cut=True, moves=End.VIEWER),
    )
    note = "RTT 20 -> 90 -> 20 ms, 20 -> 10 -> 20 Mb/s, and a new address for who called, at 10 and 20 s"
    return Profile("path-change", note, steps)


PROFILES = {
    profile.name: profile
    for profile in (
        lan(),
        hospital_wifi(),
        dsl_5(),
        four_g(),
        five_g_sa(),
        bad_4g(),
        rtt40_loss1(),
        rtt80_loss2(),
        burst_loss5(),
        cut_20_4_20(),
        outage_10s(),
        path_change(),
    )
}
