// Who is logged in here: leaving, unlocking settings, and making this browser a tablet of the kitchen.
import { WRITING } from "./asking.js";
import { make, setChildren, setText } from "./element.js";
import { language, t } from "./text.js";

const ANSWER_MS = 30000;
const MANAGERS = ["manager", "admin"];

export class Place {
  #who = make("p", "who");
  #said = make("p");
  #actions = make("div", "acts");
  #session = null;
  #shape = "";

  constructor(node) {
    this.#said.role = "status";
    node.append(this.#who, this.#said, this.#actions);
  }

  show({ session }) {
    this.#session ??= session;
    const { label, role, kind, own_role: own, proven, tablet } = this.#session ?? {};
    const shape = JSON.stringify([language(), label, role, kind, own, proven, tablet]);
    if (!label || shape === this.#shape) return;
    this.#shape = shape;
    setText(this.#who, [label, t(`role.${role}`), tablet !== label && tablet].filter(Boolean).join(" · "));
    setChildren(this.#actions, this.#offers(kind, own, proven));
  }

  #offers(kind, own, proven) {
    if (kind !== "session") return [button("enter", () => location.assign("login"))];
    const offers = [button("leave", () => this.#leave()), button("everywhere", () => this.#everywhere())];
    if (MANAGERS.includes(own) && !proven) offers.push(asking("prove", "password", "password", (password) => this.#prove(password)));
    if (MANAGERS.includes(own) && proven) offers.push(asking("pair", "tablet", "text", (label) => this.#pair(label)));
    return offers;
  }

  async #leave() {
    await this.#send("logout");
    location.assign("login");
  }

  async #everywhere() {
    const done = await this.#send("api/v1/session/end-all");
    if (done) this.#say(t("account.ended", { n: done.ended }));
  }

  async #prove(password) {
    const done = await this.#send("api/v1/session/proof", { password });
    if (!done) return;
    this.#session = done;
    this.#say(t("account.proven"));
    this.show({});
  }

  async #pair(label) {
    if (await this.#send("api/v1/tablets", { label })) location.assign("login");
  }

  // The answer, or null with the reason said.
  async #send(path, body) {
    try {
      const signal = AbortSignal.timeout(ANSWER_MS);
      const answer = await fetch(path, { method: "POST", headers: WRITING, body: body && JSON.stringify(body), signal });
      if (answer.redirected) return {};
      const told = await answer.json();
      if (answer.ok) return told;
      this.#say(told.status === 401 ? t("login.wrong") : told.detail);
    } catch {
      this.#say(t("login.away"));
    }
    return null;
  }

  #say(text) {
    setText(this.#said, text);
  }
}

function button(name, press) {
  const made = make("button", "plain", t(`account.${name}`));
  made.type = "button";
  made.dataset.action = name;
  made.addEventListener("click", press);
  return made;
}

// One field and what is done with it.
function asking(name, field, type, act) {
  const input = make("input");
  input.type = type;
  input.required = true;
  input.ariaLabel = t(`account.${field}`);
  input.placeholder = input.ariaLabel;
  if (type === "password") input.autocomplete = "current-password";
  const form = make("form", "", input, make("button", "plain", t(`account.${name}`)));
  form.dataset.action = name;
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    act(input.value);
    input.value = "";
  });
  return form;
}
