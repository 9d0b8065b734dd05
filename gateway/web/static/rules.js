// The rules: how each stands and why, what it has done and what led to it.
import { ask, sendOnce } from "./asking.js";
import { Editor } from "./editor.js";
import { icon, make, plainButton, setChildren, setIcon, setText } from "./element.js";
import { covers, reaches } from "./rights.js";
import { clock, date, duration, t } from "./text.js";
import { Trace } from "./trace.js";
import { Trial } from "./trial.js";

const AGAIN_MS = 5000;
const DEADLINE_MS = 6000;
const ORDER = ["suspended", "active", "running", "pending", "idle"];
const SYMBOLS = { suspended: "fault", active: "alarm", running: "controls", pending: "stale", idle: "ok" };
const MOODS = { suspended: "warn", active: "hand", running: "hand" };

export class Place {
  #clock = make("p", "part");
  #note = make("p", "empty");
  #list = make("div", "rows");
  #one = make("div", "one");
  #own = make("div", "own");
  #run = plainButton(() => this.#request(this.#about));
  #said = make("p", "said");
  #trace = new Trace();
  #trial = new Trial();
  #editor = new Editor(this.#trial);
  #rows = new Map();
  #rules = null;
  #asked = -Infinity;
  #about = "";

  constructor(node) {
    this.#said.ariaLive = "polite";
    this.#one.append(this.#own, this.#run, this.#said, this.#trace.node);
    node.append(this.#clock, this.#note, this.#one, this.#editor.node, this.#trial.node, this.#list);
  }

  show({ session }, world) {
    if (performance.now() - this.#asked > AGAIN_MS && !world.silent) this.#ask();
    const rules = [...(this.#rules ?? [])].sort((a, b) => ORDER.indexOf(a.state) - ORDER.indexOf(b.state));
    const waits = rules.filter((rule) => rule.waits_for_clock).length;
    this.#clock.hidden = !waits;
    setText(this.#clock, t("rules.clock", { n: waits }));
    setText(this.#note, t(this.#rules ? "rules.none" : "verdict.loading"));
    this.#note.hidden = rules.length > 0;
    const about = rules.find((rule) => rule.id === world.subject);
    this.#list.hidden = Boolean(about);
    this.#one.hidden = !about;
    this.#trial.show(session, world, !about);
    this.#editor.show(!about && covers(session?.role, "manager") && reaches(session), world);
    if (about) this.#showOne(about, session, world);
    else setChildren(this.#list, rules.map((rule) => this.#row(rule, world)));
  }

  async #ask() {
    this.#asked = performance.now();
    this.#rules = (await ask("api/v1/rules", DEADLINE_MS))?.rules ?? this.#rules;
    dispatchEvent(new Event("redraw"));
  }

  #row(rule, world) {
    if (!this.#rows.has(rule.id)) {
      const what = make("span", "what", make("b"), make("span", "why"), make("span", "why"));
      const made = make("a", "row", icon("ok"), what, make("span", "figure"));
      made.href = `#rules/${rule.id}`;
      this.#rows.set(rule.id, made);
    }
    const row = this.#rows.get(rule.id);
    const state = world.silent ? "offline" : rule.state;
    row.dataset.mood = MOODS[state] ?? "";
    setIcon(row.firstChild, SYMBOLS[state] ?? "offline");
    const [name, why, id] = row.querySelector(".what").children;
    setText(name, rule.label);
    setText(why, whyOf(rule, world));
    setText(id, rule.id);
    setText(row.lastChild, world.silent ? t("state.offline") : t(`rules.state.${rule.state}`));
    return row;
  }

  #showOne(rule, session, world) {
    if (rule.id !== this.#about) setText(this.#said, "");
    this.#about = rule.id;
    setChildren(this.#own, [this.#row(rule, world)]);
    this.#run.hidden = !rule.callable || !covers(session?.role, "staff") || !reaches(session);
    this.#run.disabled = world.silent > 0;
    setText(this.#run, t("rules.run"));
    this.#trace.show(rule.id, world);
  }

  async #request(id) {
    setText(this.#said, t("banner.sending"));
    const problem = await sendOnce(`api/v1/rules/${encodeURIComponent(id)}/run`, null, DEADLINE_MS);
    setText(this.#said, problem === null ? t("rules.asked") : problem || t("banner.again"));
    this.#asked = -Infinity;
  }
}

// Why it stands as it does, since when, and when its schedule comes round.
function whyOf(rule, world) {
  const since = rule.since !== null && rule.state !== "idle";
  return [
    rule.state === "suspended" ? t("rules.bug", { why: rule.why }) : "",
    since ? t("banner.since", { at: clock(rule.since), duration: duration((world.now - rule.since) / 1000) }) : "",
    rule.waits_for_clock ? t("rules.waits") : "",
    rule.next !== null ? t("rules.next", { at: `${date(rule.next)} ${clock(rule.next)}` }) : "",
    t(`rules.priority.${rule.priority}`),
  ]
    .filter(Boolean)
    .join(" · ");
}
