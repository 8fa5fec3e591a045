// STUN and TURN servers as WHEP tells them: Link headers (RFC 8288) with rel="ice-server".

/** RTCIceServer entries of a Link header; what is not understood is left out. */
export function iceServersOf(header) {
  const links = (header ?? "").match(/<[^>]*>(?:\s*;\s*[\w-]+\s*=\s*(?:"(?:[^"\\]|\\.)*"|[^",;\s]+))*/g) ?? [];
  return links.map(serverOf).filter(Boolean);
}

function serverOf(link) {
  const urls = link.slice(1, link.indexOf(">"));
  const rest = link.slice(link.indexOf(">") + 1);
  const members = {};
  for (const [, name, quoted, plain] of rest.matchAll(/;\s*([\w-]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^",;\s]+))/g)) {
    members[name.toLowerCase()] = quoted === undefined ? plain : quoted.replace(/\\(.)/g, "$1");
  }
  if (members.rel !== "ice-server" || !/^(stun|turn)s?:/.test(urls)) return null;
  const { username, credential } = members;
  if (urls.startsWith("turn") && !(username && credential)) return null; // RTCPeerConnection refuses all for that one
  return username ? { urls, username, credential } : { urls };
}
