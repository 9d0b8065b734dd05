// One point: what it is now, its day, week, month or year as a curve, and the same as a table.
import { spanText, words } from "./chart.js";
import { icon, make, plainButton, setIcon, setText } from "./element.js";
import { fullName, look, setState, symbolOf, valueText } from "./look.js";
import { fillTable, history, rowsOf, when } from "./series.js";
import { count, duration, t } from "./text.js";
import { shown } from "./units.js";

const DAY = 86400000;
const RANGES = { day: DAY, week: 7 * DAY, month: 30 * DAY, year: 365 * DAY };
const TABLE_STEPS = { day: "1h", week: "6h", month: "1d", year: "1d" };
const AGAIN_MS = 30000;

export class Place {
  #back = make("span");
  #symbol = icon("ok");
  #now = null;
  #name = make("h2");
  #value = make("strong");
  #why = make("span", "why");
  #ranges = make("div", "ranges");
  #chart = make("kg-chart");
  #note = make("p", "empty");
  #part = make("p", "part"); // what is drawn is not all there is
  #table = make("table");
  #more = make("details", "", make("summary"), this.#table);
  #device = make("a", "row");
  #id = null;
  #range = "day";
  #asked = -Infinity;
  #turn = 0;

  constructor(node) {
    const back = make("a", "back", icon("returned"), this.#back);
    back.href = "#kitchen";
    const now = make("div", "now", this.#symbol, make("div", "what", this.#name, this.#why), this.#value);
    for (const name of Object.keys(RANGES)) {
      const button = plainButton(() => this.#choose(name));
      button.dataset.range = name;
      this.#ranges.append(button);
    }
    this.#now = now;
    this.#part.hidden = true;
    node.append(make("div", "head", back, now), this.#ranges, this.#part, this.#chart, this.#note, this.#more, this.#device);
  }

  // Draw the point of this id; asks for its history when that is due.
  show({ points }, world) {
    const id = world.subject;
    const point = points.get(id);
    setText(this.#back, t("point.back"));
    setText(this.#more.firstChild, t("point.table"));
    if (id !== this.#id) this.#begin(id);
    if (!point) {
      setText(this.#name, id);
      this.#say(t("point.unknown"));
      return;
    }
    this.#head(point, world);
    this.#device.hidden = point.origin !== "device";
    setText(this.#device, t("point.device"));
    for (const button of this.#ranges.children) {
      setText(button, t(`point.${button.dataset.range}`));
      button.ariaPressed = String(button.dataset.range === this.#range);
    }
    if (performance.now() - this.#asked > AGAIN_MS && !world.silent) this.#ask(point, world);
  }

  #begin(id) {
    this.#device.href = `#devices/${id.split("/")[0]}`;
    this.#id = id;
    this.#choose("day");
  }

  #choose(range) {
    this.#range = range;
    this.#asked = -Infinity;
    dispatchEvent(new Event("redraw"));
  }

  #head(point, world) {
    const view = look(point, world);
    setState(this.#now, view.state);
    setIcon(this.#symbol, symbolOf(view.state));
    setText(this.#name, fullName(point));
    const known = point.quality !== "bad" && view.state !== "offline";
    setText(this.#value, known ? valueText(point, point.value) : view.big.text);
    const other = typeof point.raw === "number" && point.raw !== point.value && known;
    const raw = other ? t("point.raw", { value: count(point.raw) }) : "";
    const why = [t(`state.${view.state}`), view.foot, view.age, raw, point.zone, point.id];
    setText(this.#why, why.filter(Boolean).join(" · "));
  }

  async #ask(point, world) {
    this.#asked = performance.now();
    const turn = ++this.#turn;
    const [to, range] = [Math.round(world.now), this.#range];
    const query = { point: point.id, from: to - RANGES[range], to };
    // A day as it was measured; where that is too much, as fine as the gateway gives it.
    const full = range === "day" ? history({ ...query, step: "raw" }) : null;
    const [fine, rows] = await Promise.all([full, history({ ...query, step: TABLE_STEPS[range] })]);
    const curve = fine ?? (await history(query));
    if (turn !== this.#turn) return;
    if (!curve) {
      this.#say(t("point.failed"));
      return;
    }
    this.#say("");
    const whole = curve.complete && (rows ?? curve).complete;
    setText(this.#part, whole ? "" : t("point.incomplete"));
    this.#part.hidden = whole;
    this.#curve(point, curve);
    this.#fill(point, rows ?? curve);
  }

  #curve(point, answer) {
    const numeric = point.kind !== "text";
    this.#chart.hidden = !numeric;
    if (!numeric) return;
    const boolean = point.kind === "boolean";
    const shown = words(point);
    this.#chart.show({
      from: answer.from,
      to: answer.to,
      rows: rowsOf(answer, point.unit),
      band: boolean || !point.limit ? null : bandOf(point),
      step: boolean && answer.step === "raw",
      ticks: boolean ? [0, 1] : null,
      text: boolean ? (value) => (value === 0 || value === 1 ? valueText(point, value === 1) : percent(value)) : shown,
    });
  }

  #fill(point, answer) {
    const shown = point.kind === "boolean" ? (value) => percent(value) : words(point);
    const gap = answer.columns.indexOf("gap_s");
    const head = ["time", "value", "gap"].map((key) => t(`point.${key}`));
    const rows = rowsOf(answer, point.unit).map((row, index) => {
      const missing = gap < 0 ? 0 : answer.rows[index][gap];
      return [when(row.at), spanText(row, shown), missing > 0 ? duration(missing) : ""];
    });
    fillTable(this.#table, head, rows.reverse());
  }

  #say(words) {
    setText(this.#note, words);
    this.#note.hidden = words === "";
    this.#chart.hidden = words !== "";
    this.#more.hidden = words !== "";
    if (words !== "") this.#part.hidden = true;
  }
}

const percent = (share) => `${Math.round(share * 100)}\u00a0%`;

function bandOf({ limit, unit }) {
  const [low, high] = [limit.low, limit.high].map((edge) => shown(edge, unit).value);
  return { low, high };
}
