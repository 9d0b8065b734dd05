// The paired tablets: which there are, this one made one of them, one taken back.
import { ask, write } from "./asking.js";
import { make } from "./element.js";
import { button, field } from "./form.js";
import { Kept } from "./kept.js";
import { duration, t } from "./text.js";

const ANSWER_MS = 30000;
const PATH = "api/v1/tablets";

export class Tablets {
  #kept;
  #label = field("account.tablet", { required: true, maxLength: 60 });
  #pair = button("account.pair");
  #unlock = button("people.unlock", () => this.#run(() => write("POST", `${PATH}/${this.#locked.id}/unlock`, null, ANSWER_MS)));
  #form = make("form", "one", this.#label.node, this.#pair.node);
  #tablets = [];
  #locked = null;
  #run;
  node = make("div", "one");

  constructor(run) {
    this.#run = run;
    this.#kept = new Kept("kitchen", "people.remove", (id) => run(() => write("DELETE", `${PATH}/${id}`, null, ANSWER_MS)));
    this.#form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#join();
    });
    this.node.append(this.#kept.node, this.#unlock.node, this.#form);
  }

  // Whether the gateway could say which there are.
  async ask() {
    const answer = await ask(PATH, ANSWER_MS);
    this.#tablets = answer?.tablets ?? this.#tablets;
    return Boolean(answer);
  }

  show() {
    this.#locked = this.#tablets.find(({ wait_s: wait }) => wait) ?? null;
    this.#kept.show(this.#tablets.map(({ id, label, here, wait_s: wait }) => ({
      id,
      name: label,
      why: [here && t("people.here"), wait && t("login.locked", { duration: duration(wait) })].filter(Boolean).join(" · "),
    })));
    this.#unlock.node.hidden = !this.#locked;
    this.#form.hidden = this.#tablets.some(({ here }) => here);
    for (const each of [this.#label, this.#pair, this.#unlock]) each.show();
  }

  // Whoever pairs a tablet is logged out on it.
  #join() {
    const label = this.#label.input.value.trim();
    this.#run(() => write("POST", PATH, { label }, ANSWER_MS), "login");
  }
}
