// Building and changing nodes; text enters the page as text only.
const SVG = "http://www.w3.org/2000/svg";

export function make(name, className = "", ...children) {
  const node = document.createElement(name);
  if (className) node.className = className;
  node.append(...children);
  return node;
}

export function plainButton(act, ...children) {
  const node = make("button", "plain", ...children);
  node.type = "button";
  node.addEventListener("click", act);
  return node;
}

export function icon(name) {
  const node = document.createElementNS(SVG, "svg");
  node.setAttribute("class", "icon");
  node.setAttribute("viewBox", "0 0 24 24");
  node.append(document.createElementNS(SVG, "use"));
  setIcon(node, name);
  return node;
}

export function setIcon(node, name) {
  const href = `#icon-${name}`;
  const use = node.firstElementChild;
  if (use.getAttribute("href") !== href) use.setAttribute("href", href);
}

export function setText(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

export const sameChildren = (parent, children) =>
  parent.childElementCount === children.length &&
  children.every((child, index) => parent.children[index] === child);

// Make `parent` hold exactly these children; those that stay are not touched.
export function setChildren(parent, children) {
  if (!sameChildren(parent, children)) parent.replaceChildren(...children);
}
