// Each forecast beside how it has done so far.
import { icon, make, setChildren, setIcon, setText } from "./element.js";
import { accuracy } from "./figures.js";
import { fullName, look, setState, symbolOf, valueText } from "./look.js";
import { history, rowsOf } from "./series.js";
import { number, t, withUnit } from "./text.js";
import { shown } from "./units.js";

const WEEK = 7 * 86400000;
const STEP = "15min";
const LEAST = 96; // a day of quarter hours
const AGAIN_MS = 300000;
const HORIZON = "in_60min";

export class Place {
  #none = make("p", "empty");
  #how = make("p", "note");
  #list = make("div", "rows");
  #rows = new Map();

  constructor(node) {
    node.append(this.#how, this.#none, this.#list);
  }

  show({ points }, world) {
    const forecasts = [...points.values()].filter((point) => point.origin === "forecast" && !point.secondary);
    setText(this.#how, t("forecasts.how"));
    setText(this.#none, t("forecasts.none"));
    this.#how.hidden = !forecasts.length;
    this.#none.hidden = forecasts.length > 0;
    setChildren(this.#list, forecasts.map((point) => this.#row(point, world)));
  }

  #row(point, world) {
    if (!this.#rows.has(point.id)) {
      const what = make("span", "what", make("b"), make("span", "why"), make("span", "why"));
      const node = make("a", "row", icon("ok"), what, make("span", "figure"));
      node.href = `#point/${point.id}`;
      this.#rows.set(point.id, { node, asked: -Infinity, past: null, failed: false });
    }
    const row = this.#rows.get(point.id);
    const view = look(point, world);
    setState(row.node, view.state);
    setIcon(row.node.firstChild, symbolOf(view.state));
    const [name, now, past] = row.node.querySelector(".what").children;
    setText(name, fullName(point));
    setText(now, view.state === "ok" ? view.foot : t(`state.${view.state}`));
    setText(row.node.lastChild, view.state === "ok" ? valueText(point, point.value) : view.big.text);
    const judged = point.id.endsWith(`/${HORIZON}`) && point.of;
    setText(past, judged ? pastText(row, point) : "");
    if (judged && performance.now() - row.asked > AGAIN_MS && !world.silent) this.#ask(row, point, world);
    return row.node;
  }

  async #ask(row, point, world) {
    row.asked = performance.now();
    const to = Math.round(world.now);
    const ids = [point.id, point.of, `${point.id}_low`, `${point.id}_high`];
    const answers = await Promise.all(ids.map((id) => history({ point: id, from: to - WEEK, to, step: STEP })));
    row.failed = answers.includes(null);
    if (!row.failed) row.past = accuracy(...answers.map((answer) => rowsOf(answer, "")), LEAST);
    dispatchEvent(new Event("redraw"));
  }
}

// A difference is turned without the offset that Fahrenheit has.
function span(value, ucum) {
  const [one, zero] = [shown(value, ucum), shown(0, ucum)];
  return withUnit(number(one.value - zero.value, 2), one.unit);
}

function pastText({ past, failed }, point) {
  if (failed) return t("point.failed");
  if (!past) return t("verdict.loading");
  if (past.off === null) return t("forecasts.early", { n: past.n, least: LEAST });
  const [off, naive] = [past.off, past.naive].map((value) => span(value, point.unit));
  return t("forecasts.past", { off, naive, within: Math.round(100 * past.within) });
}
