// <kg-banner>: one alarm; where and what, what to do now, since when, and the one button.
import { icon, make, setChildren, setIcon, setText } from "./element.js";
import { valueText } from "./look.js";
import { clock, duration, t } from "./text.js";

const SYMBOLS = { acknowledged: "acknowledged", returned: "returned", latched: "latched" };
const waits = ({ state }) => state === "unacknowledged" || state === "returned";

class Banner extends HTMLElement {
  #edge = make("span", "edge", icon("alarm"));
  #symbol = icon("life");
  #title = make("h2");
  #steps = make("ol");
  #facts = make("p", "facts");
  #by = make("span", "by", icon("acknowledged"), make("span"));
  #button = make("button", "acknowledge");
  #advice = "";
  #waiting = [];

  connectedCallback() {
    if (this.firstChild) return;
    this.#button.type = "button";
    this.#button.addEventListener("click", () => {
      this.dispatchEvent(new CustomEvent("acknowledge", { bubbles: true, detail: this.#waiting }));
    });
    const text = make("div", "text", this.#title, this.#steps, this.#facts);
    this.append(this.#edge, this.#symbol, text, this.#button, this.#by);
  }

  // `sending`: undefined, "sending" or "again", what became of a tap on the button; `others` are
  // the alarms of the same burst, which this one line stands for.
  show(alarm, { now, points, silent, sending, denial }, others = []) {
    const open = [alarm, ...others].filter(waits);
    const own = open.filter((each) => !denial(each));
    this.#waiting = own.map(({ id }) => id);
    this.dataset.class = alarm.priority === "life" ? "life" : "food";
    this.dataset.state = alarm.state;
    setIcon(this.#edge.firstChild, this.#symbolOf(alarm));
    setIcon(this.#symbol, this.#symbolOf(alarm));
    setText(this.#title, alarm.label);
    this.#showSteps(alarm.advice || t("banner.no_advice"));
    this.#showFacts(alarm, now, points, silent, others);
    this.#button.hidden = !open.length;
    this.#by.hidden = open.length > 0 || !alarm.acknowledged_at;
    this.#button.disabled = !own.length || sending === "sending";
    setText(this.#button, t(`banner.${own.length ? (sending ?? "acknowledge") : denial(alarm) || "denied"}`));
    if (alarm.acknowledged_at) {
      const by = { who: alarm.acknowledged_by, at: clock(alarm.acknowledged_at) };
      setText(this.#by.lastChild, t("banner.by", by));
    }
  }

  #symbolOf(alarm) {
    if (alarm.state !== "unacknowledged") return SYMBOLS[alarm.state] ?? "hidden";
    return alarm.priority === "life" ? "life" : "alarm";
  }

  #showSteps(advice) {
    if (advice === this.#advice) return;
    this.#advice = advice;
    const lines = advice.split("\n").filter(Boolean);
    this.#steps.replaceChildren(...lines.map((line) => make("li", "", line)));
  }

  #showFacts(alarm, now, points, silent, others) {
    const point = points.get(alarm.point);
    const shown = point ?? { id: alarm.point ?? "", precision: 1, unit: alarm.unit };
    const span = alarm.returned ?? null;
    const when =
      span === null
        ? t("banner.since", { at: clock(alarm.since), duration: duration((now - alarm.since) / 1000) })
        : t("banner.returned", { from: clock(alarm.since), to: clock(span) });
    const value = span === null && !silent && point?.quality !== "bad" ? (point?.value ?? alarm.value) : alarm.value;
    const told = value === null ? "" : valueText(shown, value);
    const main = value === null ? [when] : [span === null ? told : t("banner.was", { value: told }), when];
    if (others.length) main.push(t("banner.others", { n: others.length, names: others.map(({ label }) => label).join(", ") }));
    const done = alarm.commands
      .filter(({ actuator, value }) => !silent && (points.get(`${actuator}/state`)?.value ?? value) === value)
      .map(({ actuator, label, value }) =>
        t("banner.command", { actuator: label || actuator, value: t(`value.state.${value}`) }),
      );
    const texts = [...main, ...done];
    const nodes = texts.map((_, index) => this.#facts.children[index] ?? make("span"));
    nodes.forEach((node, index) => {
      setText(node, texts[index]);
      node.className = index < main.length ? "main" : "";
    });
    setChildren(this.#facts, nodes);
  }
}

customElements.define("kg-banner", Banner);
