// What the signs mean, and what to do when one of them comes up.
import { icon, make, setText } from "./element.js";
import { setState, symbolOf } from "./look.js";
import { t } from "./text.js";

const STATES = ["ok", "warn", "alarm", "life", "acknowledged", "returned", "latched", "stale", "fault", "offline", "early"];
const STEPS = ["look", "acknowledge", "shelve", "procedure"];
const MORE = ["tile", "control", "handover", "phone", "mend"];

export class Place {
  #steps = make("ol", "steps", ...STEPS.map(() => make("li")));
  #signs = make("div", "rows", ...STATES.map(sign));
  #more = make("dl", "answers", ...MORE.flatMap(() => [make("dt"), make("dd")]));
  #titles = [make("h3"), make("h3"), make("h3")];

  constructor(node) {
    const [alarm, signs, questions] = this.#titles;
    node.append(alarm, this.#steps, signs, this.#signs, questions, this.#more);
  }

  show() {
    ["alarm", "signs", "questions"].forEach((name, index) => setText(this.#titles[index], t(`help.${name}`)));
    STEPS.forEach((name, index) => setText(this.#steps.children[index], t(`help.step.${name}`)));
    STATES.forEach((name, index) => {
      const [word, meaning] = this.#signs.children[index].lastChild.children;
      setText(word, t(`state.${name}`));
      setText(meaning, t(`help.state.${name}`));
    });
    MORE.forEach((name, index) => {
      setText(this.#more.children[2 * index], t(`help.ask.${name}`));
      setText(this.#more.children[2 * index + 1], t(`help.answer.${name}`));
    });
  }
}

function sign(name) {
  const row = make("div", "row", icon(symbolOf(name)), make("span", "what", make("b"), make("span", "why")));
  setState(row.firstChild, name);
  return row;
}
