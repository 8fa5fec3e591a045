// Brings DOM in line with a description, in place, so that a touch on a button survives an update.

/** Describes an element; children that are null or false are left out. */
export function h(tag, attrs = {}, ...children) {
  const kept = children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false);
  return { tag, attrs, children: kept.map((child) => (typeof child === "object" ? child : String(child))) };
}

/** Elements of another tag or `data-key` are replaced, all others are changed in place. */
export function patch(parent, wanted) {
  wanted.forEach((node, index) => {
    const have = parent.childNodes[index];
    if (typeof node === "string") patchText(parent, have, node);
    else patchElement(parent, have, node);
  });
  while (parent.childNodes.length > wanted.length) parent.lastChild.remove();
}

function patchText(parent, have, text) {
  if (have?.nodeType !== Node.TEXT_NODE) place(parent, have, document.createTextNode(text));
  else if (have.data !== text) have.data = text;
}

function patchElement(parent, have, node) {
  const same = have?.localName === node.tag && (have.dataset.key ?? "") === String(node.attrs["data-key"] ?? "");
  const element = same ? have : place(parent, have, document.createElement(node.tag));
  patchAttributes(element, node.attrs);
  patch(element, node.children);
}

function patchAttributes(element, attrs) {
  for (const { name } of [...element.attributes]) {
    if (attrs[name] === undefined || attrs[name] === false) element.removeAttribute(name);
  }
  for (const [name, value] of Object.entries(attrs)) {
    if (value === undefined || value === false) continue;
    const text = value === true ? "" : String(value);
    if (element.getAttribute(name) !== text) element.setAttribute(name, text);
  }
}

function place(parent, have, fresh) {
  if (have) have.replaceWith(fresh);
  else parent.append(fresh);
  return fresh;
}
