// The page /embed: one picture that fills it. `?rung=main&role=guide#token=...`; what it sees goes to the page around it.

import "./scopecast-element.js";

const asked = new URLSearchParams(location.search);
const secret = new URLSearchParams(location.hash.slice(1)); // a fragment is in no request and no log
const viewer = document.createElement("scopecast-viewer");
const rung = asked.get("rung") || "main";
const wanted = { whep: `/whep/${encodeURIComponent(rung)}`, "viewer-role": asked.get("role"), token: secret.get("token") };

for (const [name, value] of Object.entries(wanted)) if (value) viewer.setAttribute(name, value);
for (const name of ["state", "figures"]) {
  // Only pages that the box lets embed this one can be around it, and nothing in this is secret.
  viewer.addEventListener(name, ({ detail }) => parent !== window && parent.postMessage({ scopecast: name, ...detail }, "*"));
}
document.body.append(viewer);
