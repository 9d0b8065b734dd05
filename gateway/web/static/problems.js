// What is wrong with the configuration: what runs instead, and each error with its place.
import { icon, make, setChildren, setText } from "./element.js";
import { language, t } from "./text.js";

// Nothing is in force: the gateway shows this page and guards nothing.
export const unset = (config) => config?.source === "none";

export class Problems {
  #title = make("h2");
  #how = make("p");
  #list = make("ol");
  #more = make("p");
  #node = make("div", "problems", icon("fault"), make("div", "", this.#title, this.#how, this.#list, this.#more));
  #shown = "";

  // Above the tiles of this place: all errors, or nothing where an alarm says enough.
  nodes(config, place) {
    const wrong = config && (config.refused || config.problems.length || config.damaged.length);
    if (!wrong || (place !== "system" && !unset(config))) return [];
    const shown = JSON.stringify([config, language()]);
    if (shown !== this.#shown) this.#draw(config);
    this.#shown = shown;
    return [this.#node];
  }

  #draw(config) {
    this.#node.dataset.state = unset(config) ? "alarm" : "warn";
    setText(this.#title, config.refused ? t(`config.source.${config.source}`) : t("config.some"));
    setText(this.#how, t(unset(config) ? "config.mend" : "config.reload", { file: config.file }));
    const damaged = config.damaged.map((text) => make("li", "", text));
    setChildren(this.#list, [...config.problems.map(item), ...damaged]);
    setText(this.#more, config.more ? t("config.more", { n: config.more }) : "");
  }
}

function item({ file, line, column, path, message, got, expected, mean }) {
  const where = [`${file.split("/").pop()}:${line}:${column}`, path].filter(Boolean).join(" · ");
  const said = got ? t("config.expected", { got, expected }) : message;
  return make("li", "", make("b", "", where), make("span", "", said), make("em", "", mean && t("config.mean", { mean })));
}
