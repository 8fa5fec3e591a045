// Numbers and codes of the status document in people's words.

const SIGNALS = {
  no_device: "No capture device",
  no_cable: "No cable",
  no_signal: "No signal",
  no_lock: "No lock",
  out_of_range: "Out of range",
  locked: "Locked",
};
const COLOURS = { bt709: "BT.709", bt601: "BT.601" };
const TONES = {
  live: "good", locked: "good", running: "good", online: "good", ok: "good", connected: "good",
  connecting: "warn", idle: "calm", stopped: "calm", starting: "warn", waiting: "warn", degraded: "warn", offline: "warn",
  failed: "bad", lost: "bad", no_device: "bad", no_lock: "bad", out_of_range: "bad", no_signal: "warn", no_cable: "warn",
  error: "bad", warning: "warn", info: "calm",
};

export const DASH = "–";
export const FIRST = "main";
export const inputsOf = (status) => status.inputs ?? [];
const known = (value) => typeof value === "number" && Number.isFinite(value);

export const tone = (code) => TONES[code] ?? "calm";
export const signalName = (state) => SIGNALS[state] ?? (state ? plain(state) : "Unknown");
export const plain = (code) => {
  const text = String(code ?? "").replaceAll("_", " ");
  return text ? text[0].toUpperCase() + text.slice(1) : DASH;
};
export const count = (value) => (known(value) ? value.toLocaleString("en-GB") : DASH);
export const percent = (value) => (known(value) ? `${Math.round(value)} %` : DASH);
export const megabits = (bps) => (known(bps) ? `${(bps / 1e6).toFixed(1)} Mb/s` : DASH);
export const ms = (value) => (known(value) ? `${value < 10 ? value.toFixed(1) : Math.round(value)} ms` : DASH);
export const micros = (value) => (known(value) ? ms(value / 1000) : DASH);
export const celsius = (value) => (known(value) ? `${Math.round(value)} °C` : "not measured");
export const fps = (value) => (known(value) ? `${Number(value.toFixed(2))}` : DASH);

export function formatOf(format) {
  if (!format) return "";
  const colour = COLOURS[format.colorimetry] ?? format.colorimetry;
  return `${format.width}x${format.height} ${fps(format.fps)} ${colour} ${format.range}`;
}

/** Size and rate alone, where there is little room. */
export const shortFormatOf = (format) => (format ? `${format.width}x${format.height} ${fps(format.fps)}` : "");

export function age(seconds) {
  if (!known(seconds)) return DASH;
  if (seconds < 60) return `${Math.round(seconds)} s ago`;
  if (seconds < 3600) return `${Math.round(seconds / 60)} min ago`;
  return `${Math.round(seconds / 3600)} h ago`;
}

/** An RFC 3339 time as local wall clock, with the date when it is not today. */
export function moment(text) {
  const at = new Date(text);
  if (Number.isNaN(at.getTime())) return text ? String(text) : DASH;
  const time = at.toLocaleTimeString("en-GB");
  return at.toDateString() === new Date().toDateString() ? time : `${at.toLocaleDateString("en-GB")} ${time}`;
}
