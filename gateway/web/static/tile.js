// <kg-tile>: one point, readable across the kitchen.
import { icon, make, setIcon, setText } from "./element.js";
import { fullName, look, nameOf, setState, symbolOf } from "./look.js";
import { t, unit } from "./text.js";

class Tile extends HTMLElement {
  #shape = "";
  #label = make("span");
  #what = make("span", "what");
  #name = make("span", "name", this.#label, " ", this.#what);
  #symbol = icon("ok");
  #figure = make("span");
  #unit = make("small");
  #value = make("span", "value", this.#figure, this.#unit);
  #band = make("i");
  #pill = make("b");
  #rail = make("span", "rail", this.#band, this.#pill);
  #small = icon("ok");
  #word = make("span", "word");
  #short = make("span", "short");
  #age = make("span", "age");
  #tag = make("span", "tag");
  #state = make("span", "state", this.#small, this.#word, this.#short, this.#age, this.#tag);
  #limit = make("span", "limit");

  connectedCallback() {
    if (this.firstChild) return;
    this.role = "link";
    this.tabIndex = 0;
    const foot = make("span", "foot", this.#state, this.#limit);
    this.append(this.#name, this.#symbol, this.#value, this.#rail, foot);
  }

  show(point, world) {
    const view = look(point, world);
    setState(this, view.state);
    this.#showName(point);
    for (const symbol of [this.#symbol, this.#small]) setIcon(symbol, symbolOf(view.state));
    this.#value.classList.toggle("words", Boolean(view.big.word));
    this.#value.classList.toggle("long", view.big.text.length > (view.big.word ? 6 : 5));
    this.#value.classList.toggle("broad", !view.big.word && view.big.text.length === 5);
    setText(this.#figure, view.big.text);
    setText(this.#unit, view.big.unit ? unit(view.big.unit) : "");
    this.#unit.classList.toggle("usual", view.big.unit === "Cel");
    this.#place(view.rail);
    setText(this.#word, t(`state.${view.state}`));
    setText(this.#short, t(`short.${view.state}`));
    setText(this.#age, view.age);
    setText(this.#tag, point.simulated ? t("tile.simulated") : "");
    setText(this.#limit, view.foot);
    this.#fitAgain(`${this.title} ${view.big.text.length}`);
  }

  // A name on two lines leaves less room for the value.
  fit() {
    this.classList.remove("smaller", "tall");
    for (const change of ["smaller", "tall"]) {
      const line = Number.parseFloat(getComputedStyle(this.#name).lineHeight);
      if (this.#name.clientHeight > 1.5 * line) this.classList.add(change);
    }
  }

  #showName(point) {
    const { label, what } = nameOf(point);
    setText(this.#label, label);
    setText(this.#what, what);
    this.#name.classList.toggle("pair", what !== "");
    this.title = fullName(point);
  }

  #fitAgain(shape) {
    if (shape !== this.#shape) this.fit();
    this.#shape = shape;
  }

  #place(rail) {
    this.#rail.hidden = rail === null;
    if (rail === null) return;
    this.#band.style.left = `${rail.from}%`;
    this.#band.style.width = `${rail.to - rail.from}%`;
    this.#pill.style.left = `${rail.now}%`;
  }
}

customElements.define("kg-tile", Tile);
