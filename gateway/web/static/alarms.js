// The place of alarms: what needs a person, what is hidden and why, and what was.
import { ask, send } from "./asking.js";
import { make, plainButton, setChildren, setText } from "./element.js";
import { fullName, valueText } from "./look.js";
import { hidden, inOrder } from "./notices.js";
import { Past } from "./past.js";
import { covers, reachesAlarm } from "./rights.js";
import { clock, duration, t } from "./text.js";

const REASONS = ["delivery", "cleaning", "repair", "sensor", "known"];
const SHELVE_S = [900, 3600, 28800];
const PEAK_AGAIN_MS = 60000;
const PEAKS_MAX = 8;
const DEADLINE_MS = 6000;

export class Place {
  #flood = make("p", "part");
  #none = make("p", "empty");
  #standing = make("div", "alarms");
  #title = make("h2", "subtitle");
  #hidden = make("div", "alarms");
  #past = new Past();
  #rows = new Map();

  constructor(node) {
    node.append(this.#flood, this.#standing, this.#title, this.#hidden, this.#past.node);
  }

  show({ alarms, flood, session }, world) {
    this.#flood.hidden = !flood;
    if (flood) setText(this.#flood, t("alarms.flood", { n: flood.alarms, at: clock(flood.since) }));
    for (const id of this.#rows.keys()) if (!alarms.some((alarm) => alarm.id === id)) this.#rows.delete(id);
    const shown = inOrder(alarms).map((alarm) => [alarm, this.#row(alarm)]);
    const nodes = (which) => shown.filter(([alarm]) => hidden(alarm) === which).map(([, row]) => row.node);
    setText(this.#none, t("alarms.none"));
    setChildren(this.#standing, nodes(false).length ? nodes(false) : [this.#none]);
    setChildren(this.#hidden, nodes(true));
    this.#title.hidden = !nodes(true).length;
    setText(this.#title, t("alarms.hidden", { n: nodes(true).length }));
    shown.forEach(([alarm, row], index) => row.show(alarm, { alarms, session, world, near: index < PEAKS_MAX }));
    this.#past.show(world);
  }

  #row(alarm) {
    if (!this.#rows.has(alarm.id)) this.#rows.set(alarm.id, new Row());
    return this.#rows.get(alarm.id);
  }
}

class Row {
  #banner = make("kg-banner");
  #why = make("ul", "whys");
  #procedure = make("details", "", make("summary"), make("ol"));
  #buttons = make("div", "ranges");
  #panel = make("div", "panel");
  #said = make("p", "said");
  #wants = ""; // what the open panel is for: "shelve", "remove" or nothing
  #reason = "";
  #peak = null; // the worst value the history knew when it was asked last
  #asked = -Infinity;
  #alarm = null;
  node = make("article", "alarm", this.#banner, this.#why, this.#procedure, this.#buttons, this.#panel, this.#said);

  show(alarm, { alarms, session, world, near }) {
    this.#alarm = alarm;
    this.#banner.dataset.form = "row";
    this.#banner.connectedCallback();
    this.#banner.show(alarm, { ...world, sending: world.sending.get(alarm.id) });
    if (near) this.#askPeak(alarm, world);
    setChildren(this.#why, this.#whys(alarm, alarms, world));
    this.#showProcedure(alarm.procedure);
    setChildren(this.#buttons, this.#actions(alarm, session, world));
    this.#buttons.hidden = !this.#buttons.childElementCount;
    this.#showPanel(alarm);
  }

  #whys(alarm, alarms, { points }) {
    const { shelved, suppressed, removed, escalation } = alarm;
    const named = (id) => alarms.find((other) => other.id === id)?.label ?? id;
    const point = points.get(suppressed?.point);
    const texts = [
      shelved && t("alarms.shelved", { ...shelved, until: clock(shelved.until) }),
      removed && t("alarms.removed", { ...removed, since: clock(removed.since) }),
      suppressed && t("alarms.suppressed", { point: point ? fullName(point) : suppressed.point, until: clock(suppressed.until) }),
      hidden(alarm) && t(alarm.stands ? "alarms.stands" : "alarms.calm"),
      hidden(alarm) && alarm.unseen > 0 && t("alarms.unseen", { n: alarm.unseen }),
      alarm.state === "latched" && t("alarms.latched"),
      alarm.first_out && alarm.first_out !== alarm.id && t("alarms.first_out", { label: named(alarm.first_out) }),
      alarm.chattering && t("alarms.chattering"),
      this.#peak !== null && t("alarms.peak", { value: this.#worst(alarm, points.get(alarm.point)) }),
      escalation?.to && t("alarms.told", { to: person(escalation.to) }),
      escalation?.following && t("alarms.following", { at: clock(escalation.following) }),
    ].filter(Boolean);
    return texts.map((text, index) => {
      const node = this.#why.children[index] ?? make("li");
      setText(node, text);
      return node;
    });
  }

  #showProcedure(procedure) {
    this.#procedure.hidden = !procedure;
    setText(this.#procedure.firstChild, t("alarms.procedure"));
    const lines = procedure.split("\n").filter(Boolean);
    const items = this.#procedure.lastChild;
    if (items.childElementCount !== lines.length) items.replaceChildren(...lines.map(() => make("li")));
    lines.forEach((line, index) => setText(items.children[index], line));
  }

  #actions(alarm, session, world) {
    if (!reachesAlarm(session, alarm, world.points)) return [];
    const manager = covers(session?.role, "manager");
    if (alarm.shelved) return manager ? [this.#button("unshelve")] : [];
    if (alarm.removed) return manager ? [this.#button("in-service")] : [];
    if (alarm.suppressed || alarm.id.startsWith("system.")) return [];
    const shelves = covers(session?.role, alarm.priority === "life" ? "manager" : "staff");
    const names = [
      alarm.state === "latched" && "reset",
      alarm.state !== "latched" && shelves && "shelve",
      manager && "out-of-service",
    ].filter(Boolean);
    return names.map((name) => this.#button(name, name === "reset" && !manager));
  }

  #button(name, denied = false) {
    const known = [...this.#buttons.children].find((node) => node.dataset.act === name);
    const button = known ?? make("button", "plain");
    if (!known) {
      button.type = "button";
      button.dataset.act = name;
      button.addEventListener("click", () => this.#press(name));
    }
    button.disabled = denied;
    button.ariaPressed = String(this.#wants === name);
    setText(button, t(denied ? "act.manager" : `act.${name}`));
    return button;
  }

  #press(name) {
    if (name === "shelve" || name === "out-of-service") {
      this.#wants = this.#wants === name ? "" : name;
      this.#reason = "";
      dispatchEvent(new Event("redraw"));
    } else {
      this.#send(name);
    }
  }

  #showPanel(alarm) {
    this.#panel.hidden = !this.#wants;
    if (!this.#wants) return;
    const reasons = REASONS.map((name) => this.#choice(`why.${name}`, this.#reason === name, () => this.#choose(name)));
    const limit = Math.floor(alarm.shelve_max_s);
    const spans = SHELVE_S.filter((seconds) => seconds <= limit);
    const times = this.#wants === "shelve" ? (spans.length ? spans : [limit]) : [0];
    const ends = times.map((seconds) => {
      const key = seconds ? duration(seconds) : t("act.out-of-service");
      const button = this.#choice(key, false, () => this.#send(this.#wants, seconds));
      button.disabled = !this.#reason;
      return button;
    });
    const asked = t(this.#reason ? "alarms.how_long" : "alarms.why");
    const shape = [...reasons, ...ends].map((node) => `${node.textContent}${node.ariaPressed}${node.disabled}`).join();
    if (this.#panel.dataset.shape === shape) return;
    this.#panel.dataset.shape = shape;
    this.#panel.replaceChildren(make("p", "", asked), make("div", "choices", ...reasons), make("div", "choices", ...ends));
  }

  #choice(key, pressed, act) {
    const button = plainButton(act, key.startsWith("why.") ? t(key) : key);
    button.ariaPressed = String(pressed);
    return button;
  }

  #choose(name) {
    this.#reason = name;
    if (this.#wants === "out-of-service") this.#send(this.#wants, 0);
    else dispatchEvent(new Event("redraw"));
  }

  async #send(name, seconds = 0) {
    const reason = this.#reason && t(`why.${this.#reason}`);
    const body = name === "shelve" ? { reason, for_s: seconds } : name === "out-of-service" ? { reason } : null;
    this.#wants = this.#reason = "";
    setText(this.#said, t("banner.sending"));
    const path = `api/v1/alarms/${encodeURIComponent(this.#alarm.id)}/${name}`;
    const problem = await send(path, body, DEADLINE_MS);
    setText(this.#said, problem === null ? "" : problem || t("banner.again"));
    dispatchEvent(new Event("redraw"));
  }

  // The worst the point has been since: the history knows, also over a restart.
  async #askPeak(alarm, world) {
    const point = world.points.get(alarm.point);
    const due = performance.now() - this.#asked > PEAK_AGAIN_MS && !world.silent;
    if (!due || point?.kind !== "number" || typeof alarm.value !== "number") return;
    this.#asked = performance.now();
    const to = Math.max(alarm.since + 1, Math.round(alarm.returned ?? world.now));
    const query = new URLSearchParams({ point: point.id, from: alarm.since, to });
    const answer = await ask(`api/v1/history?${query}`, DEADLINE_MS);
    this.#peak = answer && worstOf(answer, alarm.value, point.limit);
  }

  #worst(alarm, point) {
    if (!point) return String(this.#peak);
    const now = alarm.stands && typeof point.value === "number" ? point.value : this.#peak;
    const worse = isLow(alarm.value, point.limit) ? Math.min : Math.max;
    return valueText(point, worse(this.#peak, now));
  }
}

const isLow = (value, limit) => limit?.low != null && value <= limit.low;

// The highest, or the lowest where that is what it is about; null where nothing is known.
function worstOf({ columns, rows }, raised, limit) {
  const low = isLow(raised, limit);
  const at = columns.indexOf("value") < 0 ? columns.indexOf(low ? "min" : "max") : columns.indexOf("value");
  const seen = rows.map((row) => row[at]).filter((cell) => typeof cell === "number");
  if (!seen.length) return null;
  return low ? Math.min(raised, ...seen) : Math.max(raised, ...seen);
}

function person(to) {
  const role = to.replace("on_duty ", "");
  return role === to ? role : t("alarms.on_duty", { role });
}
