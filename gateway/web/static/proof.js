// The password once more, asked for where the gateway wants it before something is changed.
import { write } from "./asking.js";
import { make, setText } from "./element.js";
import { button, field } from "./form.js";
import { duration, has, t } from "./text.js";

const ANSWER_MS = 30000;

// Why it was not done, in words for whoever pressed.
export function whyNot({ kind, told }) {
  if (!kind) return t("login.away");
  if (told?.wait_s) return t("login.locked", { duration: duration(told.wait_s) });
  const word = `refused.${(told?.why || kind).replaceAll("-", "_")}`;
  return has(word) ? t(word) : (told?.detail ?? t("login.away"));
}

export class Proof {
  #password = field("account.password", { type: "password", required: true, autocomplete: "current-password", maxLength: 128 });
  #buttons = [button("account.prove"), button("people.not", () => this.#end(false))];
  #why = make("p");
  #said = make("p", "said");
  #settle = null;
  node = make("form", "asked", this.#why, this.#password.node, this.#said, make("div", "choices"));

  constructor() {
    this.node.hidden = true;
    this.node.lastChild.append(...this.#buttons.map(({ node }) => node));
    this.#said.role = "status";
    this.node.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#prove();
    });
    addEventListener("hashchange", () => this.#end(false));
  }

  // What came of `deed()`: done again once the password was given, else as it was refused.
  async run(deed, asking) {
    let answer = await deed();
    while (answer.kind === "proof-needed") {
      asking();
      if (!(await this.ask())) break;
      answer = await deed();
    }
    return answer;
  }

  ask() {
    this.#end(false);
    this.node.hidden = false;
    setText(this.#said, "");
    setText(this.#why, t("people.prove"));
    for (const each of [this.#password, ...this.#buttons]) each.show();
    this.#password.input.focus();
    return new Promise((settle) => (this.#settle = settle));
  }

  async #prove() {
    const password = this.#password.input.value;
    this.#password.input.value = "";
    const answer = await write("POST", "api/v1/session/proof", { password }, ANSWER_MS);
    if (!answer.ok) {
      setText(this.#said, whyNot(answer));
      return;
    }
    dispatchEvent(new Event("proven")); // the role may be another now
    this.#end(true);
  }

  #end(given) {
    this.node.hidden = true;
    this.#password.input.value = "";
    this.#settle?.(given);
    this.#settle = null;
  }
}
