// A field under its name, and buttons: plain, held, and those that stay pressed.
import { make, plainButton, setChildren, setText } from "./element.js";
import { Hold } from "./hold.js";
import { t } from "./text.js";

let fields = 0;

// `word` names it above the input, whose properties are `rules`.
export function field(word, rules = {}) {
  const [label, input] = [make("label"), make("input")];
  Object.assign(input, { id: `field-${++fields}`, name: word, autocomplete: "off", ...rules });
  label.htmlFor = input.id;
  return { input, node: make("div", "named", label, input), show: () => setText(label, t(word)) };
}

export function button(word, act = null) {
  const node = make("button", "plain");
  node.name = word;
  node.type = act ? "button" : "submit";
  if (act) node.addEventListener("click", act);
  return { node, show: () => setText(node, t(word)) };
}

// What cannot be undone is held for a second.
export function held(word, act) {
  const node = make("button", "plain");
  [node.type, node.dataset.held] = ["button", ""];
  const hold = new Hold(node, () => true, act);
  return { node, show: () => setText(node, t(hold.wants ? `control.${hold.wants}` : word)) };
}

export class Choices {
  #title = make("h3");
  #group = make("div", "choices");
  #several;
  #act;
  node = make("div", "setting", this.#title, this.#group);
  chosen = [];

  // One of them, or `several` and none; `act` is done with what was pressed.
  constructor(several = false, act = null) {
    [this.#several, this.#act] = [several, act];
    this.#group.role = "group";
  }

  // Offers: [value, text]; what is chosen and no longer offered can be taken back.
  show(title, offers) {
    setText(this.#title, title);
    this.#group.ariaLabel = title;
    const gone = this.chosen.filter((value) => !offers.some(([known]) => known === value));
    const all = [...offers, ...gone.map((value) => [value, value])];
    this.node.hidden = !all.length;
    const shape = JSON.stringify(all);
    if (shape !== this.#group.dataset.shape) setChildren(this.#group, all.map((offer) => this.#button(offer)));
    this.#group.dataset.shape = shape;
    for (const each of this.#group.children) each.ariaPressed = String(this.chosen.includes(each.value));
  }

  #button([value, text]) {
    const node = plainButton(async () => {
      const others = this.chosen.filter((each) => each !== value);
      if (this.#several) this.chosen = others.length < this.chosen.length ? others : [...others, value];
      else this.chosen = [value];
      await this.#act?.(value);
      dispatchEvent(new Event("redraw"));
    }, text);
    node.value = value;
    return node;
  }
}
