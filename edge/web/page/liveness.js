// Whether the picture on the screen is live: a judgement on the presented frame's own capture time.

export const MAX_AGE_MS = 500;
const FUTURE_MS = -250;
const REMEMBERED = 300;

/** Times are UTC of the box in ms. Frames are named by their RTP time stamp within one session. */
export class Liveness {
  constructor() {
    this.reset();
  }

  /** A new session: nothing presented yet. The old frame stays on the screen and goes on ageing. */
  reset() {
    this.times = new Map();
    this.pending = null;
  }

  /** The screen is cleared: nothing is on it any more. */
  clear() {
    this.reset();
    this.shown = null;
  }

  /** What the SEI of an encoded frame says; null when it has none. Returns the delay if it was awaited. */
  learn(rtp, time) {
    this.times.set(rtp, time);
    if (this.times.size > REMEMBERED) this.times.delete(this.times.keys().next().value);
    if (this.pending?.rtp !== rtp) return null;
    return this.present(rtp, this.pending.shownMs);
  }

  /** A frame reached the screen. Returns its delay in ms, null when it is not live or not known yet. */
  present(rtp, shownMs) {
    if (!this.times.has(rtp)) {
      this.pending = { rtp, shownMs };
      return null;
    }
    this.pending = null;
    this.shown = this.times.get(rtp) ?? { utcMs: null, live: false };
    return this.shown.live && shownMs !== null ? shownMs - this.shown.utcMs : null;
  }

  /** A frame reached the screen that cannot be matched with any time. */
  presentUnknown() {
    this.pending = null;
    this.shown = null;
  }

  /** `{live, code, ageMs}` at that box time; code is one of live, no_frame, no_time, clock, old, flag. */
  verdict(nowMs) {
    if (!this.shown) return { live: false, code: "no_frame", ageMs: null };
    if (this.shown.utcMs === null) return { live: false, code: "no_time", ageMs: null };
    if (nowMs === null) return { live: false, code: "clock", ageMs: null };
    const ageMs = nowMs - this.shown.utcMs;
    if (ageMs < FUTURE_MS) return { live: false, code: "clock", ageMs };
    if (ageMs > MAX_AGE_MS) return { live: false, code: "old", ageMs };
    if (!this.shown.live) return { live: false, code: "flag", ageMs };
    return { live: true, code: "live", ageMs };
  }
}
