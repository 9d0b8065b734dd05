// Points on one axis, day over day, hours of the week, and what goes together.
import { spanText, words } from "./chart.js";
import { make, plainButton, setChildren, setText } from "./element.js";
import { hoursOf, together } from "./figures.js";
import { fullName } from "./look.js";
import { download, fillTable, history, rowsOf, when } from "./series.js";
import { forget, keep, views } from "./saved.js";
import { clock, limit, number, offset, t, weekday } from "./text.js";

const DAY = 86400000;
const HOUR = 3600000;
const MOST = 4; // lines that can be told apart
const NAME_MAX = 60;
const SPANS = { day: DAY, week: 7 * DAY, month: 30 * DAY };
const STEPS = { day: "15min", week: "1h", month: "6h" };
const KINDS = { lines: MOST, days: 1, hours: 1, pair: 2 };
const DAYS = 7;
const WEEKS = 4;

export class Place {
  #saved = make("div", "choices");
  #kinds = choices(Object.keys(KINDS), "analysis", (kind) => this.#change({ kind }));
  #spans = choices(Object.keys(SPANS), "point", (span) => this.#change({ span }));
  #picked = make("div", "choices");
  #more = make("details", "", make("summary"), this.#picked);
  #said = make("p", "note");
  #legend = make("ul", "whys");
  #chart = make("kg-chart");
  #map = make("table", "map");
  #table = make("table");
  #asTable = make("details", "", make("summary"), this.#table);
  #save = this.#button("analysis.save", () => this.#keep());
  #export = this.#button("analysis.export", () => download(this.#file.name, this.#file.head, this.#file.rows));
  #wish = { kind: "lines", span: "day", points: [] };
  #file = null;
  #asked = "";
  #turn = 0;
  #state = null;
  #now = 0;
  #kept = [];

  constructor(node) {
    const buttons = make("div", "choices", this.#save, this.#export);
    node.append(this.#saved, this.#kinds, this.#spans, this.#more, this.#said, this.#legend, this.#chart, this.#map, this.#asTable, buttons);
    this.#said.ariaLive = "polite";
    this.#look();
  }

  show({ points }, world) {
    [this.#state, this.#now] = [points, Math.round(world.now)];
    const numeric = [...points.values()].filter((point) => point.kind === "number" && !point.secondary);
    const { kind, span, points: chosen } = this.#wish;
    this.#spans.hidden = kind === "days" || kind === "hours";
    paint(this.#kinds, kind);
    paint(this.#spans, span);
    setText(this.#more.firstChild, t("analysis.points", { names: chosen.map((id) => this.#name(id)).join(", ") || "–" }));
    this.#more.open ||= !chosen.length;
    this.#pick(numeric);
    this.#views();
    setText(this.#save, t("analysis.save"));
    setText(this.#export, t("analysis.export"));
    setText(this.#asTable.firstChild, t("point.table"));
    const asked = JSON.stringify([this.#wish, t("locale"), points.size > 0]);
    if (asked !== this.#asked && !world.silent) this.#ask(asked);
  }

  #button(key, act) {
    return plainButton(act, t(key));
  }

  #change(part) {
    const wish = { ...this.#wish, ...part };
    const most = KINDS[wish.kind];
    this.#wish = { ...wish, points: wish.points.slice(-most) };
    dispatchEvent(new Event("redraw"));
  }

  #name = (id) => (this.#state.has(id) ? fullName(this.#state.get(id)) : id);

  // One axis has one unit: what has another cannot be added, only taken instead.
  #pick(points) {
    const { kind, points: chosen } = this.#wish;
    const unit = this.#state.get(chosen[0])?.unit;
    const nodes = points.map((point) => {
      const known = [...this.#picked.children].find((node) => node.value === point.id);
      const button = known ?? this.#button("analysis.points", () => this.#toggle(point.id));
      button.value = point.id;
      button.ariaPressed = String(chosen.includes(point.id));
      button.disabled = kind === "lines" && unit !== undefined && point.unit !== unit && !chosen.includes(point.id);
      setText(button, fullName(point));
      return button;
    });
    setChildren(this.#picked, nodes);
  }

  #toggle(id) {
    const { points } = this.#wish;
    this.#change({ points: points.includes(id) ? points.filter((each) => each !== id) : [...points, id] });
  }

  async #ask(asked) {
    this.#asked = asked;
    const turn = ++this.#turn;
    const { kind, span, points } = this.#wish;
    this.#clear(points.length < (kind === "pair" ? 2 : 1) ? `analysis.pick.${kind}` : "verdict.loading");
    if (points.length < (kind === "pair" ? 2 : 1)) return;
    const back = kind === "days" ? DAYS * DAY : kind === "hours" ? WEEKS * 7 * DAY : SPANS[span];
    const step = kind === "days" ? "15min" : kind === "hours" ? "1h" : STEPS[span];
    const to = Math.ceil(this.#now / HOUR) * HOUR;
    const from = kind === "days" ? midnight(this.#now) - (DAYS - 1) * DAY : to - back;
    const answers = await Promise.all(points.map((point) => history({ point, from, to, step })));
    if (turn !== this.#turn) return;
    if (answers.some((answer) => !answer)) {
      this.#clear("point.failed");
      return;
    }
    const series = answers.map((answer, index) => ({
      id: points[index],
      name: this.#name(points[index]),
      rows: rowsOf(answer, this.#state.get(points[index]).unit),
    }));
    const told = answers.every((answer) => answer.complete) ? "" : "point.incomplete";
    this.#clear(told);
    ({ lines: this.#lines, days: this.#days, hours: this.#hours, pair: this.#pair })[kind].call(this, series, from, to);
  }

  #clear(key) {
    setText(this.#said, key && t(key));
    this.#said.hidden = !key;
    this.#file = null;
    for (const node of [this.#chart, this.#map, this.#asTable, this.#legend, this.#export, this.#save]) node.hidden = true;
  }

  #lines(series, from, to) {
    const [first, ...others] = series;
    this.#draw(from, to, first, others);
    const times = first.rows.map(({ at }) => at);
    const of = (rows, at) => rows.find((row) => row.at === at)?.value ?? null;
    this.#tell(series, times, (each, at) => of(each.rows, at), when);
  }

  #days([series], from) {
    const days = Array.from({ length: DAYS }, (_, index) => from + (DAYS - 1 - index) * DAY).map((start) => ({
      name: weekday(start),
      rows: series.rows.filter(({ at }) => at >= start && at < start + DAY).map((row) => ({ ...row, at: row.at - start + from })),
    }));
    this.#draw(from, from + DAY, { ...days[0], id: series.id }, days.slice(1, 1 + MOST));
    const times = Array.from({ length: 24 }, (_, hour) => from + hour * HOUR);
    const mean = (rows, at) => meanOf(rows.filter((row) => row.at >= at && row.at < at + HOUR));
    this.#tell(days, times, (day, at) => mean(day.rows, at), clock);
  }

  #draw(from, to, first, others) {
    this.#chart.hidden = this.#legend.hidden = false;
    this.#chart.show({ from, to, rows: first.rows, others, band: null, text: words(this.#state.get(first.id)) });
    const keyOf = ({ name }, index) => make("li", ["key", index ? `dash${(index - 1) % MOST}` : ""].join(" ").trim(), name);
    setChildren(this.#legend, [first, ...others].map(keyOf));
  }

  #hours([series]) {
    const cells = hoursOf(series.rows, (at) => at + offset(at));
    const known = cells.flat().filter((value) => value !== null);
    const [low, high] = [Math.min(...known), Math.max(...known)];
    const names = Array.from({ length: 7 }, (_, day) => weekday(Date.UTC(2026, 0, 5 + day) - offset(Date.UTC(2026, 0, 5 + day))));
    const hours = Array.from({ length: 24 }, (_, hour) => String(hour));
    // Hours across on a wall; on a phone there is room for seven columns only.
    const wide = matchMedia("(min-width: 900px)").matches;
    const grid = wide ? cells : hours.map((_, hour) => cells.map((day) => day[hour]));
    const [columns, lines] = wide ? [hours, names] : [names, hours];
    const text = (value) => (value === null ? "" : number(value, 1));
    fillTable(this.#map, ["", ...columns], grid.map((row, index) => [lines[index], ...row.map(text)]));
    grid.forEach((row, y) =>
      row.forEach((value, x) => {
        const share = value === null || high === low ? 0 : Math.round((100 * (value - low)) / (high - low));
        this.#map.rows[y + 1].cells[x + 1].style.setProperty("--share", `${share}%`);
      }),
    );
    this.#map.hidden = this.#save.hidden = this.#export.hidden = false;
    this.#offer(["", ...hours], cells.map((row, day) => [names[day], ...row]), series.id);
  }

  #pair(series, from, to) {
    const [one, other] = series;
    const { r, n } = together(one.rows, other.rows);
    const strength = r === null ? "none" : Math.abs(r) < 0.3 ? "weak" : Math.abs(r) < 0.7 ? "some" : "strong";
    const direction = r === null || strength === "weak" ? "" : t(r > 0 ? "analysis.same" : "analysis.opposite");
    const told = [t(`analysis.${strength}`, { one: one.name, other: other.name, n }), direction, r === null ? "" : `r = ${number(r, 2)}`];
    setText(this.#said, told.filter(Boolean).join(" "));
    this.#said.hidden = false;
    const of = (rows, at) => rows.find((row) => row.at === at)?.value ?? null;
    this.#tell(series, one.rows.map(({ at }) => at), (each, at) => of(each.rows, at), when);
  }

  #tell(series, times, valueAt, label) {
    const head = [t("point.time"), ...series.map(({ name }) => name)];
    const rows = times.map((at) => [label(at), ...series.map((each) => valueAt(each, at))]);
    const text = (value) => (value === null ? t("chart.gap") : limit(value));
    fillTable(this.#table, head, rows.map(([at, ...values]) => [at, ...values.map(text)]).reverse());
    this.#asTable.hidden = this.#save.hidden = this.#export.hidden = false;
    const plain = times.map((at) => [new Date(at).toISOString(), ...series.map((each) => valueAt(each, at))]);
    this.#offer(["time", ...series.map(({ id, name }) => id ?? name)], plain, this.#wish.points.join("-"));
  }

  #offer(head, rows, name) {
    this.#file = { name: `${name.replaceAll("/", "_")}.csv`, head, rows };
  }

  async #keep() {
    await this.#changeKept(keep(nameOf(this.#wish), this.#wish));
  }

  async #changeKept(sent) {
    const problem = await sent;
    if (problem !== null) {
      setText(this.#said, problem || t("banner.again"));
      this.#said.hidden = false;
    }
    await this.#look();
  }

  async #look() {
    this.#kept = (await views()) ?? this.#kept;
    dispatchEvent(new Event("redraw"));
  }

  #views() {
    const known = this.#kept.filter(({ content }) => content.kind in KINDS && content.points?.some((id) => this.#state.has(id)));
    const shape = JSON.stringify([known, t("locale"), this.#state.size]);
    if (shape === this.#saved.dataset.shape) return;
    this.#saved.dataset.shape = shape;
    const nodes = known.map(({ name, content }) => {
      const open = this.#button("analysis.save", () => this.#change(content));
      setText(open, [t(`analysis.${content.kind}`), ...content.points.map(this.#name)].join(" · "));
      return make("span", "view", open, this.#button("analysis.forget", () => this.#changeKept(forget(name))));
    });
    setChildren(this.#saved, nodes);
    this.#saved.hidden = !nodes.length;
  }
}

// The gateway takes letters, digits, blanks and dashes; the view itself has the whole name.
const nameOf = ({ kind, span, points }) => [kind, span, ...points].join(" ").replace(/[^\w -]/g, "-").slice(0, NAME_MAX);

function choices(names, prefix, choose) {
  const buttons = names.map((name) => {
    const button = plainButton(() => choose(name));
    button.value = name;
    button.dataset.word = `${prefix}.${name}`;
    return button;
  });
  return make("div", "ranges", ...buttons);
}

function paint(group, chosen) {
  for (const button of group.children) {
    setText(button, t(button.dataset.word));
    button.ariaPressed = String(button.value === chosen);
  }
}

const midnight = (at) => Math.floor((at + offset(at)) / DAY) * DAY - offset(at);

function meanOf(rows) {
  const known = rows.filter(({ value }) => value !== null);
  return known.length ? known.reduce((sum, { value }) => sum + value, 0) / known.length : null;
}
