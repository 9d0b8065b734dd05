// The files of rules as text: checked while somebody writes, tried, saved as a whole or not at all.
import { ask, asRead, write } from "./asking.js";
import { make, plainButton, setChildren, setText } from "./element.js";
import { Hold } from "./hold.js";
import { has, t } from "./text.js";
import { problem } from "./trial.js";

const PATH = "api/v1/rules/files";
const DEADLINE_MS = 40000; // a change is taken over before it is answered
const SOON_MS = 700; // after the last key
const ENDING = ".yaml";
const CONFIG = "\n"; // what no file is called

export class Editor {
  #summary = make("summary");
  #files = make("div", "choices");
  #label = make("label");
  #name = make("input");
  #text = make("textarea");
  #said = make("p", "said");
  #unlock = make("a", "plain");
  #problems = make("ol", "problems");
  #save = button("save", () => this.#keep("PUT"));
  #remove = button("remove", () => {});
  #try = button("try", () => this.#trial.tryFile(this.#file, this.#text.value));
  #held = new Hold(this.#remove, () => true, () => this.#keep("DELETE"));
  #trial;
  #listed = null;
  #tag = null; // of the text that was read; null: the file is new
  #timer = 0;
  #turn = 0; // of texts, of which the last is told of
  #busy = false;
  node = make("details", "trial", this.#summary);

  constructor(trial) {
    this.#trial = trial;
    this.#text.id = "rules-text";
    this.#text.rows = 12;
    this.#text.lang = "en";
    this.#text.spellcheck = false;
    this.#name.maxLength = 50;
    this.#label.htmlFor = this.#text.id;
    this.#said.ariaLive = "polite";
    this.#unlock.href = "#account";
    const acts = make("div", "choices", this.#save, this.#try, this.#remove);
    const naming = make("div", "named", this.#name);
    const told = make("div", "told", this.#said, this.#problems, this.#unlock);
    this.node.append(make("div", "inside", this.#files, naming, this.#label, this.#text, told, acts));
    for (const field of [this.#text, this.#name]) field.addEventListener("input", () => this.#soon());
    this.node.addEventListener("toggle", () => this.node.open && !this.#listed && this.#list());
    this.#choose(null);
    this.#tell("");
  }

  show(may, world) {
    this.node.hidden = !may;
    setText(this.#summary, t("edit.title"));
    setText(this.#label, t("edit.text"));
    setText(this.#unlock, t("account.prove"));
    this.#name.ariaLabel = t("edit.name");
    this.#name.placeholder = t("edit.name");
    setText(this.#save, t("edit.save"));
    setText(this.#try, t("trial.edited"));
    setText(this.#remove, t(this.#held.wants ? `control.${this.#held.wants}` : "edit.remove"));
    const fixed = this.#text.readOnly || !this.#file;
    const off = Boolean(world.silent || this.#busy);
    for (const each of [this.#save, this.#try]) each.disabled = off || fixed;
    this.#remove.disabled = off || !this.#tag;
    for (const each of this.#files.children) if (each.dataset.do !== "open") setText(each, t(`edit.${each.dataset.do}`));
  }

  get #file() {
    const name = this.#name.value.trim();
    return !name || name.endsWith(ENDING) ? name : name + ENDING;
  }

  get #path() {
    return `${PATH}/${encodeURIComponent(this.#file)}`;
  }

  async #list() {
    const found = await ask(PATH, DEADLINE_MS);
    if (!found) return this.#tell(t("control.code.failed"));
    this.#listed = found;
    const own = found.files.map(({ name, editable }) => {
      const made = button("open", () => this.#open(name));
      made.value = name;
      made.disabled = !editable;
      setText(made, name);
      return made;
    });
    const config = button("config", () => this.#choose(null, found.config, true));
    config.value = CONFIG;
    setChildren(this.#files, [...own, button("new", () => this.#choose(null)), config]);
    dispatchEvent(new Event("redraw"));
  }

  async #open(name) {
    const found = await ask(`${PATH}/${encodeURIComponent(name)}`, DEADLINE_MS);
    if (found) this.#choose(found, found.text);
    this.#tell(found ? "" : t("control.code.failed"));
  }

  #choose(found, text = "", fixed = false) {
    [this.#tag, this.#name.value, this.#text.value] = [found?.tag ?? null, found?.name ?? "", text];
    this.#text.readOnly = fixed;
    this.#turn += 1;
    this.#name.parentNode?.toggleAttribute("hidden", fixed || Boolean(found));
    for (const each of this.#files.children) each.ariaPressed = String(each.value === (fixed ? CONFIG : this.#name.value));
    this.#tell(fixed ? t("edit.fixed") : "");
  }

  #soon() {
    clearTimeout(this.#timer);
    this.#turn += 1;
    this.#timer = setTimeout(() => this.#check(), SOON_MS);
    dispatchEvent(new Event("redraw"));
  }

  async #check() {
    if (!this.#file || this.#busy) return;
    const [turn, text] = [this.#turn, this.#text.value];
    const { ok, kind, told } = await write("POST", `${this.#path}/check`, { text }, DEADLINE_MS);
    if (turn !== this.#turn) return; // it is another text by now, or saved
    if (kind === "busy") return this.#soon();
    this.#tell(!ok ? why(kind, told) : told.problems.length ? "" : t("edit.fine"), told?.problems);
  }

  async #keep(method) {
    clearTimeout(this.#timer);
    this.#turn += 1;
    this.#busy = true;
    this.#tell(t("banner.sending"));
    const [name, text] = [this.#file, this.#text.value];
    const { ok, kind, told } = await write(method, this.#path, method === "PUT" ? { text } : null, DEADLINE_MS, this.#tag && asRead(this.#tag));
    this.#busy = false;
    if (ok) await this.#list();
    if (ok) this.#choose(told.tag && { name, tag: told.tag }, told.tag ? text : "");
    this.#tell(ok ? t("edit.saved") : why(kind, told), told?.problems, kind === "proof-needed");
  }

  #tell(text, problems = [], locked = false) {
    setText(this.#said, text);
    setChildren(this.#problems, problems.map((each) => problem(each, `rules.d/${this.#file}`)));
    this.#problems.hidden = !problems.length;
    this.#unlock.hidden = !locked;
    dispatchEvent(new Event("redraw"));
  }
}

function why(kind, told) {
  const known = `edit.${kind}`;
  return has(known) ? t(known) : (told?.detail ?? t("control.code.failed"));
}

function button(name, act) {
  const made = plainButton(act);
  made.dataset.do = name;
  return made;
}
