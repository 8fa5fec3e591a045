// The dialog that shows a one-time pairing code, large.

import { postJson } from "/page/problem.js";

export class PairingDialog {
  constructor(root = document) {
    this.dialog = root.getElementById("pairing");
    this.code = root.getElementById("pairing-code");
    this.left = root.getElementById("pairing-left");
    root.getElementById("pairing-close").addEventListener("click", () => this.dialog.close());
    this.dialog.addEventListener("close", () => clearInterval(this.ticking));
  }

  /** Asks the box for a code. Throws Problem. */
  async open() {
    const { code, seconds } = await (await postJson("/api/v1/pairing")).json();
    this.until = performance.now() + seconds * 1000;
    this.code.textContent = code;
    this.tick();
    this.ticking = setInterval(() => this.tick(), 500);
    if (!this.dialog.open) this.dialog.showModal();
  }

  tick() {
    const seconds = Math.ceil((this.until - performance.now()) / 1000);
    const clock = `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
    this.left.textContent = seconds > 0 ? `Valid for ${clock}` : "This code has expired.";
    if (seconds > 0) return;
    this.code.textContent = "– – –";
    clearInterval(this.ticking);
  }
}
