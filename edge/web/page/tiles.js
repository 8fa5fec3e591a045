// The rail: one tile per panel, each with the one fact that matters most.

import { h } from "/page/patch.js";
import { DASH, micros, percent, plain, signalName, tone } from "/page/words.js";

export const PANELS = [
  ["signal", "Signal"],
  ["outputs", "Outputs"],
  ["viewers", "Viewers"],
  ["latency", "Latency"],
  ["box", "Box"],
  ["controller", "Controller"],
  ["issues", "Issues"],
];

export function tiles(status, open) {
  return PANELS.map(([name, label]) => {
    const fact = FACTS[name](status);
    const attrs = { type: "button", class: "tile", "data-key": name, "data-panel": name, "data-tone": fact.tone };
    return h(
      "button",
      { ...attrs, "aria-pressed": String(open === name) },
      h("span", { class: "caption" }, label),
      h("b", {}, fact.text),
    );
  });
}

const FACTS = {
  signal: ({ signal = {} }) => ({
    text: signalName(signal.state),
    tone: tone(signal.state),
  }),
  outputs: ({ sinks = [] }) => {
    const live = sinks.filter((sink) => sink.state === "live").length;
    const failed = sinks.some((sink) => sink.state === "failed");
    return { text: sinks.length ? `${live} of ${sinks.length} live` : "None", tone: failed ? "bad" : live ? "good" : "calm" };
  },
  viewers: ({ viewers = [] }) => ({ text: String(viewers.length), tone: "calm" }),
  latency: ({ latency }) => ({ text: latency?.box ? `Box ${micros(latency.box.p95)}` : DASH, tone: "calm" }),
  box: ({ health = {} }) => ({ text: `CPU ${percent(health.cpu_pct)}`, tone: tone(health.status) }),
  controller: ({ link = {} }) => ({ text: plain(link.state), tone: tone(link.state) }),
  issues: ({ issues = [] }) => {
    const worst = ["error", "warning", "info"].find((severity) => issues.some((issue) => issue.severity === severity));
    return { text: issues.length ? String(issues.length) : "None", tone: issues.length ? tone(worst ?? "warning") : "good" };
  },
};
