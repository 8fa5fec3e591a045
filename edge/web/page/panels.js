// What each panel shows of the status document.

import { h } from "/page/patch.js";
import {
  DASH, FIRST, age, celsius, count, formatOf, fps, inputsOf, megabits, micros, moment, ms, percent, plain, signalName, tone,
} from "/page/words.js";

/** `page` is what the page itself knows: `{delay, clock, session, watched}`: the clock's uncertainty in ms, or null; the last being the status of the input shown. */
export function panel(name, status, page) {
  return BODIES[name](status, page);
}

const BODIES = {
  signal(status) {
    const [, ...others] = inputsOf(status);
    if (!others.length) return inputFacts(status);
    const named = [[FIRST, status], ...others.map((entry) => [entry.name, entry])];
    return named.map(([name, entry]) => [h("h3", {}, plain(name)), inputFacts(entry)]);
  },

  outputs({ sinks = [] }) {
    return sinks.length ? sinks.map(output) : h("p", { class: "empty" }, "No outputs are configured.");
  },

  viewers({ viewers = [], inputs = [] }, { session }) {
    if (!viewers.length) return h("p", { class: "empty" }, "Nobody is watching.");
    return viewers.map((viewer) =>
      card(
        viewer.session,
        [h("b", {}, viewer.session === session ? "This screen" : `Viewer ${String(viewer.session).slice(0, 8)}`), chip(plain(viewer.state), tone(viewer.state))],
        facts([
          inputs.length > 1 && ["Watches", plain(viewer.rung)],
          ["Round trip", ms(viewer.rtt_ms)],
          ["Glass to screen p95", ms(viewer.glass_to_glass_ms?.p95)],
          viewer.seen && ["Sees", viewer.seen.live ? "Live" : `Not live: ${plain(viewer.seen.reason).toLowerCase()}`],
          ["Delivered", count(viewer.delivered)],
          ["Dropped", count(viewer.dropped)],
        ]),
      ),
    );
  },

  latency(_status, { delay, clock, watched: { latency = {} } }) {
    const stages = Object.entries(latency.stages ?? {});
    const longest = Math.max(1, ...stages.map(([, value]) => value?.p95 ?? 0), latency.box?.p95 ?? 0);
    return [
      facts([
        ["Glass to screen p50", ms(delay?.p50)],
        ["Glass to screen p95", ms(delay?.p95)],
        ["Uncertainty", clock === null ? DASH : `± ${ms(clock)}`],
      ]),
      h("table", {},
        h("thead", {}, h("tr", {}, ["Stage", "p50", "p95", "p99"].map((text) => h("th", {}, text)))),
        h("tbody", {}, stage("In the box", latency.box, longest), stages.map(([name, value]) => stage(stageName(name), value, longest))),
      ),
    ];
  },

  box({ health = {}, versions = {}, box = {}, time = {}, board = {} }, { clock }) {
    return [
      facts([
        ["Processor", percent(health.cpu_pct)],
        ["Memory", percent(health.mem_pct)],
        ["Temperature", celsius(health.temperature_c)],
        ["Disk free", percent(health.disk_free_pct)],
        ["Clock", clockText(time)],
        ["Seen from here", clock === null ? "not known" : `± ${ms(clock)}`],
        ["Board", board.name ?? DASH],
        ["Name", box.name ?? DASH],
        ["Box id", box.id ?? DASH],
        ["Version", versions.scopecast ?? DASH],
      ]),
      Object.entries(health.processes ?? {}).map(([name, process]) =>
        card(name, [h("b", {}, plain(name)), chip(plain(process.state), tone(process.state))], h("p", { class: "stats" },
          `CPU ${percent(process.cpu_pct)} · ${count(Math.round(process.rss_mb))} MB · pid ${process.pid ?? DASH}`)),
      ),
    ];
  },

  controller({ link = {}, controller = {}, box = {} }) {
    return [
      chip(plain(link.state), tone(link.state)),
      facts([
        ["Broker", link.broker || DASH],
        ["Since", moment(link.since)],
        ["Last error", link.last_error || "none"],
        controller.enrolled && ["Certificate until", moment(controller.certificate_until)],
        controller.keys?.length && ["Keys", controller.keys.map(({ kid }) => kid).join(", ")],
      ]),
      h("button", { type: "button", class: "wide", "data-action": "pair" }, "Pair a controller"),
      controller.enrolled &&
        h("button", { type: "button", class: "wide stop", "data-action": "forget", "data-box": box.id, "data-broker": controller.broker }, "Forget this controller"),
    ];
  },

  issues({ issues = [] }) {
    if (!issues.length) return h("p", { class: "empty" }, "All is well.");
    return issues.map((issue) =>
      card(
        `${issue.code}/${issue.subject ?? ""}`,
        [h("b", {}, plain(issue.code)), chip(plain(issue.severity), tone(issue.severity))],
        [issue.subject, issue.detail].some(Boolean) && h("p", {}, [issue.subject, issue.detail].filter(Boolean).join(": ")),
        h("p", { class: "advice" }, issue.suggestion),
        h("p", { class: "stats" }, `Since ${moment(issue.since)}`),
      ),
    );
  },
};

function masked({ areas, withheld }) {
  if (withheld) return "picture withheld";
  if (areas === undefined) return DASH;
  return areas === 1 ? "1 area" : areas ? `${count(areas)} areas` : "nothing";
}

function inputFacts({ signal = {}, picture = {}, encoder = {}, preset, mask = {} }) {
  return [
    chip(signalName(signal.state), tone(signal.state)),
    signal.detail && h("p", {}, signal.detail),
    facts([
      ["Format", formatOf(signal.format) || DASH],
      ["Picture", picture.live ? "Live" : picture.reason || "Not live"],
      ["Lock changes", count(signal.lock_changes)],
      ["Last change", age(signal.last_change_age_s)],
      preset && ["Preset", preset.title || (preset.name ? plain(preset.name) : DASH)],
      ["Masked", masked(mask)],
      ["Encoder", encoder.name ? `${encoder.name}${encoder.hardware ? " (hardware)" : " (software)"}` : DASH],
    ]),
    (encoder.rungs ?? []).map(rung),
  ];
}

function rung(value) {
  return card(
    value.name,
    [h("b", {}, `Rung ${value.name}`), h("span", { class: "muted" }, String(value.codec ?? "").toUpperCase())],
    h("p", { class: "stats" }, `${megabits(value.measured_bps)} of ${megabits(value.target_bps)} · ${fps(value.fps)} fps`),
    h("p", { class: "stats" }, `${count(value.keyframes)} keyframes · ${count(value.sessions)} encoder sessions`),
  );
}

function output(sink) {
  const running = sink.running ?? sink.state !== "stopped";
  const action = running ? "stop" : "start";
  const button = { type: "button", class: action, "data-action": action, "data-sink": sink.name };
  return h("section", { class: "card output", "data-key": sink.name, "data-output": sink.name, "data-state": sink.state },
    h("div", { class: "row" }, h("b", {}, sink.name), chip(plain(sink.state), tone(sink.state))),
    h("div", { class: "row" },
      h("div", {},
        h("p", { class: "stats" }, [String(sink.kind ?? "").toUpperCase(), sink.rung !== FIRST && sink.rung, `${count(sink.delivered)} sent`].filter(Boolean).join(" · ")),
        h("p", { class: "stats" }, `${count(sink.dropped)} dropped`),
        protection(sink).map((text) => h("p", { class: "stats", "data-protection": "" }, text))),
      h("button", { ...button, "aria-label": `${plain(action)} ${sink.name}` }, plain(action))),
    sink.last_error && sink.state !== "live" && h("p", { class: "trouble" }, sink.last_error),
  );
}

/** How safe an SRT output is on its way, in plain words; of a listener each kind of receiver that it has. */
function protection({ kind, detail = {} }) {
  if (kind !== "srt" || detail.encrypted === undefined) return [];
  const receivers = Array.isArray(detail.receivers) ? detail.receivers : [];
  const words = (receivers.length ? receivers : [detail]).map(({ encrypted, authenticated }) => {
    if (!encrypted) return "Not encrypted";
    return authenticated ? "Encrypted and authenticated" : "Encrypted, not authenticated";
  });
  return [...new Set(words)];
}

function stage(name, value, longest) {
  return h("tr", {},
    h("td", {}, name, h("progress", { max: longest, value: value?.p95 ?? 0, "aria-hidden": "true" })),
    ["p50", "p95", "p99"].map((key) => h("td", {}, value ? micros(value[key]) : DASH)),
  );
}

const stageName = (name) => {
  const [kind, sink] = name.split(":");
  return sink ? `${plain(kind)} ${sink}` : plain(kind);
};

function clockText(time) {
  if (time.synchronised === undefined) return DASH;
  if (!time.synchronised) return "not synchronised";
  return typeof time.uncertainty_us === "number" ? `synchronised ± ${micros(time.uncertainty_us)}` : "synchronised";
}

const chip = (text, kind) => h("span", { class: "chip", "data-tone": kind }, text);
const facts = (rows) => h("dl", {}, rows.filter(Boolean).map(([term, value]) => h("div", {}, h("dt", {}, term), h("dd", {}, value))));
const card = (key, head, ...rest) => h("section", { class: "card", "data-key": key }, h("div", { class: "row" }, head), rest);
