// What somebody holds, row by row, and the held button that takes it back.
import { icon, make, setChildren, setText } from "./element.js";
import { held } from "./form.js";

export class Kept {
  #rows = new Map();
  #symbol;
  #word;
  #take;
  node = make("div", "rows");

  // `take(id)` once the button called `word` was held.
  constructor(symbol, word, take) {
    [this.#symbol, this.#word, this.#take] = [symbol, word, take];
  }

  // Each item as { id, name, why }, and perhaps one more button.
  show(items) {
    for (const id of this.#rows.keys()) if (!items.some((item) => item.id === id)) this.#rows.delete(id);
    setChildren(this.node, items.map((item) => this.#row(item)));
    this.node.hidden = !items.length;
  }

  #row({ id, name, why }) {
    if (!this.#rows.has(id)) this.#rows.set(id, this.#make(id));
    const row = this.#rows.get(id);
    setText(row.name, name);
    setText(row.why, why);
    row.take.show();
    return row.node;
  }

  #make(id) {
    const row = { name: make("b"), why: make("span", "why"), take: held(this.#word, () => this.#take(id)) };
    row.node = make("div", "row", icon(this.#symbol), make("span", "what", row.name, row.why), row.take.node);
    return row;
  }
}
