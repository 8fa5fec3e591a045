// One WHEP session: from the offer to its end.

import { request } from "/page/problem.js";

const GATHER_MS = 1000;
const CONNECT_MS = 6000;

export class WhepSession {
  /** `ended` resolves with the reason, once. */
  constructor({ endpoint, worker, generation }) {
    this.endpoint = endpoint;
    this.worker = worker;
    this.generation = generation;
    this.location = null;
    this.connectedAtMs = null;
    this.ended = new Promise((resolve) => {
      this.end = resolve;
    });
  }

  get id() {
    return this.location?.split("/").pop() ?? null;
  }

  /** Resolves to the MediaStream to show. Throws Problem when the box refuses. */
  async open() {
    this.peer = new RTCPeerConnection({ bundlePolicy: "max-bundle" });
    this.receiver = this.prepareReceiver();
    this.peer.onconnectionstatechange = () => this.onState(this.peer.connectionState);
    await this.peer.setLocalDescription();
    await gathered(this.peer);
    const answer = await request(this.endpoint, {
      method: "POST",
      headers: { "Content-Type": "application/sdp" },
      body: this.peer.localDescription.sdp,
      signal: AbortSignal.timeout(CONNECT_MS),
    });
    this.location = answer.headers.get("Location");
    await this.peer.setRemoteDescription({ type: "answer", sdp: await answer.text() });
    this.deadline = setTimeout(() => this.end("the box's viewer connection did not come up"), CONNECT_MS);
    return new MediaStream([this.receiver.track]);
  }

  prepareReceiver() {
    const transceiver = this.peer.addTransceiver("video", { direction: "recvonly" });
    const codecs = RTCRtpReceiver.getCapabilities("video")?.codecs ?? [];
    const first = codecs.filter((codec) => codec.mimeType === "video/H264");
    if (first.length) {
      transceiver.setCodecPreferences([...first, ...codecs.filter((codec) => !first.includes(codec))]);
    }
    transceiver.receiver.transform = new RTCRtpScriptTransform(this.worker, { generation: this.generation });
    transceiver.receiver.jitterBufferTarget = 0;
    return transceiver.receiver;
  }

  onState(state) {
    if (state === "connected") {
      clearTimeout(this.deadline);
      this.connectedAtMs ??= performance.now();
    }
    if (["failed", "disconnected", "closed"].includes(state)) this.end("the connection to the box was lost");
  }

  /** Delay from arrival to the decoded picture in ms since the last call; null when unknown. */
  async playoutMs() {
    const stats = [...(await this.receiver.getStats()).values()].find((entry) => entry.type === "inbound-rtp");
    const before = this.counted;
    this.counted = stats;
    if (!stats || !before) return null;
    const buffered = ratio(stats, before, "jitterBufferDelay", "jitterBufferEmittedCount");
    const decoding = ratio(stats, before, "totalDecodeTime", "framesDecoded");
    return buffered === null ? null : (buffered + (decoding ?? 0)) * 1000;
  }

  close() {
    clearTimeout(this.deadline);
    if (this.peer) {
      this.peer.onconnectionstatechange = null;
      this.peer.close();
    }
    if (this.location) fetch(this.location, { method: "DELETE", keepalive: true }).catch(() => {});
  }
}

function ratio(now, before, amount, count) {
  const pieces = now[count] - before[count];
  return pieces > 0 ? (now[amount] - before[amount]) / pieces : null;
}

function gathered(peer) {
  if (peer.iceGatheringState === "complete") return Promise.resolve();
  return new Promise((resolve) => {
    setTimeout(resolve, GATHER_MS);
    peer.addEventListener("icegatheringstatechange", () => {
      if (peer.iceGatheringState === "complete") resolve();
    });
  });
}

