// The box's UTC in the time of this page's monotonic clock: of several answers the least uncertain one.

const KEPT = 16;
const DRIFT = 100e-6; // of two crystals
const LOST_MS = 10_000;
const USELESS_MS = 250;
const SLACK_MS = 1;

export class BoxClock {
  /** `now` is a monotonic clock in ms. */
  constructor({ now = () => performance.now() } = {}) {
    this.now = now;
    this.samples = [];
    this.answeredMs = null;
    this.steps = 0; // how many times what was known turned out to be wrong
  }

  /** One question and its answer: asked and heard by our clock, received and sent by the box's; `mapMs`: how far the latter may be off. */
  add({ askedMs, receivedMs, sentMs, heardMs, mapMs = 0 }) {
    const roundTripMs = Math.max(0, heardMs - askedMs - (sentMs - receivedMs));
    const offsetMs = (receivedMs - askedMs + (sentMs - heardMs)) / 2;
    this.keep({ offsetMs, roundTripMs, uncertaintyMs: roundTripMs / 2 + mapMs, atMs: heardMs });
  }

  /** A sample that contradicts the older ones means that a clock was stepped, or stood still: then it alone counts. */
  keep(sample) {
    const agrees = (old) => Math.abs(old.offsetMs - sample.offsetMs) <= this.unsure(old) + sample.uncertaintyMs + SLACK_MS;
    if (this.samples.every(agrees)) this.samples = [...this.samples, sample].slice(-KEPT);
    else this.restart([sample]);
    this.answeredMs = sample.atMs;
  }

  /** Forget all: this machine slept, or the two clocks contradict each other. */
  distrust() {
    if (this.samples.length) this.restart([]);
  }

  restart(samples) {
    this.samples = samples;
    this.steps += 1;
  }

  unsure({ uncertaintyMs, atMs }) {
    return uncertaintyMs + Math.max(0, this.now() - atMs) * DRIFT;
  }

  /** The sample to go by, null when there is none, none good enough, or no answer for long. */
  get best() {
    if (this.answeredMs === null || this.now() - this.answeredMs > LOST_MS) return null;
    let best = null;
    for (const sample of this.samples) if (!best || this.unsure(sample) < this.unsure(best)) best = sample;
    return best && this.unsure(best) <= USELESS_MS ? best : null;
  }

  /** How far `at` may be off, in ms; null while unknown. */
  get uncertaintyMs() {
    const { best } = this;
    return best && this.unsure(best);
  }

  /** UTC of the box in ms at a moment of the page's monotonic clock; null while unknown. */
  at(pageMs) {
    const { best } = this;
    return best && pageMs + best.offsetMs;
  }

  utcMs() {
    return this.at(this.now());
  }
}

/** The box's UTC in ms by text in ns. */
export const utcMsOf = (text) => Number(BigInt(text)) / 1e6;
