// All places that are not always in sight, and how this person wants the page.
import { icon, make, setChildren, setText } from "./element.js";
import { further } from "./places.js";
import { Push } from "./push.js";
import { covers } from "./rights.js";
import { allLanguages, language, recall, remember, switchLanguage, t } from "./text.js";
import { SYSTEMS, units, useUnits } from "./units.js";

const THEMES = ["auto", "light", "dark"];

export class Place {
  #places = make("div", "rows");
  #settings = make("div", "settings");
  #push = new Push();

  constructor(node) {
    node.append(this.#places, this.#settings, this.#push.node);
    this.#places.append(...further().map(linkTo));
  }

  show({ session }) {
    this.#push.show(session);
    const manages = covers(session?.own_role, "manager");
    for (const link of this.#places.children) {
      link.hidden = "managed" in link.dataset && !manages;
      const [name, why] = link.lastChild.children;
      setText(name, t(`nav.${link.dataset.to}`));
      setText(why, t(`more.${link.dataset.to}`));
    }
    const groups = [
      ["language", allLanguages().map(({ code, name }) => [code, name]), language(), switchLanguage],
      ["theme", THEMES.map((name) => [name, t(`theme.${name}`)]), recall("theme") ?? THEMES[0], chooseTheme],
      ["units", SYSTEMS.map((name) => [name, t(`units.${name}`)]), units(), chooseUnits],
    ];
    const shape = JSON.stringify(groups);
    if (shape === this.#settings.dataset.shape) return;
    this.#settings.dataset.shape = shape;
    setChildren(this.#settings, groups.map((group) => groupOf(...group)));
  }
}

function linkTo({ name, symbol, managed }) {
  const link = make("a", "row", icon(symbol), make("span", "what", make("b"), make("span", "why")));
  link.href = `#${name}`;
  link.dataset.to = name;
  if (managed) link.dataset.managed = "";
  return link;
}

// One choice of several; the chosen one is pressed.
function groupOf(name, choices, chosen, choose) {
  const buttons = choices.map(([value, text]) => {
    const button = make("button", "plain", text);
    button.type = "button";
    button.dataset.value = value;
    button.ariaPressed = String(value === chosen);
    button.addEventListener("click", async () => {
      await choose(value);
      dispatchEvent(new Event("redraw"));
    });
    return button;
  });
  const group = make("div", "choices", ...buttons);
  group.role = "group";
  group.ariaLabel = t(`more.${name}`);
  group.dataset.setting = name;
  return make("div", "setting", make("h3", "", t(`more.${name}`)), group);
}

function chooseTheme(name) {
  remember("theme", name);
  dispatchEvent(new Event("themechange"));
}

function chooseUnits(name) {
  remember("units", name);
  useUnits(name);
}
