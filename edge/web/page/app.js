// The touchscreen page: wires the live picture, the status document and the panels together.

import { PairingDialog } from "/page/pairing.js";
import { PartingDialog } from "/page/parting.js";
import { panel } from "/page/panels.js";
import { inputButtons } from "/page/inputs.js";
import { patch } from "/page/patch.js";
import { Picture } from "/page/picture.js";
import { postJson } from "/page/problem.js";
import { StatusFeed } from "/page/status.js";
import { PANELS, tiles } from "/page/tiles.js";
import { FIRST, formatOf, inputsOf, signalName } from "/page/words.js";

const WIDE = window.matchMedia("(min-width: 1100px)");
const find = (id) => document.getElementById(id);

class Page {
  constructor() {
    this.feed = new StatusFeed({ url: "/api/v1/events", onChange: () => this.render() });
    this.picture = new Picture({ video: find("video"), feed: this.feed });
    this.pairing = new PairingDialog();
    this.parting = new PartingDialog();
    this.open = WIDE.matches ? "outputs" : "";
  }

  start() {
    find("rail").addEventListener("click", (event) => this.onTile(event.target.closest("[data-panel]")));
    find("inputs").addEventListener("click", (event) => this.onInput(event.target.closest("[data-input]")));
    find("panel-body").addEventListener("click", (event) => this.onAction(event.target.closest("[data-action]")));
    find("panel-close").addEventListener("click", () => this.show(""));
    find("notice-close").addEventListener("click", () => this.notice(""));
    this.render();
    this.feed.open();
    this.picture.start();
    setInterval(() => this.render(), 1000);
  }

  render() {
    const status = this.feed.document;
    document.body.dataset.connected = String(this.feed.connected);
    patch(find("rail"), tiles({ ...status, ...this.picture.status }, this.open));
    this.renderInputs(status);
    find("input").dataset.state = status.signal?.state ?? "";
    find("input-text").textContent = formatOf(status.signal?.format) || signalName(status.signal?.state);
    const { id = "", name = "" } = status.box ?? {};
    find("box-name").textContent = name || id || "Scopecast";
    find("box-id").textContent = this.feed.connected ? (id === name ? "" : id) : "not answering";
    this.renderPanel(status);
  }

  /** With several inputs each is a button; the one that is watched may be gone when the box has started anew. */
  renderInputs(status) {
    const inputs = inputsOf(status);
    if (inputs.length && !inputs.some(({ name }) => name === this.picture.input)) this.picture.watch(FIRST);
    find("input").hidden = inputs.length > 1;
    find("inputs").hidden = inputs.length < 2;
    patch(find("inputs"), inputs.length > 1 ? inputButtons(inputs, this.picture.input) : []);
  }

  renderPanel(status) {
    find("main").dataset.panel = this.open;
    const title = PANELS.find(([name]) => name === this.open)?.[1] ?? "";
    if (find("panel-title").textContent !== title) find("panel-title").textContent = title;
    if (!this.open) return;
    const { clock, session, status: watched } = this.picture;
    const own = { delay: this.picture.percentiles(), clock: clock.uncertaintyMs, session, watched };
    patch(find("panel-body"), flat(panel(this.open, status, own)));
  }

  onInput(button) {
    if (!button) return;
    this.picture.watch(button.dataset.input);
    this.render();
  }

  onTile(tile) {
    if (tile) this.show(this.open === tile.dataset.panel && !WIDE.matches ? "" : tile.dataset.panel);
  }

  show(name) {
    this.open = name;
    find("panel-body").scrollTop = 0;
    this.render();
  }

  async onAction(button) {
    if (!button) return;
    const { action, sink } = button.dataset;
    button.disabled = true;
    try {
      if (action === "pair") await this.pairing.open();
      else if (action === "forget") await this.parting.ask(button.dataset);
      else await postJson("/api/v1/commands", { op: `stream.${action}`, args: { sink } });
      this.notice("");
    } catch (problem) {
      this.notice(`${button.ariaLabel ?? button.textContent}: ${problem.message} (${problem.code})`);
    } finally {
      button.disabled = false;
    }
  }

  notice(text) {
    find("notice").hidden = !text;
    find("notice-text").textContent = text;
  }
}

const flat = (nodes) => [nodes].flat(Infinity).filter(Boolean);

new Page().start();
