// The live picture on the box's page: the viewer's verdict, in the words of the status document where these say more.

import { Badge } from "./badge.js";
import { ScopecastViewer } from "./scopecast-viewer.js";
import { FIRST, inputsOf, signalName } from "./words.js";

const LOOPBACK = ["localhost", "127.0.0.1", "[::1]"];

const endpointOf = (input) => `/whep/${encodeURIComponent(input)}?role=observer`;

/** The touchscreen at the box watches what the guide's path allows; a page elsewhere may be the guide's own. */
const ownRole = () => (LOOPBACK.includes(location.hostname) ? "observer" : "guide");

export class Picture {
  /** `feed` is the StatusFeed. */
  constructor({ video, feed }) {
    this.feed = feed;
    this.badge = new Badge();
    this.input = FIRST;
    this.viewer = new ScopecastViewer({
      video,
      whep: endpointOf(FIRST),
      role: ownRole(),
      token: new URLSearchParams(location.hash.slice(1)).get("token") ?? "",
      explain: (verdict) => this.explain(verdict),
      isKnown: (id) => !feed.connected || (feed.document.viewers ?? []).some(({ session }) => session === id),
    });
    this.badge.follow(this.viewer);
  }

  get session() {
    return this.viewer.session;
  }

  get clock() {
    return this.viewer.clock;
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
    this.viewer.watch(endpointOf(input));
  }

  start() {
    this.viewer.start();
  }

  percentiles() {
    return this.viewer.percentiles();
  }

  explain({ code }) {
    const { picture = {}, signal = {} } = this.status;
    if (["old", "missing", "repeat"].includes(code)) return (picture.live === false && picture.reason) || null;
    if (code !== "flag") return null;
    return picture.reason || signal.detail || (signal.state === "locked" ? "the input has stopped" : signalName(signal.state));
  }
}
