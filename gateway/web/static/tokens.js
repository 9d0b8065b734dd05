// Tokens: which there are, a new one whose secret is shown once, one withdrawn.
import { ask, once, write } from "./asking.js";
import { make, setText } from "./element.js";
import { button, Choices, field } from "./form.js";
import { Kept } from "./kept.js";
import { rolesOf } from "./person.js";
import { Reach, reachText } from "./reach.js";
import { duration, t } from "./text.js";

const ANSWER_MS = 30000;
const PATH = "api/v1/tokens";
const DAYS = 90;

export class Tokens {
  #kept;
  #name = field("people.token", { required: true, maxLength: 60 });
  #days = field("people.days", { type: "number", min: 1, max: 3650, value: DAYS });
  #role = new Choices();
  #reach = new Reach();
  #make = button("people.make");
  #form = make("form", "one", ...[this.#name, this.#role, this.#days, this.#reach, this.#make].map(({ node }) => node));
  #secret = make("output");
  #once = make("p");
  #copied = make("p", "said");
  #buttons = [button("people.copy", () => this.#copy()), button("people.kept", () => this.#forget())];
  #box = make("div", "asked", this.#once, this.#secret, this.#copied, make("div", "choices", ...this.#buttons.map(({ node }) => node)));
  #tokens = [];
  #run;
  node = make("div", "one", this.#box);

  constructor(run) {
    this.#run = run;
    this.#role.chosen = ["viewer"];
    this.#box.hidden = true;
    this.#copied.role = "status";
    this.#kept = new Kept("latched", "people.withdraw", (id) => run(() => write("DELETE", `${PATH}/${id}`, null, ANSWER_MS)));
    this.#form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#create();
    });
    this.node.append(this.#kept.node, this.#form);
  }

  // Whether the gateway could say which there are.
  async ask() {
    const answer = await ask(PATH, ANSWER_MS);
    this.#tokens = answer?.tokens ?? this.#tokens;
    return Boolean(answer);
  }

  show({ session, points }) {
    this.#kept.show(this.#tokens.map(({ id, name, role, reach, left_s: left }) => {
      const until = left === null ? t("people.endless") : left ? t("people.left", { duration: duration(left) }) : t("people.over");
      return { id, name, why: [t(`role.${role}`), reachText(reach), until].join(" · ") };
    }));
    this.#form.hidden = !this.#box.hidden;
    this.#role.show(t("people.role"), rolesOf(session));
    this.#reach.show(points);
    setText(this.#once, t("people.once"));
    for (const each of [this.#name, this.#days, this.#make, ...this.#buttons]) each.show();
  }

  async #create() {
    const [role] = this.#role.chosen;
    const body = { name: this.#name.input.value.trim(), role, reach: this.#reach.value, days: Number(this.#days.input.value) || null };
    const told = await this.#run(() => once(PATH, body, ANSWER_MS));
    if (!told) return;
    setText(this.#secret, told.token);
    setText(this.#copied, "");
    this.#box.hidden = false;
    this.#name.input.value = "";
    this.#buttons[0].node.focus();
    dispatchEvent(new Event("redraw"));
  }

  // Over plain HTTP a browser copies only what is marked.
  async #copy() {
    getSelection().selectAllChildren(this.#secret);
    const copied = navigator.clipboard ? navigator.clipboard.writeText(this.#secret.textContent) : Promise.reject(new Error());
    const done = await copied.then(() => true, () => document.execCommand("copy"));
    setText(this.#copied, t(done ? "people.copied" : "people.by_hand"));
  }

  #forget() {
    setText(this.#secret, "");
    this.#box.hidden = true;
    getSelection().removeAllRanges();
    dispatchEvent(new Event("redraw"));
  }
}
