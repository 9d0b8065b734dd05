// All places that are not always in sight, and how this person wants the page.
import { icon, make, setText } from "./element.js";
import { Choices } from "./form.js";
import { further } from "./places.js";
import { Push } from "./push.js";
import { covers } from "./rights.js";
import { allLanguages, language, recall, remember, switchLanguage, t } from "./text.js";
import { SYSTEMS, units, useUnits } from "./units.js";

const THEMES = ["auto", "light", "dark"];

const SETTINGS = [
  { name: "language", offers: () => allLanguages().map(({ code, name }) => [code, name]), chosen: language, choices: new Choices(false, switchLanguage) },
  { name: "theme", offers: () => THEMES.map((name) => [name, t(`theme.${name}`)]), chosen: () => recall("theme") ?? THEMES[0], choices: new Choices(false, chooseTheme) },
  { name: "units", offers: () => SYSTEMS.map((name) => [name, t(`units.${name}`)]), chosen: units, choices: new Choices(false, chooseUnits) },
];

export class Place {
  #places = make("div", "rows");
  #push = new Push();

  constructor(node) {
    node.append(this.#places, make("div", "settings", ...SETTINGS.map(({ choices }) => choices.node)), this.#push.node);
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
    for (const { name, offers, chosen, choices } of SETTINGS) {
      choices.chosen = [chosen()];
      choices.show(t(`more.${name}`), offers());
    }
  }
}

function linkTo({ name, symbol, managed }) {
  const link = make("a", "row", icon(symbol), make("span", "what", make("b"), make("span", "why")));
  link.href = `#${name}`;
  link.dataset.to = name;
  if (managed) link.dataset.managed = "";
  return link;
}

function chooseTheme(name) {
  remember("theme", name);
  dispatchEvent(new Event("themechange"));
}

function chooseUnits(name) {
  remember("units", name);
  useUnits(name);
}
