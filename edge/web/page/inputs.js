// The inputs of a box that has several: a button each, which puts that picture on the screen.

import { h } from "/page/patch.js";
import { plain, shortFormatOf, signalName, tone } from "/page/words.js";

export function inputButtons(inputs, watched) {
  return inputs.map(({ name, signal = {}, picture = {} }) => {
    const kind = signal.state === "locked" && !picture.live ? "bad" : tone(signal.state);
    const attrs = { type: "button", class: "input", "data-key": name, "data-input": name, "data-tone": kind };
    return h(
      "button",
      { ...attrs, "aria-pressed": String(name === watched) },
      h("span", { class: "caption" }, plain(name)),
      h("b", {}, stateOf(signal, picture)),
    );
  });
}

function stateOf(signal, picture) {
  if (signal.state !== "locked") return signalName(signal.state);
  return picture.live ? shortFormatOf(signal.format) || signalName(signal.state) : "Not live";
}
