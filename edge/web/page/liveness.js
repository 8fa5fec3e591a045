// Whether the picture on the screen is live: only a frame that is proven new makes it so (docs/contracts/viewer.md).

export const MAX_AGE_MS = 500;
const FUTURE_MS = -250;
const QUIET_MS = 400;
const REMEMBERED = 300;
const HALF = 0x80000000;
const AT_ONCE = ["no_time", "clock", "old", "flag"]; // what is on the screen now is known not to be live

/** Times are UTC of the box in ms. Frames are named by their RTP time stamp within one session. */
export class Liveness {
  constructor() {
    this.frozen = 0; // frames that were not proven new
    this.reset();
    this.clear();
  }

  /** A new session: nothing presented yet. The old frame stays on the screen and goes on ageing. */
  reset() {
    this.times = new Map();
    this.pending = null;
    this.seq = null;
    this.newest = null; // that has arrived
  }

  /** The screen is cleared: nothing is on it any more. */
  clear() {
    this.reset();
    this.shown = this.proven = this.fault = null;
  }

  /** A clock was stepped: what was proven by it is proven no more. */
  forget() {
    this.proven = this.newest = null;
    if (this.shown) this.fault = "clock";
  }

  /** What is known of an encoded frame; null when it carries no time. Returns the delay if it was awaited. */
  learn(rtp, time) {
    this.times.set(rtp, time);
    this.newest = time ?? this.newest;
    if (this.times.size > REMEMBERED) this.times.delete(this.times.keys().next().value);
    if (this.pending?.rtp !== rtp) return null;
    return this.present(rtp, this.pending.shownMs, this.pending.slackMs);
  }

  /** A frame reached the screen. Returns its delay in ms; null when it is a repeat, a slate, or not known yet. */
  present(rtp, shownMs, slackMs = 0) {
    if (!this.times.has(rtp)) {
      this.pending = { rtp, shownMs, slackMs };
      return null;
    }
    this.pending = null;
    const time = this.times.get(rtp);
    this.shown = time ?? { utcMs: null, live: false };
    this.fault = this.faultOf(time, shownMs, slackMs);
    if (this.fault) this.frozen += 1;
    else this.proven = time;
    return this.fault === null || this.fault === "old" ? shownMs - time.utcMs : null;
  }

  /** A frame reached the screen that cannot be matched with any time. */
  presentUnknown() {
    this.pending = this.shown = this.proven = this.fault = null;
  }

  faultOf(time, shownMs, slackMs) {
    if (!time) return "no_time";
    const counted = this.count(time);
    if (!time.live) return "flag";
    if (shownMs === null || shownMs - time.utcMs < FUTURE_MS) return "clock";
    if (!counted) return "repeat";
    if (shownMs - time.utcMs > MAX_AGE_MS + slackMs) return "old";
    return this.proven && time.utcMs <= this.proven.utcMs ? "repeat" : null;
  }

  /** Whether the number is ahead. One that goes back is a new count's first: the one behind it is ahead. */
  count({ seq }) {
    const ahead = this.seq === null ? 1 : (seq - this.seq) >>> 0;
    this.seq = seq;
    return ahead > 0 && ahead < HALF;
  }

  /**
   * `{live, code, ageMs}` at that box time, which may be off by `slackMs`; nothing has arrived for `quietMs`.
   * `code` is one of live, no_frame, no_time, clock, old, flag, repeat, missing, decoder.
   */
  verdict(nowMs, { slackMs = 0, quietMs = 0 } = {}) {
    if (!this.shown) return { live: false, code: "no_frame", ageMs: null };
    if (this.shown.utcMs === null) return { live: false, code: "no_time", ageMs: null };
    if (nowMs === null) return { live: false, code: "clock", ageMs: null };
    const ageMs = nowMs - this.shown.utcMs;
    if (ageMs < FUTURE_MS) return { live: false, code: "clock", ageMs };
    const isFresh = (time) => time !== null && nowMs - time.utcMs <= MAX_AGE_MS + slackMs;
    if (isFresh(this.proven) && isFresh(this.shown) && !AT_ONCE.includes(this.fault)) return { live: true, code: "live", ageMs };
    if (quietMs > QUIET_MS && !isFresh(this.shown)) return { live: false, code: "missing", ageMs };
    if (this.fault) return { live: false, code: this.fault, ageMs };
    const waiting = this.newest !== this.shown && isFresh(this.newest);
    return { live: false, code: waiting ? "decoder" : "old", ageMs };
  }
}
