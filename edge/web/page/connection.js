// Keeps a viewer connected for as long as it is wanted, and hands on what it sees.

import { WhepSession, readsFrames } from "./whep.js";

const FIRST_WAIT_MS = 300;
const LONGEST_WAIT_MS = 5000;
const HEALTHY_MS = 5000;
const SILENT_MS = 5000;
const FORGOTTEN_MS = 800;

export class Connection {
  /**
   * `endpoint` is a URL. `onTime(rtp, time)` for each encoded frame, `onPresented(metadata)` for each frame on the
   * screen, `onSession()` when a new session begins; `isKnown(id)` is false when the box has no such session;
   * `channel` are ViewerChannel's callbacks. `trouble` says why there is no session.
   */
  constructor({ video, endpoint, token, onTime, onPresented, onSession, isKnown, channel }) {
    Object.assign(this, { video, endpoint, token, onTime, onPresented, onSession, isKnown, channel });
    this.trouble = "connecting to the box";
    this.session = null;
    this.running = false;
    this.generation = 0;
    this.waitMs = FIRST_WAIT_MS;
    this.wake = () => {};
    this.arrivedMs = this.presentedMs = 0;
    this.onHide = () => this.session?.close();
    this.onShow = (event) => event.persisted && this.session?.end("the page was put away");
  }

  async run() {
    this.running = true;
    if (readsFrames()) {
      this.worker = new Worker(new URL("./transform.js", import.meta.url), { type: "module" });
      this.worker.onmessage = ({ data }) => this.onEncoded(data);
    }
    this.armFrameCallback();
    const watch = setInterval(() => this.watch(), 250);
    window.addEventListener("pagehide", this.onHide);
    window.addEventListener("pageshow", this.onShow);
    while (this.running) {
      const { endpoint } = this;
      await this.runSession(endpoint);
      if (this.running && endpoint === this.endpoint) await this.rest();
    }
    clearInterval(watch);
    window.removeEventListener("pagehide", this.onHide);
    window.removeEventListener("pageshow", this.onShow);
    this.worker?.terminate();
    this.video.srcObject = null;
  }

  stop() {
    this.running = false;
    this.trouble = "stopped";
    this.session?.end(this.trouble);
    this.wake();
  }

  /** Look at something else from now on; what was on the screen is taken off it. */
  watchInstead(endpoint) {
    this.endpoint = endpoint;
    this.trouble = "connecting to the box";
    this.waitMs = FIRST_WAIT_MS;
    this.video.srcObject = null;
    this.session?.end(this.trouble);
    this.wake();
  }

  async rest() {
    await new Promise((resolve) => {
      this.wake = resolve;
      setTimeout(resolve, this.waitMs * (0.5 + Math.random() / 2));
    });
    this.waitMs = Math.min(LONGEST_WAIT_MS, this.waitMs * 2);
  }

  async runSession(endpoint) {
    const startedMs = (this.arrivedMs = this.presentedMs = performance.now());
    const { token, worker, channel } = this;
    const session = new WhepSession({ endpoint, token, worker, channel, generation: ++this.generation });
    this.session = session;
    try {
      const stream = await session.open();
      if (this.running && endpoint === this.endpoint) {
        this.onSession();
        this.video.srcObject = stream;
        this.video.play().catch(() => {});
        this.trouble = await session.ended;
      }
    } catch (error) {
      this.trouble = error.code ? error.message : `the viewer connection failed: ${error.message}`;
    }
    session.close();
    this.session = null;
    if (performance.now() - startedMs > HEALTHY_MS) this.waitMs = FIRST_WAIT_MS;
  }

  onEncoded({ generation, rtp, time }) {
    if (generation !== this.generation || !this.session) return;
    this.arrived();
    this.onTime(rtp, time);
  }

  arrived() {
    this.arrivedMs = performance.now();
    this.trouble = null;
  }

  armFrameCallback() {
    this.video.requestVideoFrameCallback((_now, metadata) => {
      if (!this.running) return;
      this.armFrameCallback();
      this.presentedMs = performance.now();
      if (!this.session) return;
      if (!this.worker) this.arrived();
      this.onPresented(metadata, this.session);
    });
  }

  /** How long nothing has come from the box. */
  get quietMs() {
    return performance.now() - this.arrivedMs;
  }

  /** A slate comes even without a signal: silence means that something behind us is gone. */
  watch() {
    if (this.session?.connectedAtMs == null) return;
    const now = performance.now();
    if (document.hidden) {
      this.presentedMs = now;
      if (!this.worker) this.arrivedMs = now;
    }
    const quietMs = now - Math.max(this.arrivedMs, this.session.connectedAtMs);
    const stuckMs = now - Math.max(this.presentedMs, this.session.connectedAtMs);
    const forgotten = quietMs > FORGOTTEN_MS && !this.isKnown(this.session.id);
    if (forgotten) this.session.end("the box's viewer connection was restarted");
    else if (quietMs > SILENT_MS) this.session.end("no picture comes from the box");
    else if (stuckMs > SILENT_MS) this.session.end("the picture cannot be decoded");
  }
}
