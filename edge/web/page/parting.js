// The dialog that asks before the box forgets its controller.

import { postJson } from "/page/problem.js";

export class PartingDialog {
  constructor(root = document) {
    this.dialog = root.getElementById("parting");
    this.text = root.getElementById("parting-text");
    root.getElementById("parting-keep").addEventListener("click", () => this.dialog.close(""));
    root.getElementById("parting-forget").addEventListener("click", () => this.dialog.close("forget"));
  }

  /** Asks, and forgets if that is confirmed. Throws Problem. */
  async ask({ box, broker }) {
    this.text.textContent =
      `The controller at ${broker} will no longer command or see this box. Picture and outputs go on. To come back, the box must be paired again.`;
    this.dialog.returnValue = "";
    this.dialog.showModal();
    await new Promise((done) => this.dialog.addEventListener("close", done, { once: true }));
    if (this.dialog.returnValue === "forget") await postJson("/api/v1/pairing/forget", { box });
  }
}
