// Glass-to-screen delay of the frames presented in the last 10 s.

const WINDOW_MS = 10_000;

export class Delay {
  constructor() {
    this.samples = [];
  }

  clear() {
    this.samples = [];
  }

  add(delayMs, atMs) {
    this.samples.push({ delayMs, atMs });
  }

  /** `{p50, p95}` in ms; null without samples. */
  percentiles(nowMs) {
    this.samples = this.samples.filter((sample) => nowMs - sample.atMs <= WINDOW_MS);
    if (this.samples.length === 0) return null;
    const sorted = this.samples.map((sample) => sample.delayMs).sort((a, b) => a - b);
    const rank = (share) => Math.max(0, sorted[Math.min(sorted.length - 1, Math.ceil(share * sorted.length) - 1)]);
    return { p50: rank(0.5), p95: rank(0.95) };
  }
}
