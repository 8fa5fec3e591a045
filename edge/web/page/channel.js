// The session's data channel (docs/contracts/viewer.md): asks the box's time, tells what this viewer sees.

import { utcMsOf } from "./clock.js";

const LABEL = "scopecast";
const VERSION = 1;
const BURST = 6;
const BURST_MS = 120;
const PING_MS = 1000;
const WAITING = 20;

export class ViewerChannel {
  /** Call before the offer is made. `onTime(sample)` is for BoxClock.add; `onClosed()` when it was open. */
  constructor(peer, { onTime, onNotice, onHello, onClosed }) {
    Object.assign(this, { onTime, onNotice, onHello });
    this.asked = new Map();
    this.pings = 0;
    this.unknown = 0;
    this.answeredMs = null; // since it was opened
    this.channel = peer.createDataChannel(LABEL, { ordered: false });
    this.channel.onopen = () => {
      this.answeredMs = performance.now();
      this.ping();
    };
    this.channel.onmessage = ({ data }) => this.hear(data, performance.now());
    this.channel.onclose = () => {
      clearTimeout(this.timer);
      if (this.answeredMs !== null) onClosed();
    };
  }

  get open() {
    return this.channel.readyState === "open";
  }

  /** How long the box has not answered over an open channel. */
  get silentMs() {
    return this.open ? performance.now() - this.answeredMs : 0;
  }

  /** False when it cannot be told now. */
  report(figures) {
    return this.say("report", figures);
  }

  close() {
    clearTimeout(this.timer);
    this.channel.onclose = this.channel.onmessage = null;
    this.channel.close();
  }

  ping() {
    if (!this.open) return;
    const id = (this.pings += 1);
    const ts = performance.now();
    this.asked.set(id, ts);
    this.asked.delete(id - WAITING);
    this.say("ping", { id, ts });
    this.timer = setTimeout(() => this.ping(), id < BURST ? BURST_MS : PING_MS);
  }

  say(t, members) {
    if (!this.open) return false;
    this.channel.send(JSON.stringify({ v: VERSION, t, ...members }));
    return true;
  }

  hear(text, heardMs) {
    let message;
    try {
      message = JSON.parse(text);
    } catch {
      return;
    }
    if (message?.v !== VERSION) return;
    if (message.t === "pong") this.onPong(message, heardMs);
    else if (message.t === "notice") this.onNotice(message);
    else if (message.t === "hello") this.onHello(message);
    else this.unknown += 1;
  }

  onPong({ id, rx, tx, map_us: mapUs }, heardMs) {
    const askedMs = this.asked.get(id);
    if (askedMs === undefined) return;
    this.asked.delete(id);
    this.answeredMs = heardMs;
    this.onTime({ askedMs, receivedMs: utcMsOf(rx), sentMs: utcMsOf(tx), heardMs, mapMs: mapUs / 1000 });
  }
}
