// A live picture of a Scopecast box that never looks live when it is not. Needs nothing of the page around it.
//
//   const viewer = new ScopecastViewer({ video, whep: "https://box.example/whep/main", token: "..." });
//   viewer.addEventListener("state", ({ detail }) => ...);    // { live, word, code, reason, ageMs }
//   viewer.addEventListener("figures", ({ detail }) => ...);  // { p50Ms, p95Ms, uncertaintyMs, ageMs, frozen, playoutMs, decoder, source }
//   viewer.start();

import { BoxClock, utcMsOf } from "./clock.js";
import { Connection } from "./connection.js";
import { Delay } from "./delay.js";
import { Liveness, MAX_AGE_MS } from "./liveness.js";
import { readsFrames } from "./whep.js";

const JUDGE_MS = 50;
const FIGURES_MS = 500;
const REPORT_MS = 1000;
const REPORT_AT_ONCE_MS = 200;
const HTTP_TIME_MS = 2500; // that long without an answer over the data channel
const MUTE_MS = 15_000;
const NOTICE_MS = 2500;
const NAMELESS_MANY = 30; // one or two come when a new session takes over the screen
const LONGEST_MS = 600_000; // that a report may tell
const UNVERIFIED = ["clock", "no_time", "unverifiable"];

export class ScopecastViewer extends EventTarget {
  /**
   * `whep` is the URL of a rung at the box; `token` is what the box asks for, if it does; `role` is `guide` or `observer`.
   * `explain(verdict)` may give a better sentence than ours; `isKnown(id)` is false when the box has no such session.
   */
  constructor({ video, whep, token = "", role = "", explain = () => null, isKnown = () => true }) {
    super();
    Object.assign(this, { role, explain, token });
    this.liveness = new Liveness();
    this.delay = new Delay();
    this.clock = new BoxClock();
    this.nameless = this.steps = this.reportedMs = 0;
    this.told = null; // what the box says of what it sends
    this.decoding = { playoutMs: null, decoder: null };
    this.connection = new Connection({
      video,
      token,
      endpoint: this.addressed(whep),
      onTime: (rtp, time) => this.note(this.liveness.learn(rtp, time)),
      onPresented: (metadata, session) => this.onPresented(metadata, session),
      onSession: () => this.onSession(),
      isKnown,
      channel: {
        onTime: (sample) => this.clock.add(sample),
        onNotice: (notice) => this.onNotice(notice),
        onHello: (hello) => this.dispatchEvent(new CustomEvent("hello", { detail: hello })),
        onClosed: () => this.onChannelClosed(),
      },
    });
  }

  /** Why this browser cannot do it; null when it can. */
  static get lack() {
    const can = "requestVideoFrameCallback" in HTMLVideoElement.prototype;
    return can ? null : "this browser cannot verify the picture's time";
  }

  /** The session's id at the box, null without one. */
  get session() {
    return this.connection.session?.id ?? null;
  }

  /** What tells the capture times. */
  get source() {
    return readsFrames() ? "sei" : "capture_time";
  }

  /** Once: a viewer that was stopped stays so. */
  start() {
    this.timers = [setInterval(() => this.judge(), JUDGE_MS)];
    this.onVisibility = () => this.judge();
    document.addEventListener("visibilitychange", this.onVisibility);
    if (ScopecastViewer.lack) return;
    this.timers.push(
      setInterval(() => this.showFigures(), FIGURES_MS),
      setInterval(() => this.report(), REPORT_MS),
    );
    this.askTime();
    this.connection.run();
  }

  stop() {
    for (const timer of this.timers ?? []) clearInterval(timer);
    this.timers = null;
    document.removeEventListener("visibilitychange", this.onVisibility);
    clearTimeout(this.expiry);
    this.liveness.clear();
    this.connection.stop();
    this.judge();
  }

  /** Show another rung or box instead. */
  watch(whep) {
    this.liveness.clear();
    this.delay.clear();
    this.nameless = 0;
    const endpoint = this.addressed(whep);
    if (endpoint.origin !== this.connection.endpoint.origin) this.clock = new BoxClock();
    this.connection.watchInstead(endpoint);
    this.judge();
  }

  addressed(whep) {
    const url = new URL(whep, location.href);
    if (this.role) url.searchParams.set("role", this.role);
    return url;
  }

  // The box's clock, beside what the data channel tells of it

  get asksHttp() {
    return this.connection.endpoint.origin === location.origin;
  }

  async askTime() {
    while (this.timers) {
      const silentMs = performance.now() - (this.clock.answeredMs ?? -Infinity);
      if (this.asksHttp && (silentMs > HTTP_TIME_MS || !this.clock.best)) await this.sampleHttp();
      const { session } = this.connection;
      if (!this.asksHttp && session?.channel?.silentMs > MUTE_MS) session.end("the box does not tell its time");
      await new Promise((resolve) => setTimeout(resolve, this.clock.best ? 1000 : 250));
    }
  }

  async sampleHttp() {
    const url = new URL("../api/v1/time", this.connection.endpoint);
    const askedMs = performance.now();
    try {
      const answer = await fetch(url, { cache: "no-store", signal: AbortSignal.timeout(2000) });
      const heardMs = performance.now();
      const utcMs = utcMsOf((await answer.json()).utc_ns);
      this.clock.add({ askedMs, receivedMs: utcMs, sentMs: utcMs, heardMs, mapMs: 1 });
    } catch {
      // it is asked again
    }
  }

  // Frames

  onSession() {
    this.liveness.reset();
    this.told = null;
  }

  onNotice({ code, live }) {
    if (code === "picture") this.told = { live: live === true, atMs: performance.now() };
    this.dispatchEvent(new CustomEvent("notice", { detail: { code, live } }));
  }

  /** Without it nobody tells the box's time, except to pages of the box itself. */
  onChannelClosed() {
    if (!this.asksHttp) {
      this.clock.distrust();
      this.connection.session?.end("the data channel was lost");
    }
    this.judge();
  }

  onPresented({ rtpTimestamp, expectedDisplayTime }, session) {
    const rtp = rtpTimestamp ?? session.playedRtp();
    if (rtp === undefined) {
      this.nameless += 1;
      this.liveness.presentUnknown();
    } else {
      this.nameless = 0;
      if (!readsFrames()) this.liveness.learn(rtp, this.captureOf(rtp, session));
      const shownAt = Math.max(performance.now(), expectedDisplayTime ?? 0);
      this.note(this.liveness.present(rtp, this.clock.at(shownAt), this.clock.uncertaintyMs ?? 0));
      if (!this.liveness.fault) this.judgeWhenOld();
    }
    this.judge();
  }

  /** Not to wait for the next look: it is said when the newest picture has become too old. */
  judgeWhenOld() {
    clearTimeout(this.expiry);
    const ageMs = this.clock.utcMs() - this.liveness.shown?.utcMs;
    const leftMs = MAX_AGE_MS + (this.clock.uncertaintyMs ?? 0) - ageMs;
    if (leftMs > 0) this.expiry = setTimeout(() => this.judge(), leftMs + 1);
  }

  /** Where frames cannot be read: their time by the RTP extension, whether they are live by the box's word. */
  captureOf(rtp, session) {
    const utcMs = session.captureUtcMs(rtp);
    const { told } = this;
    const live = told !== null && told.live && performance.now() - told.atMs < NOTICE_MS;
    return utcMs === null ? null : { utcMs, live, seq: rtp };
  }

  note(delayMs) {
    if (delayMs !== null) this.delay.add(delayMs, performance.now());
  }

  // Verdict

  verdict() {
    const no = (code) => ({ live: false, code, ageMs: null });
    if (ScopecastViewer.lack || this.nameless > NAMELESS_MANY) return no("unverifiable");
    if (document.hidden) return no("hidden");
    if (this.clock.steps !== this.steps) this.liveness.forget();
    this.steps = this.clock.steps;
    const slackMs = this.clock.uncertaintyMs ?? 0;
    const verdict = this.liveness.verdict(this.clock.utcMs(), { slackMs, quietMs: this.connection.quietMs });
    if (verdict.code === "clock" && verdict.ageMs !== null) this.clock.distrust();
    if (!verdict.live && verdict.code !== "flag" && this.connection.trouble) return { ...verdict, code: "connection" };
    return verdict;
  }

  judge() {
    const verdict = this.verdict();
    const reason = verdict.live ? "" : this.reasonOf(verdict);
    const word = verdict.live ? "LIVE" : UNVERIFIED.includes(verdict.code) ? "UNVERIFIED" : "NOT LIVE";
    const changed = this.state?.code !== verdict.code;
    const said = !changed && this.state.reason === reason;
    this.state = { ...verdict, word, reason };
    this.dispatchEvent(new CustomEvent("judged", { detail: this.state }));
    if (!said) this.dispatchEvent(new CustomEvent("state", { detail: this.state }));
    if (changed) this.showFigures();
    if (changed && performance.now() - this.reportedMs > REPORT_AT_ONCE_MS) this.report();
  }

  reasonOf(verdict) {
    const seconds = verdict.ageMs === null ? "" : ` for ${(verdict.ageMs / 1000).toFixed(1)} s`;
    const reasons = {
      unverifiable: "this browser cannot verify the picture's time",
      hidden: "the page is hidden",
      connection: this.connection.trouble,
      clock: "time not verified: the box's clock is not known to this page",
      no_frame: "waiting for the first picture",
      no_time: "time not verified: the picture carries no capture time",
      old: `no fresh picture${seconds}`,
      missing: `no picture has come${seconds}`,
      decoder: "pictures come, but are not shown: this computer is too busy",
      repeat: "the same pictures are shown again",
      flag: "the box has no live picture",
    };
    const text = this.explain(verdict) ?? reasons[verdict.code] ?? verdict.code;
    return text[0].toUpperCase() + text.slice(1);
  }

  // Figures

  /** Delay from glass to screen over 10 s, in ms; null without a proven frame. */
  percentiles() {
    return this.delay.percentiles(performance.now());
  }

  figures() {
    const { p50 = null, p95 = null } = this.percentiles() ?? {};
    const { ageMs, live } = this.state ?? this.verdict();
    const { frozen } = this.liveness;
    const { uncertaintyMs } = this.clock;
    return { live, p50Ms: p50, p95Ms: p95, uncertaintyMs, ageMs, frozen, ...this.decoding, source: this.source };
  }

  showFigures() {
    this.dispatchEvent(new CustomEvent("figures", { detail: this.figures() }));
  }

  /** What this viewer sees goes back to the box; over HTTP where there is no channel and the box is our origin. */
  async report() {
    const { session } = this.connection;
    this.reportedMs = performance.now();
    if (!session || session.connectedAtMs === null || !this.state || this.state.code === "connection") return;
    if (session.channel.report(this.reportOf(this.figures()))) {
      this.decoding = await session.decoding().catch(() => this.decoding);
    } else if (this.asksHttp) {
      this.decoding = await session.decoding().catch(() => this.decoding);
      await this.post(session).catch(() => {});
    }
  }

  reportOf(figures) {
    const { live, code } = this.state;
    return {
      live,
      reason: live ? null : code,
      p50_ms: figures.p50Ms,
      p95_ms: figures.p95Ms,
      uncertainty_ms: figures.uncertaintyMs,
      age_ms: figures.ageMs === null ? null : Math.min(LONGEST_MS, Math.max(0, figures.ageMs)),
      frozen: figures.frozen,
      playout_ms: figures.playoutMs,
      decoder: figures.decoder?.replace(/[^ -~]/g, "?").slice(0, 64) ?? null,
      source: figures.source,
    };
  }

  async post(session) {
    const percentiles = this.percentiles();
    if (!percentiles) return;
    const url = new URL(`../api/v1/viewers/${encodeURIComponent(session.id)}/report`, this.connection.endpoint);
    const body = JSON.stringify({ glass_to_glass_ms: percentiles, playout_ms: this.decoding.playoutMs });
    await fetch(url, { method: "POST", headers: { "Content-Type": "application/json" }, body });
  }
}
