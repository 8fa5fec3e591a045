// The box's UTC as seen from this page: of several samples the one with the shortest round trip.

const KEPT = 12;
const FRESH_MS = 600_000;
const SLACK_MS = 5;

export class BoxClock {
  /** `fetchTime` resolves to the box's UTC in ms; `now` is a monotonic clock in ms. */
  constructor({ fetchTime, now = () => performance.now() }) {
    this.fetchTime = fetchTime;
    this.now = now;
    this.samples = [];
  }

  /** One sample; false when the box did not answer. */
  async sample() {
    const before = this.now();
    let utcMs;
    try {
      utcMs = await this.fetchTime();
    } catch {
      return false;
    }
    const after = this.now();
    this.add({ offsetMs: utcMs - (before + after) / 2, roundTripMs: after - before, atMs: after });
    return true;
  }

  /** A sample that contradicts the older ones means that a clock was stepped: then it alone counts. */
  add(sample) {
    const agrees = (old) =>
      Math.abs(old.offsetMs - sample.offsetMs) <= (old.roundTripMs + sample.roundTripMs) / 2 + SLACK_MS;
    this.samples = this.samples.every(agrees) ? [...this.samples, sample].slice(-KEPT) : [sample];
  }

  /** Forget all: this machine slept, or the two clocks contradict each other. */
  distrust() {
    this.samples = [];
  }

  get best() {
    const recent = this.samples.filter((sample) => this.now() - sample.atMs <= FRESH_MS);
    return recent.length ? recent.reduce((a, b) => (b.roundTripMs < a.roundTripMs ? b : a)) : null;
  }

  /** UTC of the box in ms at a moment of the page's monotonic clock; null while unknown. */
  at(pageMs) {
    const best = this.best;
    return best ? pageMs + best.offsetMs : null;
  }

  utcMs() {
    return this.at(this.now());
  }
}

export async function fetchBoxTime() {
  const answer = await fetch("/api/v1/time", { cache: "no-store", signal: AbortSignal.timeout(2000) });
  if (!answer.ok) throw new Error(`time: ${answer.status}`);
  return Number(BigInt((await answer.json()).utc_ns)) / 1e6;
}
