// <scopecast-viewer whep="https://box.example/whep/main" token="..." viewer-role="guide">: the picture with its badge and delay.
// Its events `state` and `figures` are ScopecastViewer's.

import { Badge } from "./badge.js";
import { ScopecastViewer } from "./scopecast-viewer.js";

const FORM = `
  <section id="stage" data-live="false">
    <video id="video" autoplay muted playsinline disablepictureinpicture></video>
    <div id="veil"><div class="plate"><strong id="veil-text">NOT LIVE</strong><p id="reason">Starting</p></div></div>
    <div id="fuse" aria-hidden="true"><div class="plate"><strong>NOT LIVE</strong><p>The page has stopped</p></div></div>
    <div id="line">
      <b id="badge" role="status" data-live="false" data-reason="starting"><span id="badge-text">NOT LIVE</span></b>
      <span id="delay"><span id="delay-now">–</span> <small id="delay-p95"></small></span>
    </div>
  </section>`;

const STYLE = `
  :host { display: block; min-width: 160px; min-height: 90px; background: #000; color: #e8eef4;
    font: 14px/1.35 system-ui, "Noto Sans", "DejaVu Sans", sans-serif; font-variant-numeric: tabular-nums; }
  * { box-sizing: border-box; margin: 0; }
  #stage { position: relative; width: 100%; height: 100%; overflow: hidden; container-type: size; }
  video { display: block; width: 100%; height: 100%; object-fit: contain; }
  #stage:not([data-live="true"]) video { opacity: 0.28; filter: saturate(0.3); }
  #stage:not([data-live="true"])::after { content: ""; position: absolute; inset: 0; border: 4px solid #e5484d; pointer-events: none; }
  #stage[data-live="true"] #veil { display: none; }
  #veil, #fuse { position: absolute; inset: 4px; display: grid; place-items: center; padding: 8px; pointer-events: none; }
  #fuse { background: rgb(20 8 10 / 85%); opacity: 0; }
  .plate { max-width: 100%; padding: 10px min(20px, 5cqw) 14px; border-radius: 10px; background: #0b0e12; text-align: center; }
  .plate strong { color: #ff6b6f; font-size: clamp(16px, 9cqw, 48px); letter-spacing: 0.04em; line-height: 1.1; }
  .plate p { margin-top: 6px; font-size: clamp(12px, 4cqw, 20px); max-width: 32em; overflow-wrap: anywhere; }
  #line { position: absolute; top: 8px; left: 8px; display: flex; gap: 10px; align-items: center; }
  #badge { padding: 3px 10px; border-radius: 6px; background: #d13438; color: #fff; letter-spacing: 0.04em; white-space: nowrap; }
  #badge[data-live="true"] { background: #0f8a4d; }
  #badge[data-word="UNVERIFIED"] { background: #9a6a00; }
  #delay { padding: 3px 8px; border-radius: 6px; background: rgb(11 14 18 / 75%); white-space: nowrap; }`;

export class ScopecastElement extends HTMLElement {
  static observedAttributes = ["whep", "token", "viewer-role"];

  connectedCallback() {
    if (!this.shadowRoot) {
      const root = this.attachShadow({ mode: "open" });
      const sheet = new CSSStyleSheet();
      sheet.replaceSync(STYLE);
      root.adoptedStyleSheets = [sheet];
      root.innerHTML = FORM;
      this.badge = new Badge(root);
    }
    this.open();
  }

  disconnectedCallback() {
    this.close();
  }

  attributeChangedCallback(_name, before, now) {
    if (!this.viewer || before === now) return;
    this.close();
    this.open();
  }

  open() {
    const attribute = (name) => this.getAttribute(name) ?? "";
    if (!attribute("whep")) return;
    const video = this.shadowRoot.getElementById("video");
    this.viewer = new ScopecastViewer({ video, whep: attribute("whep"), token: attribute("token"), role: attribute("viewer-role") });
    this.badge.follow(this.viewer);
    for (const name of ["state", "figures"]) {
      this.viewer.addEventListener(name, ({ detail }) => this.dispatchEvent(new CustomEvent(name, { detail })));
    }
    this.viewer.start();
  }

  close() {
    this.viewer?.stop();
    this.viewer = null;
  }
}

customElements.define("scopecast-viewer", ScopecastElement);
