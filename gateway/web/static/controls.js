// What acts: its state, who wants that and for how long, and the buttons of a person.
import { ask, WRITING } from "./asking.js";
import { icon, make, setChildren, setIcon, setText } from "./element.js";
import { Hold } from "./hold.js";
import { setState } from "./look.js";
import { covers, reaches } from "./rights.js";
import { duration, has, t } from "./text.js";

const AGAIN_MS = 2000;
const ANSWER_MS = 8000;
const BUTTONS = ["on", "off", "auto"];

export class Place {
  #node = make("div", "rows");
  #rows = new Map();
  #none = make("p", "empty");
  #actuators = null;
  #asked = -Infinity;
  #asking = 0;

  constructor(node) {
    node.append(this.#node, this.#none);
  }

  show({ session }, world) {
    if (performance.now() - this.#asked > AGAIN_MS && !world.silent) this.#ask();
    setChildren(this.#node, (this.#actuators ?? []).map((actuator) => this.#row(actuator, session, world)));
    this.#node.hidden = !this.#actuators?.length;
    this.#none.hidden = !this.#node.hidden;
    setText(this.#none, t(this.#actuators ? "control.none" : "verdict.loading"));
  }

  async #ask() {
    this.#asked = performance.now();
    const turn = ++this.#asking;
    const answer = await ask("api/v1/actuators", AGAIN_MS);
    if (turn === this.#asking) this.#actuators = answer?.actuators ?? this.#actuators;
    dispatchEvent(new Event("redraw"));
  }

  #row(actuator, session, world) {
    if (!this.#rows.has(actuator.id)) this.#rows.set(actuator.id, this.#make(actuator.id));
    const row = this.#rows.get(actuator.id);
    const state = world.silent ? "offline" : stateOf(actuator);
    setState(row.node, state);
    setIcon(row.icon, state);
    setText(row.name, actuator.label);
    setText(row.why, why(actuator));
    setText(row.note, row.said || note(actuator, world.now));
    setText(row.figure, t(actuator.value ? "control.on" : "control.off"));
    const theirs = reaches(session, actuator.id, actuator.zone) && covers(session?.role, actuator.critical ? "manager" : "staff");
    const ours = actuator.overrides[0];
    for (const name of BUTTONS) {
      const button = row.buttons[name];
      const chosen = name === "auto" ? !ours : ours?.value === (name === "on");
      button.ariaPressed = String(chosen);
      button.hidden = !theirs;
      button.disabled = Boolean(world.silent || row.busy || actuator.locked);
      setText(button, t(`control.${row.holds[name].wants || name}`));
    }
    row.actuator = actuator;
    return row.node;
  }

  #make(id) {
    const [name, reason, said] = [make("b"), make("span", "why"), make("span", "why")];
    const row = { icon: icon("ok"), name, why: reason, note: said, figure: make("span", "figure") };
    [row.buttons, row.holds] = [{}, {}];
    for (const each of BUTTONS) {
      const button = (row.buttons[each] = make("button", "plain"));
      button.type = "button";
      button.dataset.do = each;
      row.holds[each] = new Hold(button, () => dangerous(row.actuator), () => this.#order(row, each));
    }
    const buttons = make("span", "buttons", ...Object.values(row.buttons));
    row.node = make("div", "row", row.icon, make("span", "what", name, reason, said), row.figure, buttons);
    row.node.dataset.actuator = id;
    return row;
  }

  async #order(row, name) {
    const { id, overrides } = row.actuator;
    row.busy = true;
    row.said = t("control.sending");
    dispatchEvent(new Event("redraw"));
    const slot = overrides[0]?.slot ?? 8;
    const request =
      name === "auto"
        ? [`api/v1/commands/${id}?slot=${slot}`, { method: "DELETE" }]
        : ["api/v1/commands", { method: "POST", body: JSON.stringify({ actuator: id, value: name === "on" }) }];
    row.said = await outcome(...request);
    row.busy = false;
    if (row.said) setTimeout(() => (row.said = ""), ANSWER_MS);
    this.#ask();
  }
}

// What guards people, or is ordered by somebody for their safety, is held for a second.
const dangerous = ({ critical, overrides }) => critical || overrides.some(({ slot }) => slot === 1);

async function outcome(path, options) {
  try {
    const answer = await fetch(path, { ...options, headers: WRITING, signal: AbortSignal.timeout(ANSWER_MS) });
    if (answer.status === 401) location.assign("login");
    const body = await answer.json();
    const order = body.order ?? body;
    if (answer.ok && order.state === "succeeded") return "";
    const code = order.code || order.state || "failed";
    return has(`control.code.${code}`) ? t(`control.code.${code}`, { about: order.about }) : (body.detail ?? code);
  } catch {
    return t("control.code.failed");
  }
}

function stateOf({ mismatch, read_back: readBack, value, held_by: held, locked, overrides }) {
  if (mismatch) return "fault";
  if (locked || held || overrides.length) return "warn";
  return readBack === null || readBack !== value ? "loading" : "ok";
}

function why({ cause, label_of_cause: label, overrides, slot }) {
  const ours = overrides.find((override) => override.slot === slot);
  if (ours) return t(`control.by.${ours.origin}`, { by: ours.by });
  if (label) return t("control.by.rule", { label });
  return slot === null ? t("control.by.nobody") : cause;
}

function note(actuator, now) {
  const { mismatch, held_by: held, locked, overrides, critical, value } = actuator;
  if (mismatch) return t(value ? "control.not_on" : "control.not_off");
  const [code, about] = (held || (locked ? "lockout" : "")).split("/");
  if (code) return t(`control.held.${code}`, { about: about ?? "" });
  const [ours] = overrides;
  if (ours?.until) return t("control.left", { duration: duration(Math.max(0, ours.until - now) / 1000) });
  if (ours) return t("control.until_back");
  return critical ? t("control.critical") : "";
}
