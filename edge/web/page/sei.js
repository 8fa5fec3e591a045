// Capture time in an H.264 access unit (docs/contracts/timing.md, section 2).

const UUID = [0x6f, 0x1d, 0x3c, 0x5e, 0x8a, 0x42, 0x4b, 0x7f, 0x9c, 0x1e, 0x5c, 0x0b, 0x7e, 0x0a, 0x91, 0xd4];
const VERSION = 1;
const PAYLOAD_BYTES = UUID.length + 18;
const USER_DATA_UNREGISTERED = 5;
const SEI = 6;

/** `{utcMs, live, synchronised, seq}` of an Annex B access unit, null when it carries no time. */
export function findTime(bytes) {
  for (const [begin, end] of unitsBeforeSlice(bytes)) {
    if ((bytes[begin] & 0x1f) !== SEI) continue;
    const time = timeOfSei(unescape(bytes.subarray(begin + 1, end)));
    if (time) return time;
  }
  return null;
}

function* unitsBeforeSlice(bytes) {
  let begin = nextUnit(bytes, 0);
  while (begin < bytes.length) {
    const kind = bytes[begin] & 0x1f;
    if (kind >= 1 && kind <= 5) return;
    const next = nextUnit(bytes, begin);
    yield [begin, next < bytes.length ? next - 3 : bytes.length];
    begin = next;
  }
}

/** Position of the first byte behind the next start code; the length when there is none. */
function nextUnit(bytes, from) {
  for (let at = from; at + 3 < bytes.length; at++) {
    if (bytes[at] === 0 && bytes[at + 1] === 0 && bytes[at + 2] === 1) return at + 3;
  }
  return bytes.length;
}

function unescape(bytes) {
  const out = [];
  let zeros = 0;
  for (const byte of bytes) {
    if (zeros >= 2 && byte === 3) {
      zeros = 0;
      continue;
    }
    zeros = byte === 0 ? zeros + 1 : 0;
    out.push(byte);
  }
  return Uint8Array.from(out);
}

function timeOfSei(rbsp) {
  let at = 0;
  while (at + 2 <= rbsp.length && rbsp[at] !== 0x80) {
    let kind = 0;
    let size = 0;
    while (rbsp[at] === 0xff) kind += rbsp[at++];
    kind += rbsp[at++];
    while (rbsp[at] === 0xff) size += rbsp[at++];
    size += rbsp[at++];
    const time = kind === USER_DATA_UNREGISTERED ? timeOfPayload(rbsp.subarray(at, at + size)) : null;
    if (time) return time;
    at += size;
  }
  return null;
}

function timeOfPayload(payload) {
  if (payload.length < PAYLOAD_BYTES || UUID.some((byte, index) => payload[index] !== byte)) return null;
  const view = new DataView(payload.buffer, payload.byteOffset + UUID.length);
  if (view.getUint8(0) !== VERSION) return null;
  const flags = view.getUint8(1);
  return {
    utcMs: Number(view.getBigUint64(2)) / 1e6,
    live: (flags & 1) !== 0,
    synchronised: (flags & 2) !== 0,
    seq: view.getUint32(10),
  };
}
