// The badge, the veil over the picture and the delay beside it: what must never lie.

import { ms } from "/page/words.js";

const FUSE_MS = 1500;

export class Badge {
  constructor(root = document) {
    const find = (id) => root.getElementById(id);
    this.badge = find("badge");
    this.text = find("badge-text");
    this.stage = find("stage");
    this.reason = find("reason");
    this.delay = find("delay");
    this.now = find("delay-now");
    this.p95 = find("delay-p95");
    // Runs on the compositor: if this page's script hangs, nobody puts it back and it shows.
    const steps = [{ opacity: 0 }, { opacity: 0, offset: 0.999 }, { opacity: 1 }];
    this.fuse = find("fuse").animate(steps, { duration: FUSE_MS, fill: "forwards" });
  }

  /** `verdict` is Liveness's; `reason` a sentence for when it is not live. */
  show(verdict, reason) {
    this.fuse.currentTime = 0;
    if (this.fuse.playState !== "running") this.fuse.play();
    const live = String(verdict.live);
    if (this.badge.dataset.live !== live) {
      this.badge.dataset.live = this.stage.dataset.live = live;
      this.text.textContent = verdict.live ? "LIVE" : "NOT LIVE";
    }
    if (this.badge.dataset.reason !== verdict.code) this.badge.dataset.reason = verdict.code;
    if (!verdict.live && this.reason.textContent !== reason) this.reason.textContent = reason;
  }

  /** Percentiles of Delay, null when there are none. */
  showDelay(percentiles) {
    this.delay.dataset.glassMs = percentiles ? percentiles.p50.toFixed(1) : "";
    this.delay.dataset.glassP95Ms = percentiles ? percentiles.p95.toFixed(1) : "";
    this.now.textContent = percentiles ? ms(percentiles.p50) : "–";
    this.p95.textContent = percentiles ? `p95 ${ms(percentiles.p95)}` : "";
  }
}
