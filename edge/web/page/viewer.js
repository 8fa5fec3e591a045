// Keeps a viewer connected for as long as the page is open, and hands on what it sees.

import { WhepSession } from "/page/whep.js";

const FIRST_WAIT_MS = 300;
const LONGEST_WAIT_MS = 5000;
const HEALTHY_MS = 5000;
const SILENT_MS = 5000;
const FORGOTTEN_MS = 800;

export class Viewer {
  /**
   * `onTime(rtp, time)` for each encoded frame, `onPresented(metadata)` for each frame on the
   * screen, `onSession()` when a new session begins; `isKnown(id)` is false when the box has no
   * such session. `trouble` says why there is no session.
   */
  constructor({ video, endpoint, onTime, onPresented, onSession, isKnown }) {
    Object.assign(this, { video, endpoint, onTime, onPresented, onSession, isKnown });
    this.trouble = "connecting to the box";
    this.session = null;
    this.generation = 0;
    this.waitMs = FIRST_WAIT_MS;
    this.wake = () => {};
    this.arrivedMs = this.presentedMs = 0;
  }

  /** Why this browser cannot do it; null when it can. */
  static get lack() {
    const can = "RTCRtpScriptTransform" in window && "requestVideoFrameCallback" in HTMLVideoElement.prototype;
    return can ? null : "this browser cannot verify the picture's time";
  }

  async run() {
    this.worker = new Worker("/page/transform.js", { type: "module" });
    this.worker.onmessage = ({ data }) => this.onEncoded(data);
    this.armFrameCallback();
    setInterval(() => this.watch(), 250);
    window.addEventListener("pagehide", () => this.session?.close());
    window.addEventListener("pageshow", (event) => event.persisted && this.session?.end("the page was put away"));
    for (;;) {
      const { endpoint } = this;
      await this.runSession(endpoint);
      if (endpoint === this.endpoint) await this.rest();
    }
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
    const session = new WhepSession({ endpoint, worker: this.worker, generation: ++this.generation });
    this.session = session;
    try {
      const stream = await session.open();
      if (endpoint === this.endpoint) {
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
    this.arrivedMs = performance.now();
    this.trouble = null;
    this.onTime(rtp, time);
  }

  armFrameCallback() {
    this.video.requestVideoFrameCallback((_now, metadata) => {
      this.armFrameCallback();
      this.presentedMs = performance.now();
      this.onPresented(metadata);
    });
  }

  /** A slate comes even without a signal: silence means that something behind us is gone. */
  watch() {
    if (this.session?.connectedAtMs == null) return;
    const now = performance.now();
    if (document.hidden) this.presentedMs = now;
    const quietMs = now - Math.max(this.arrivedMs, this.session.connectedAtMs);
    const stuckMs = now - Math.max(this.presentedMs, this.session.connectedAtMs);
    const forgotten = quietMs > FORGOTTEN_MS && !this.isKnown(this.session.id);
    if (forgotten) this.session.end("the box's viewer connection was restarted");
    else if (quietMs > SILENT_MS) this.session.end("no picture comes from the box");
    else if (stuckMs > SILENT_MS) this.session.end("the picture cannot be decoded");
  }
}
