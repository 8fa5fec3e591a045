// The dialog that shows a one-time pairing code, large, and as a QR code.

import { postJson } from "/page/problem.js";

export class PairingDialog {
  constructor(root = document) {
    this.dialog = root.getElementById("pairing");
    this.code = root.getElementById("pairing-code");
    this.left = root.getElementById("pairing-left");
    this.qr = root.getElementById("pairing-qr");
    root.getElementById("pairing-close").addEventListener("click", () => this.dialog.close());
    this.dialog.addEventListener("close", () => this.end());
  }

  /** Asks the box for a code. Throws Problem. */
  async open() {
    const { code, seconds, qr } = await (await postJson("/api/v1/pairing")).json();
    this.until = performance.now() + seconds * 1000;
    this.code.textContent = code;
    this.draw(qr?.svg);
    this.tick();
    clearInterval(this.ticking);
    this.ticking = setInterval(() => this.tick(), 500);
    if (!this.dialog.open) this.dialog.showModal();
  }

  draw(svg) {
    this.qr.hidden = !svg;
    const drawn = svg ? new DOMParser().parseFromString(svg, "image/svg+xml").documentElement : null;
    this.qr.replaceChildren(...(drawn ? [document.importNode(drawn, true)] : []));
  }

  tick() {
    const seconds = Math.ceil((this.until - performance.now()) / 1000);
    const clock = `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
    this.left.textContent = seconds > 0 ? `Valid for ${clock}` : "This code has expired.";
    if (seconds <= 0) this.end();
  }

  /** Nothing secret stays on the page. */
  end() {
    clearInterval(this.ticking);
    this.code.textContent = "– – –";
    this.draw("");
  }
}
