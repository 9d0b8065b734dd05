// One person: made, changed, unlocked, logged out everywhere, removed.
import { once, write } from "./asking.js";
import { make } from "./element.js";
import { button, Choices, field, held } from "./form.js";
import { Reach } from "./reach.js";
import { ROLES } from "./rights.js";
import { t } from "./text.js";

const ANSWER_MS = 30000;
const PATH = "api/v1/people";

// What whoever asks may give.
export const rolesOf = (session, own = "") =>
  ROLES.filter((role, at) => at < 2 || role === own || session?.role === "admin").map((role) => [role, t(`role.${role}`)]);

export class Person {
  #label = field("pair.label", { required: true, maxLength: 60 });
  #id = field("pair.id", { required: true, maxLength: 36, pattern: "[a-z0-9_]+", autocapitalize: "off", spellcheck: false });
  #pin = field("people.pin", { inputMode: "numeric", pattern: "[0-9]{6}", maxLength: 6 });
  #password = field("people.password", { type: "password", autocomplete: "new-password", minLength: 10, maxLength: 128 });
  #role = new Choices();
  #reach = new Reach();
  #save = button("people.save");
  #acts = [
    button("people.no_pin", () => this.#change({ pin: "" })),
    button("people.unlock", () => this.#do("POST", "/unlock")),
    button("people.out", () => this.#do("POST", "/log-out")),
    held("people.remove", () => this.#do("DELETE", "")),
  ];
  #run;
  #person = null; // as the gateway has them; null for somebody new
  #about = null;
  node = make("form", "one");

  // `run(deed, to)` does it, says how it went, and leads there once it is done.
  constructor(run) {
    this.#run = run;
    this.node.append(
      ...[this.#label, this.#id, this.#role, this.#pin, this.#password, this.#reach, this.#save].map(({ node }) => node),
      make("div", "choices", ...this.#acts.map(({ node }) => node)),
    );
    this.node.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#keep();
    });
  }

  show({ session, points }, id, person) {
    if (id !== this.#about) this.#fill(person ?? { id: "", label: "", role: "staff", reach: { zones: [], devices: [] } });
    [this.#about, this.#person] = [id, person];
    this.#id.node.hidden = this.#id.input.disabled = Boolean(person);
    for (const { node } of this.#acts) node.hidden = !person;
    if (!person?.pin) this.#acts[0].node.hidden = true;
    for (const each of [this.#label, this.#id, this.#pin, this.#password, this.#save, ...this.#acts]) each.show();
    this.#role.show(t("people.role"), rolesOf(session, person?.role));
    this.#reach.show(points);
  }

  leave() {
    this.#about = null;
    this.#pin.input.value = this.#password.input.value = "";
  }

  #fill({ id, label, role, reach }) {
    [this.#id.input.value, this.#label.input.value, this.#role.chosen, this.#reach.value] = [id, label, [role], reach];
    this.#pin.input.value = this.#password.input.value = "";
  }

  #keep() {
    const [role] = this.#role.chosen;
    const [label, reach, pin, password] = [this.#label.input.value.trim(), this.#reach.value, this.#pin.input.value, this.#password.input.value];
    if (!this.#person) {
      const body = { id: this.#id.input.value, label, role, pin, password, reach };
      this.#run(() => once(PATH, body, ANSWER_MS), "#people");
      return;
    }
    const before = this.#person;
    const changed = {};
    if (label !== before.label) changed.label = label;
    if (role !== before.role) changed.role = role;
    if (["zones", "devices"].some((of) => reach[of].join() !== [...before.reach[of]].sort().join())) changed.reach = reach;
    if (pin) changed.pin = pin;
    if (password) changed.password = password;
    this.#change(changed);
  }

  #change(body) {
    this.#do("PUT", "", body);
  }

  #do(method, what, body = null) {
    const path = `${PATH}/${encodeURIComponent(this.#person.id)}${what}`;
    this.#run(() => write(method, path, body, ANSWER_MS), "#people");
  }
}
