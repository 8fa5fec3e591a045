// The live picture: connection, capture times and presented frames come together in one verdict.

import { Badge } from "/page/badge.js";
import { BoxClock, fetchBoxTime } from "/page/clock.js";
import { Delay } from "/page/delay.js";
import { Liveness } from "/page/liveness.js";
import { postJson } from "/page/problem.js";
import { Viewer } from "/page/viewer.js";
import { FIRST, inputsOf, signalName } from "/page/words.js";

const JUDGE_MS = 50;
const REPORT_MS = 2000;
const CLOCK_MS = 3000;
const CLOCK_BURST = 5;
const NAMELESS_MANY = 30; // one or two come when a new session takes over the screen

const endpointOf = (input) => `/whep/${encodeURIComponent(input)}?role=observer`;

export class Picture {
  /** `feed` is the StatusFeed. */
  constructor({ video, feed }) {
    this.feed = feed;
    this.badge = new Badge();
    this.liveness = new Liveness();
    this.delay = new Delay();
    this.nameless = 0;
    this.input = FIRST;
    this.clock = new BoxClock({ fetchTime: fetchBoxTime });
    this.viewer = new Viewer({
      video,
      endpoint: endpointOf(FIRST),
      onTime: (rtp, time) => this.note(this.liveness.learn(rtp, time)),
      onPresented: (metadata) => this.onPresented(metadata),
      onSession: () => this.liveness.reset(),
      isKnown: (id) => !feed.connected || (feed.document.viewers ?? []).some(({ session }) => session === id),
    });
  }

  get session() {
    return this.viewer.session?.id ?? null;
  }

  /** What the status document says of the input on the screen. */
  get status() {
    const { document } = this.feed;
    return inputsOf(document).find(({ name }) => name === this.input) ?? document;
  }

  /** Show that input's picture instead. */
  watch(input) {
    if (input === this.input) return;
    this.input = input;
    this.liveness.clear();
    this.delay.clear();
    this.nameless = 0;
    this.viewer.watchInstead(endpointOf(input));
    this.judge();
    this.badge.showDelay(null);
  }

  start() {
    setInterval(() => this.judge(), JUDGE_MS);
    document.addEventListener("visibilitychange", () => this.judge());
    if (Viewer.lack) return;
    this.keepTime();
    this.viewer.run();
    setInterval(() => this.report().catch(() => {}), REPORT_MS);
    setInterval(() => this.badge.showDelay(this.verdict().live ? this.percentiles() : null), 500);
  }

  percentiles() {
    return this.delay.percentiles(performance.now());
  }

  async keepTime() {
    for (let tries = 0; ; tries++) {
      const answered = await this.clock.sample();
      const waitMs = answered && tries >= CLOCK_BURST ? CLOCK_MS : 150;
      await new Promise((resolve) => setTimeout(resolve, answered ? waitMs : 1000));
    }
  }

  onPresented({ rtpTimestamp, expectedDisplayTime }) {
    if (rtpTimestamp === undefined) {
      this.nameless += 1;
      this.liveness.presentUnknown();
    } else {
      this.nameless = 0;
      const shownAt = Math.max(performance.now(), expectedDisplayTime ?? 0);
      this.note(this.liveness.present(rtpTimestamp, this.clock.at(shownAt)));
    }
    this.judge();
  }

  note(delayMs) {
    if (delayMs !== null) this.delay.add(delayMs, performance.now());
  }

  judge() {
    const verdict = this.verdict();
    this.badge.show(verdict, verdict.live ? "" : this.reason(verdict));
  }

  verdict() {
    const no = (code) => ({ live: false, code, ageMs: null });
    if (Viewer.lack || this.nameless > NAMELESS_MANY) return no("unverifiable");
    if (document.hidden) return no("hidden");
    const verdict = this.liveness.verdict(this.clock.utcMs());
    if (verdict.code === "clock" && verdict.ageMs !== null) this.clock.distrust();
    if (!verdict.live && verdict.code !== "flag" && this.viewer.trouble) return { ...verdict, code: "connection" };
    return verdict;
  }

  reason({ code, ageMs }) {
    const { picture = {}, signal = {} } = this.status;
    const seconds = ageMs === null ? "" : ` for ${(ageMs / 1000).toFixed(1)} s`;
    const reasons = {
      unverifiable: Viewer.lack ?? "this browser cannot verify the picture's time",
      hidden: "the page is hidden",
      connection: this.viewer.trouble,
      clock: "the box's clock is not known to this page",
      no_frame: "waiting for the first picture",
      no_time: "the picture carries no capture time",
      old: picture.live === false && picture.reason ? picture.reason : `no fresh picture${seconds}`,
      flag: picture.reason || signal.detail || (signal.state === "locked" ? "the input has stopped" : signalName(signal.state)),
    };
    const text = reasons[code];
    return text[0].toUpperCase() + text.slice(1);
  }

  /** What this screen measures goes back to the box. */
  async report() {
    const percentiles = this.percentiles();
    const session = this.viewer.session;
    if (!percentiles || session?.connectedAtMs == null) return;
    const playout = await session.playoutMs();
    await postJson(`/api/v1/viewers/${encodeURIComponent(session.id)}/report`, {
      glass_to_glass_ms: percentiles,
      playout_ms: playout === null ? null : Math.max(0, playout),
    });
  }
}
