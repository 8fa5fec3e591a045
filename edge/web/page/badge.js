// The badge, the veil over the picture and the delay beside it: what must never lie.

import { ms } from "./words.js";

const FUSE_MS = 1500;

export class Badge {
  constructor(root = document) {
    const find = (id) => root.getElementById(id);
    this.badge = find("badge");
    this.text = find("badge-text");
    this.stage = find("stage");
    this.veil = find("veil-text");
    this.reason = find("reason");
    this.delay = find("delay");
    this.now = find("delay-now");
    this.p95 = find("delay-p95");
    // Runs on the compositor: if this page's script hangs, nobody puts it back and it shows.
    const steps = [{ opacity: 0 }, { opacity: 0, offset: 0.999 }, { opacity: 1 }];
    this.fuse = find("fuse").animate(steps, { duration: FUSE_MS, fill: "forwards" });
  }

  /** Show what that ScopecastViewer says. */
  follow(viewer) {
    viewer.addEventListener("judged", ({ detail }) => this.show(detail));
    viewer.addEventListener("figures", ({ detail }) => this.showDelay(detail));
  }

  show({ live, word, code, reason }) {
    this.fuse.currentTime = 0;
    if (this.fuse.playState !== "running") this.fuse.play();
    if (this.badge.dataset.live !== String(live)) this.badge.dataset.live = this.stage.dataset.live = String(live);
    if (this.text.textContent !== word) this.badge.dataset.word = this.text.textContent = this.veil.textContent = word;
    if (this.badge.dataset.reason !== code) this.badge.dataset.reason = code;
    if (!live && this.reason.textContent !== reason) this.reason.textContent = reason;
  }

  /** Delays stand there while the picture is live. */
  showDelay({ live, p50Ms, p95Ms, uncertaintyMs, source }) {
    const known = live && p50Ms !== null;
    const figure = (value, digits = 1) => (known && value !== null ? value.toFixed(digits) : "");
    this.delay.dataset.glassMs = figure(p50Ms);
    this.delay.dataset.glassP95Ms = figure(p95Ms);
    this.delay.dataset.uncertaintyMs = figure(uncertaintyMs, 2);
    this.delay.dataset.source = source;
    this.now.textContent = known ? `${Math.round(p50Ms)} / ${Math.round(p95Ms)} ms` : "–";
    this.p95.textContent = known && uncertaintyMs !== null ? `± ${ms(uncertaintyMs).replace(" ms", "")}` : "";
  }
}
