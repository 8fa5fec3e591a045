// One WHEP session: from the offer to its end.

import { ViewerChannel } from "./channel.js";
import { iceServersOf } from "./ice.js";
import { request } from "./problem.js";

const GATHER_MS = 1000;
const CONNECT_MS = 6000;
const ASK_MS = 2000;
const NTP_UNIX_MS = 2_208_988_800_000;
const CAPTURE_TIME = "http://www.webrtc.org/experiments/rtp-hdrext/abs-capture-time";

/** Whether this browser lets a page look into encoded frames; else capture times come from the RTP extension. */
export const readsFrames = () => "RTCRtpScriptTransform" in window;

export class WhepSession {
  /** `ended` resolves with the reason, once. `channel` are the callbacks of ViewerChannel. */
  constructor({ endpoint, token, worker, generation, channel }) {
    Object.assign(this, { endpoint, token, worker, generation, callbacks: channel });
    this.location = null;
    this.connectedAtMs = null;
    this.ended = new Promise((resolve) => {
      this.end = resolve;
    });
  }

  get id() {
    return this.location?.pathname.split("/").pop() ?? null;
  }

  get authorization() {
    return this.token ? { Authorization: `Bearer ${this.token}` } : {};
  }

  /** Resolves to the MediaStream to show. Throws Problem when the box refuses. */
  async open() {
    const iceServers = await this.iceServers();
    this.peer = new RTCPeerConnection({ bundlePolicy: "max-bundle", iceServers });
    this.receiver = this.prepareReceiver();
    this.channel = new ViewerChannel(this.peer, this.callbacks);
    this.peer.onconnectionstatechange = () => this.onState(this.peer.connectionState);
    await this.peer.setLocalDescription();
    await gathered(this.peer);
    const answer = await request(this.endpoint, {
      method: "POST",
      headers: { "Content-Type": "application/sdp", ...this.authorization },
      body: this.peer.localDescription.sdp,
      signal: AbortSignal.timeout(CONNECT_MS),
    });
    this.location = new URL(answer.headers.get("Location"), this.endpoint);
    this.peer.onicecandidate = ({ candidate }) => this.trickle(candidate);
    await this.peer.setRemoteDescription({ type: "answer", sdp: await answer.text() });
    this.deadline = setTimeout(() => this.end("the box's viewer connection did not come up"), CONNECT_MS);
    return new MediaStream([this.receiver.track]);
  }

  /** Asked before the offer, so that relays are in it; none when the box does not say. */
  async iceServers() {
    const options = { method: "OPTIONS", headers: this.authorization, signal: AbortSignal.timeout(ASK_MS) };
    const answer = await fetch(this.endpoint, options).catch(() => null);
    return iceServersOf(answer?.headers.get("Link"));
  }

  /** A candidate that came too late for the offer, null when there will be no more. */
  trickle(candidate) {
    const line = candidate?.candidate ? `a=mid:${candidate.sdpMid}\r\na=${candidate.candidate}` : "a=end-of-candidates";
    const headers = { "Content-Type": "application/trickle-ice-sdpfrag", ...this.authorization };
    fetch(this.location, { method: "PATCH", headers, body: `${line}\r\n` }).catch(() => {});
  }

  prepareReceiver() {
    const transceiver = this.peer.addTransceiver("video", { direction: "recvonly" });
    const codecs = RTCRtpReceiver.getCapabilities("video")?.codecs ?? [];
    const first = codecs.filter((codec) => codec.mimeType === "video/H264");
    if (first.length) {
      transceiver.setCodecPreferences([...first, ...codecs.filter((codec) => !first.includes(codec))]);
    }
    if (readsFrames()) transceiver.receiver.transform = new RTCRtpScriptTransform(this.worker, { generation: this.generation });
    else askForCaptureTime(transceiver);
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

  /** RTP time stamp of what is played now, for browsers that do not tell it of a presented frame. */
  playedRtp() {
    return this.receiver.getSynchronizationSources?.()[0]?.rtpTimestamp;
  }

  /** Capture time of a frame by the RTP extension, UTC of the box in ms; null when it is not known. */
  captureUtcMs(rtp) {
    const [source] = this.receiver.getSynchronizationSources?.() ?? [];
    if (source?.captureTimestamp == null) return null;
    const ticks = (rtp - source.rtpTimestamp) | 0; // modulo 2^32
    return source.captureTimestamp - NTP_UNIX_MS + ticks / 90;
  }

  /** `{playoutMs, decoder}`, the latter the codec where the browser keeps its decoder to itself, since the last call: delay from arrival to the decoded picture in ms; null when unknown. */
  async decoding() {
    const all = await this.receiver.getStats();
    const stats = [...all.values()].find((entry) => entry.type === "inbound-rtp");
    const before = this.counted;
    this.counted = stats;
    const decoder = stats?.decoderImplementation ?? all.get(stats?.codecId)?.mimeType ?? null;
    if (!stats || !before) return { playoutMs: null, decoder };
    const buffered = ratio(stats, before, "jitterBufferDelay", "jitterBufferEmittedCount");
    const decoding = ratio(stats, before, "totalDecodeTime", "framesDecoded");
    const playoutMs = buffered === null ? null : Math.max(0, (buffered + (decoding ?? 0)) * 1000);
    return { playoutMs, decoder };
  }

  close() {
    clearTimeout(this.deadline);
    this.channel?.close();
    if (this.peer) {
      this.peer.onconnectionstatechange = this.peer.onicecandidate = null;
      this.peer.close();
    }
    if (!this.location) return;
    fetch(this.location, { method: "DELETE", keepalive: true, headers: this.authorization }).catch(() => {});
  }
}

function askForCaptureTime(transceiver) {
  const wanted = transceiver.getHeaderExtensionsToNegotiate?.() ?? [];
  for (const extension of wanted) if (extension.uri === CAPTURE_TIME) extension.direction = "sendrecv";
  transceiver.setHeaderExtensionsToNegotiate?.(wanted);
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
