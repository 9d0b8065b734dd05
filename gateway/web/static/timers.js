// Cooking timers: the gateway keeps them, so every screen shows the same and none is lost.
import { ask, send, sendOnce, withdraw } from "./asking.js";
import { icon, make, plainButton, setChildren, setText } from "./element.js";
import { covers } from "./rights.js";
import { left } from "./strip.js";
import { duration, t } from "./text.js";

const DEADLINE_MS = 6000;
const PRESETS_S = [60, 120, 180, 300, 420, 600, 900, 1200, 1800, 2700, 3600, 5400];
const MINUTE_S = 60;
const PATH = "api/v1/timers";

export class Place {
  #name = make("input");
  #label = make("label");
  #presets = make("div", "presets");
  #said = make("p", "said");
  #list = make("div", "rows");
  #rows = new Map();
  #own = make("div", "presets"); // those of this kitchen, with their names
  #kept = { presets: [] };
  #edit = this.#button(() => this.#change());
  #editor = null;

  constructor(node) {
    this.#name.id = "timer-name";
    this.#name.maxLength = 60;
    this.#name.autocomplete = "off";
    this.#label.htmlFor = this.#name.id;
    this.#said.ariaLive = "polite";
    this.#presets.append(...PRESETS_S.map((seconds) => this.#preset(seconds)));
    const name = make("div", "named", this.#label, this.#name);
    node.append(this.#list, this.#own, name, this.#presets, this.#said, this.#edit);
    this.#look();
  }

  show({ timers, session }, world) {
    const may = session?.role !== "viewer" && !world.silent;
    setText(this.#label, t("timers.name"));
    setText(this.#edit, t("presets.edit"));
    this.#edit.hidden = !covers(session?.role, "manager");
    this.#edit.disabled = !may;
    this.#editor?.show(may);
    for (const button of this.#own.children) button.disabled = !may;
    this.#own.hidden = !this.#own.childElementCount;
    for (const button of this.#presets.children) {
      setText(button, duration(button.value));
      button.disabled = !may;
    }
    for (const id of this.#rows.keys()) if (!timers.some((timer) => timer.id === id)) this.#rows.delete(id);
    setChildren(this.#list, timers.map((timer) => this.#row(timer, may, world)));
    this.#list.hidden = !timers.length;
  }

  async #look() {
    const answer = await ask(`${PATH}/presets`, DEADLINE_MS);
    if (answer) this.#use(answer);
  }

  #use(kept) {
    this.#kept = kept;
    setChildren(this.#own, kept.presets.map(({ label, for_s: seconds }) => this.#preset(seconds, label)));
    dispatchEvent(new Event("redraw"));
  }

  async #change() {
    try {
      const { Presets } = await import("./presets.js");
      this.#editor ??= new Presets((now) => this.#use(now));
      this.#edit.after(this.#editor.node);
      this.#editor.open(this.#kept);
    } catch (error) {
      if (!(error instanceof TypeError)) throw error;
      setText(this.#said, t("place.failed"));
    }
  }

  #preset(seconds, named = "") {
    const button = plainButton(() => this.#start(seconds, named), named && make("b", "", named), named && make("span", "", duration(seconds)));
    button.value = seconds;
    return button;
  }

  async #start(seconds, named) {
    const typed = this.#name.value;
    const label = typed.trim() || named || duration(seconds);
    const started = await this.#tell(sendOnce(PATH, { label, for_s: seconds }, DEADLINE_MS));
    if (started && this.#name.value === typed) this.#name.value = "";
  }

  async #tell(sent) {
    setText(this.#said, t("banner.sending"));
    const problem = await sent;
    setText(this.#said, problem === null ? "" : problem || t("banner.again"));
    return problem === null;
  }

  #row(timer, may, world) {
    if (!this.#rows.has(timer.id)) this.#rows.set(timer.id, this.#make());
    const row = this.#rows.get(timer.id);
    row.timer = timer;
    row.now = world.now;
    const view = left(timer, world.now);
    row.node.dataset.timer = view.state;
    setText(row.label, timer.label);
    setText(row.by, t("timers.by", { by: timer.by }));
    setText(row.figure, view.text);
    setText(row.more, t("timers.more"));
    setText(row.stop, t(view.state === "ended" ? "timers.seen" : "timers.stop"));
    for (const button of [row.more, row.stop]) button.disabled = !may || !timer.stoppable;
    row.buttons.hidden = !timer.stoppable;
    return row.node;
  }

  #make() {
    const row = { label: make("b"), by: make("span", "why"), figure: make("strong", "figure") };
    row.more = this.#button(() => this.#longer(row));
    row.stop = this.#button(() => this.#end(row));
    row.buttons = make("span", "buttons", row.more, row.stop);
    row.node = make("div", "row", icon("timers"), make("span", "what", row.label, row.by), row.figure, row.buttons);
    return row;
  }

  #button(act) {
    return plainButton(act);
  }

  // From what is left of it; one that has ended gets a minute from now.
  #longer({ timer, now }) {
    const rest = Math.max(0, Math.ceil((timer.due - now) / 1000));
    this.#tell(send(PATH, { id: timer.id, label: timer.label, for_s: rest + MINUTE_S }, DEADLINE_MS));
  }

  #end({ timer }) {
    const path = `${PATH}/${encodeURIComponent(timer.id)}`;
    const seen = timer.state === "elapsed";
    this.#tell(seen ? send(`${path}/acknowledge`, null, DEADLINE_MS) : withdraw(path, DEADLINE_MS));
  }
}
