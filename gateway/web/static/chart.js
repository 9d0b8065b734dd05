// <kg-chart>: one point over time. Its mean as a line, its extremes as a band, gaps as gaps.
import { make, setText } from "./element.js";
import { clock, date, limit, offset, t, withUnit } from "./text.js";
import { shown } from "./units.js";

const SVG = "http://www.w3.org/2000/svg";
const HOUR = 3600000;
const TIMES = [HOUR, 3 * HOUR, 6 * HOUR, 12 * HOUR, 24 * HOUR, 48 * HOUR, 168 * HOUR, 336 * HOUR, 720 * HOUR, 1440 * HOUR];
const EDGE = { left: 64, right: 14, top: 10, bottom: 30 };
const LABEL_WIDTH = 110;
const LABEL_HEIGHT = 44;
const DASHES = 4; // kinds of line that can be told apart

class Chart extends HTMLElement {
  #said = make("p", "said");
  #svg = document.createElementNS(SVG, "svg");
  #data = null;
  #at = null;

  connectedCallback() {
    if (this.firstChild) return;
    this.tabIndex = 0;
    this.role = "img";
    this.append(this.#said, this.#svg);
    new ResizeObserver(() => this.#draw()).observe(this);
    this.addEventListener("pointermove", (event) => this.#point(event.offsetX));
    this.addEventListener("pointerdown", (event) => this.#point(event.offsetX));
    this.addEventListener("keydown", (event) => this.#step({ ArrowLeft: -1, ArrowRight: 1 }[event.key]));
  }

  // Data: { from, to, rows, band, text }: rows { at, low, value, high } in order, value null in a
  // gap; band { low, high } of the rules; text(value) as a person reads it; step: whether it jumps;
  // others: further lines of the same unit as { name, rows }, told apart by dashes and by name.
  show(data) {
    this.#data = data;
    this.#at = null;
    this.#draw();
  }

  #draw() {
    const [width, height] = [this.clientWidth, this.#svg.clientHeight];
    if (!this.#data || !width || !height) return;
    this.#svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
    const others = this.#data.others ?? [];
    const all = [this.#data.rows, ...others.map(({ rows }) => rows)].flat();
    const known = all.filter(({ value }) => value !== null);
    this.ariaLabel = this.#summary(known);
    const scale = this.#scale(known, width, height);
    this.#scaled = scale;
    const thin = (rows) => ({ ...this.#data, rows: this.#data.step ? rows : thinned(rows, scale, width) });
    const own = thin(this.#data.rows);
    this.#svg.replaceChildren(
      ...bandsOf(this.#data, scale, height),
      ...this.#grid(scale, width, height),
      ...this.#limits(scale, width),
      path("band", others.length ? "" : bandOf(own, scale)),
      ...others.map(({ rows }, index) => path(["other", `dash${index % DASHES}`].join(" "), lineOf(thin(rows), scale))),
      path("line", lineOf(own, scale)),
      this.#cursor(scale, height),
    );
    this.#say();
  }

  #scaled = null;

  #scale(known, width, height) {
    const { from, to, band } = this.#data;
    let low = Math.min(...known.map((row) => row.low));
    let high = Math.max(...known.map((row) => row.high));
    if (!known.length) [low, high] = [0, 1];
    const room = Math.max(high - low, 1e-3);
    // A limit is shown where it is near; one far away would flatten the curve.
    for (const edge of [band?.low, band?.high]) {
      if (typeof edge === "number" && edge > low - 2 * room - 2 && edge < high + 2 * room + 2) {
        [low, high] = [Math.min(low, edge), Math.max(high, edge)];
      }
    }
    const pad = Math.max((high - low) * 0.08, 0.05);
    [low, high] = [low - pad, high + pad];
    const [wide, tall] = [width - EDGE.left - EDGE.right, height - EDGE.top - EDGE.bottom];
    return {
      low,
      high,
      x: (at) => EDGE.left + ((at - from) / (to - from)) * wide,
      y: (value) => EDGE.top + (1 - (value - low) / (high - low)) * tall,
      at: (x) => from + ((x - EDGE.left) / wide) * (to - from),
    };
  }

  #grid(scale, width, height) {
    const { from, to, ticks } = this.#data;
    const nodes = [];
    const values = ticks ?? nice(scale.low, scale.high, (height - EDGE.top - EDGE.bottom) / LABEL_HEIGHT);
    for (const value of values) {
      const y = scale.y(value);
      nodes.push(line("grid", EDGE.left, y, width - EDGE.right, y));
      nodes.push(text(EDGE.left - 8, y + 5, "end", this.#data.text(value)));
    }
    const most = Math.max(2, (width - EDGE.left - EDGE.right) / LABEL_WIDTH);
    const step = TIMES.find((time) => (to - from) / time <= most) ?? TIMES.at(-1);
    const first = Math.ceil((from + offset(from)) / step) * step - offset(from);
    for (let at = first; at <= to; at += step) {
      nodes.push(line("grid", scale.x(at), EDGE.top, scale.x(at), height - EDGE.bottom));
      const words = step < 24 * HOUR ? clock(at) : date(at);
      nodes.push(text(scale.x(at), height - 8, "middle", words));
    }
    return nodes;
  }

  #limits(scale, width) {
    const { band } = this.#data;
    return [band?.low, band?.high]
      .filter((value) => typeof value === "number" && value > scale.low && value < scale.high)
      .map((value) => line("limit", EDGE.left, scale.y(value), width - EDGE.right, scale.y(value)));
  }

  #cursor(scale, height) {
    const row = this.#row();
    const x = row ? scale.x(row.at) : -10;
    return line("cursor", x, EDGE.top, x, height - EDGE.bottom);
  }

  #moveCursor() {
    this.#svg.lastChild?.replaceWith(this.#cursor(this.#scaled, this.#svg.clientHeight));
    this.#say();
  }

  #point(x) {
    if (!this.#scaled) return;
    this.#at = this.#scaled.at(x);
    this.#moveCursor();
  }

  #step(by) {
    if (!by || !this.#data) return;
    const { rows } = this.#data;
    const here = this.#row() ? rows.indexOf(this.#row()) : by > 0 ? -1 : rows.length;
    this.#at = rows[Math.min(rows.length - 1, Math.max(0, here + by))]?.at ?? null;
    this.#moveCursor();
  }

  #row() {
    if (this.#at === null || !this.#data.rows.length) return null;
    return this.#data.rows.reduce((a, b) => (Math.abs(b.at - this.#at) < Math.abs(a.at - this.#at) ? b : a));
  }

  #say() {
    const row = this.#row();
    if (!row) {
      setText(this.#said, this.ariaLabel);
      return;
    }
    const when = `${date(row.at)} ${clock(row.at)}`;
    setText(this.#said, `${when} · ${spanText(row, this.#data.text)}`);
  }

  #summary(known) {
    if (!known.length) return t("chart.empty");
    const low = Math.min(...known.map((row) => row.low));
    const high = Math.max(...known.map((row) => row.high));
    return t("chart.span", { low: this.#data.text(low), high: this.#data.text(high) });
  }
}

export const spanText = ({ low, value, high }, words) => {
  if (value === null) return t("chart.gap");
  return low === high ? words(value) : t("chart.range", { mean: words(value), low: words(low), high: words(high) });
};

function bandOf({ rows }, scale) {
  return runsOf(rows)
    .map((run) => {
      const upper = run.map(({ at, high }) => `${scale.x(at)} ${scale.y(high)}`);
      const lower = run.map(({ at, low }) => `${scale.x(at)} ${scale.y(low)}`).reverse();
      return `M${[...upper, ...lower].join("L")}Z`;
    })
    .join("");
}

function lineOf({ rows, step, to }, scale) {
  return runsOf(rows)
    .map((run) => {
      const [first, ...rest] = run;
      const move = `M${scale.x(first.at)} ${scale.y(first.value)}`;
      const parts = rest.map(({ at, value }) =>
        step ? `H${scale.x(at)}V${scale.y(value)}` : `L${scale.x(at)} ${scale.y(value)}`,
      );
      const stays = step && run.at(-1) === rows.at(-1) ? `H${scale.x(to)}` : "";
      return move + parts.join("") + (stays || (rest.length ? "" : "h2"));
    })
    .join("");
}

// No value, or a doubtful one: over the full height, beneath the curve.
function bandsOf({ rows, to }, scale, height) {
  const bands = [];
  rows.forEach((row, index) => {
    const kind = row.value === null ? "gap" : row.why ? "doubt" : "";
    const before = bands.at(-1);
    const end = rows[index + 1]?.at ?? (kind === "gap" ? to : row.at);
    if (before?.kind === kind && before.end === row.at) before.end = end;
    else if (kind) bands.push({ kind, at: row.at, end });
  });
  return bands.map(({ kind, at, end }) => {
    const [x, width] = [scale.x(at), Math.max(1, scale.x(end) - scale.x(at))];
    return node("rect", { class: kind, x, width, y: EDGE.top, height: height - EDGE.top - EDGE.bottom });
  });
}

// No more rows than the screen has columns: the extremes of each column, and its gaps, stay.
function thinned(rows, scale, width) {
  if (rows.length <= 2 * width) return rows;
  const thin = [];
  let [column, last] = [null, null];
  for (const row of rows) {
    const here = Math.floor(scale.x(row.at));
    if (row.value === null) {
      if (last?.value !== null) thin.push((last = row));
    } else if (last?.value != null && here === column) {
      [last.low, last.high] = [Math.min(last.low, row.low), Math.max(last.high, row.high)];
    } else {
      thin.push((last = { ...row }));
    }
    column = here;
  }
  return thin;
}

function runsOf(rows) {
  const runs = [];
  let run = [];
  for (const row of rows) {
    if (row.value !== null) run.push(row);
    else if (run.length) {
      runs.push(run);
      run = [];
    }
  }
  return run.length ? [...runs, run] : runs;
}

function nice(low, high, most) {
  const raw = (high - low) / Math.max(1, most);
  const power = 10 ** Math.floor(Math.log10(raw));
  const step = [1, 2, 5, 10].map((n) => n * power).find((size) => size >= raw);
  const values = [];
  for (let value = Math.ceil(low / step) * step; value <= high; value += step) values.push(Number(value.toFixed(6)));
  return values;
}

function line(name, x1, y1, x2, y2) {
  return node("line", { class: name, x1, y1, x2, y2 });
}

const path = (name, d) => node("path", { class: name, d });

function text(x, y, anchor, words) {
  const label = node("text", { x, y, "text-anchor": anchor });
  label.textContent = words;
  return label;
}

function node(name, attributes) {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  return made;
}

export const words = (point) => (value) => withUnit(limit(value), shown(0, point.unit).unit);

customElements.define("kg-chart", Chart);
