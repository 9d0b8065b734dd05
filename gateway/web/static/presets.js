// The times that are started with one touch: named, ordered, added, removed, kept together.
import { ask, asRead, write } from "./asking.js";
import { make, plainButton, setText } from "./element.js";
import { whyNot } from "./proof.js";
import { t } from "./text.js";

const PATH = "api/v1/timers/presets";
const DEADLINE_MS = 6000;
const MOST = 32;
const LONGEST_MIN = 1440;
const MINUTE_S = 60;

export class Presets {
  #list = make("div", "one");
  #add = button("presets.add", () => this.#row().querySelector("input").focus());
  #save = make("button", "plain");
  #said = make("p", "said");
  #kept;
  #tag;
  node = make("form", "one", this.#list, make("div", "choices", this.#add, this.#save), this.#said);

  // `kept(those)` is told what is stored now: these, or what somebody else was faster with.
  constructor(kept) {
    this.#kept = kept;
    this.#save.dataset.word = "edit.save";
    this.#said.ariaLive = "polite";
    this.node.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#keep();
    });
  }

  open({ presets, tag }) {
    this.#tag = tag;
    this.#list.replaceChildren();
    for (const preset of presets) this.#row(preset);
    setText(this.#said, "");
    this.node.hidden = false;
  }

  show(may) {
    const rows = [...this.#list.children];
    for (const each of this.node.querySelectorAll("[data-word]")) setText(each, t(each.dataset.word));
    rows.forEach((row, at) => {
      const [up, down] = row.querySelectorAll("button");
      [up.disabled, down.disabled] = [!at, at === rows.length - 1];
      row.lastChild.ariaLabel = row.querySelector("input").value;
    });
    this.#add.disabled = !may || rows.length >= MOST;
    this.#save.disabled = !may;
  }

  #row({ label = "", for_s: seconds = 0 } = {}) {
    const [name, minutes] = [field("text", label), field("number", seconds / MINUTE_S || "")];
    Object.assign(name, { maxLength: 60, pattern: ".*\\S.*" });
    Object.assign(minutes, { step: "any", min: 1 / MINUTE_S, max: LONGEST_MIN });
    const move = (step) => (event) => this.#move(row, step, event.currentTarget);
    const acts = make("span", "buttons");
    acts.role = "group";
    acts.append(button("arrange.up", move(-1)), button("arrange.down", move(1)), button("edit.remove", () => this.#drop(row)));
    const row = make("div", "row", named("presets.label", name), named("presets.minutes", minutes), acts);
    row.dataset.tile = "";
    this.#list.append(row);
    dispatchEvent(new Event("redraw"));
    return row;
  }

  #move(row, step, pressed) {
    if (step < 0) row.previousElementSibling.before(row);
    else row.nextElementSibling.after(row);
    dispatchEvent(new Event("redraw"));
    const next = [pressed, ...row.querySelectorAll("button")]; // at an end there is no further
    requestAnimationFrame(() => next.find((each) => !each.disabled).focus());
  }

  #drop(row) {
    row.remove();
    this.#add.focus();
    dispatchEvent(new Event("redraw"));
  }

  async #keep() {
    const presets = [...this.#list.children].map((row) => {
      const [name, minutes] = row.querySelectorAll("input");
      return { label: name.value.trim(), for_s: Math.round(minutes.valueAsNumber * MINUTE_S) };
    });
    setText(this.#said, t("banner.sending"));
    const answer = await write("PUT", PATH, { presets }, DEADLINE_MS, asRead(this.#tag));
    const now = answer.ok ? answer.told : answer.kind === "changed-meanwhile" && (await ask(PATH, DEADLINE_MS));
    if (now) {
      this.#kept(now);
      this.open(now);
    }
    setText(this.#said, answer.ok ? t("arrange.kept") : whyNot(answer));
  }
}

const field = (type, value) => Object.assign(make("input"), { type, value, required: true, autocomplete: "off" });

function named(word, input) {
  const text = make("span");
  text.dataset.word = word;
  return make("label", "named", text, input);
}

function button(word, act) {
  const made = plainButton(act);
  made.dataset.word = word;
  return made;
}
