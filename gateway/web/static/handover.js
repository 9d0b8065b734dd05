// The change of shifts: what stands open, who is on duty, and taking a role over.
import { ask, send } from "./asking.js";
import { icon, make, plainButton, setChildren, setIcon, setText } from "./element.js";
import { hidden, inOrder, waiting } from "./notices.js";
import { covers } from "./rights.js";
import { clock, date, duration, t } from "./text.js";

const AGAIN_MS = 10000;
const DEADLINE_MS = 6000;
const SPANS_S = [14400, 28800, 43200];
const SYMBOLS = { unacknowledged: "alarm", returned: "returned", acknowledged: "acknowledged", latched: "latched" };

export class Place {
  #open = make("div", "rows");
  #roles = make("div", "rows");
  #none = make("p", "note");
  #nobody = make("p", "note");
  #titles = [make("h3"), make("h3")];
  #alarmRows = new Map();
  #roleRows = new Map();
  #duties = null;
  #people = [];
  #asked = -Infinity;

  constructor(node) {
    const [open, duty] = this.#titles;
    node.append(open, this.#none, this.#open, duty, this.#nobody, this.#roles);
  }

  show({ alarms, session }, world) {
    if (performance.now() - this.#asked > AGAIN_MS && !world.silent) this.#ask();
    const left = inOrder(alarms);
    setText(this.#titles[0], t("handover.open", { n: left.length }));
    setText(this.#titles[1], t("handover.duty"));
    setText(this.#none, t("handover.none"));
    this.#none.hidden = left.length > 0;
    setChildren(this.#open, left.map((alarm) => this.#alarm(alarm, world)));
    setText(this.#nobody, t(this.#duties ? "handover.no_roles" : "verdict.loading"));
    this.#nobody.hidden = Boolean(this.#duties?.length);
    setChildren(this.#roles, (this.#duties ?? []).map((duty) => this.#role(duty, session, world)));
  }

  async #ask() {
    this.#asked = performance.now();
    const answer = await ask("api/v1/duty", DEADLINE_MS);
    if (answer) [this.#duties, this.#people] = [answer.roles, answer.people];
    dispatchEvent(new Event("redraw"));
  }

  // What the next shift has to know of an alarm.
  #alarm(alarm, { now }) {
    if (!this.#alarmRows.has(alarm.id)) {
      const what = make("span", "what", make("b"), make("span", "why"), make("span", "why"));
      const made = make("a", "row", icon("alarm"), what);
      made.href = "#alarms";
      this.#alarmRows.set(alarm.id, made);
    }
    const row = this.#alarmRows.get(alarm.id);
    row.dataset.mood = waiting(alarm) ? "bad" : "hand";
    setIcon(row.firstChild, SYMBOLS[alarm.state] ?? "hidden");
    const [name, how, what] = row.lastChild.children;
    setText(name, alarm.label);
    const since = t("banner.since", { at: clock(alarm.since), duration: duration((now - alarm.since) / 1000) });
    const by = alarm.acknowledged_at ? t("banner.by", { who: alarm.acknowledged_by, at: clock(alarm.acknowledged_at) }) : "";
    setText(how, [t(`handover.state.${hidden(alarm) ? "hidden" : alarm.state}`), by, since].filter(Boolean).join(" · "));
    setText(what, alarm.shelved?.reason ?? alarm.removed?.reason ?? alarm.advice.split("\n")[0]);
    return row;
  }

  #role(duty, session, world) {
    if (!this.#roleRows.has(duty.role)) this.#roleRows.set(duty.role, this.#make(duty.role));
    const row = this.#roleRows.get(duty.role);
    setText(row.name, duty.role);
    setText(row.who, duty.people.join(", ") || t("handover.nobody"));
    const until = duty.until === null ? "" : t("handover.until", { at: `${date(duty.until)} ${clock(duty.until)}` });
    const from = duty.handed_over_by ? t("handover.by", { who: duty.handed_over_by }) : t("handover.calendar");
    setText(row.why, row.said || [from, until].filter(Boolean).join(" · "));
    row.node.dataset.mood = duty.people.length ? "ok" : "warn";
    setIcon(row.icon, duty.people.length ? "ok" : "warn");
    const may = covers(session?.role, "staff");
    setText(row.take, t(row.asking ? "handover.not" : "handover.take"));
    row.take.hidden = !may;
    row.take.ariaExpanded = String(row.asking);
    row.panel.hidden = !row.asking;
    this.#choosePerson(row, session);
    for (const button of row.spans.children) setText(button, t("handover.for", { duration: duration(button.value) }));
    for (const button of row.node.querySelectorAll("button")) button.disabled = Boolean(world.silent || row.busy);
    for (const button of row.spans.children) button.disabled ||= !row.person;
    return row.node;
  }

  // Who is signed in takes over; a tablet that all share asks who it is.
  #choosePerson(row, session) {
    const own = this.#people.includes(session?.user) ? [session.user] : this.#people;
    if (!own.includes(row.person)) row.person = own.length === 1 ? own[0] : "";
    if (row.names.childElementCount !== own.length) setChildren(row.names, own.map((name) => personButton(row, name)));
    for (const button of row.names.children) button.ariaPressed = String(button.value === row.person);
    setText(row.ask, t(row.person ? "alarms.how_long" : "handover.who"));
  }

  #make(role) {
    const row = { icon: icon("ok"), name: make("b"), who: make("strong", "who"), why: make("span", "why"), asking: false };
    row.take = plainButton(() => {
      row.asking = !row.asking;
      dispatchEvent(new Event("redraw"));
    });
    row.spans = make("div", "choices", ...SPANS_S.map((seconds) => this.#span(row, role, seconds)));
    row.names = make("div", "choices");
    row.ask = make("p");
    row.panel = make("div", "panel", row.names, row.ask, row.spans);
    row.why.ariaLive = "polite";
    const what = make("span", "what", row.name, row.who, row.why);
    row.node = make("div", "row", row.icon, what, row.take, row.panel);
    row.node.dataset.role = role;
    return row;
  }

  #span(row, role, seconds) {
    const button = plainButton(() => this.#take(row, role, seconds));
    button.value = seconds;
    return button;
  }

  async #take(row, role, seconds) {
    [row.asking, row.busy, row.said] = [false, true, t("banner.sending")];
    dispatchEvent(new Event("redraw"));
    const body = { person: row.person, for_s: seconds };
    const problem = await send(`api/v1/duty/${encodeURIComponent(role)}`, body, DEADLINE_MS);
    row.busy = false;
    row.said = problem === null ? "" : t("handover.failed", { who: row.person, why: problem || t("banner.again") });
    await this.#ask();
  }
}

function personButton(row, name) {
  const choose = () => {
    row.person = name;
    dispatchEvent(new Event("redraw"));
  };
  const button = plainButton(choose, name);
  button.value = name;
  return button;
}
