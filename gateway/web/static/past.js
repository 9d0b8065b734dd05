// What alarms have been: the figures people are asked about, and each event.
import { ask } from "./asking.js";
import { make, plainButton, setChildren, setText } from "./element.js";
import { clock, count, date, duration, number, t } from "./text.js";

const DAY = 86400000;
const RANGES = { day: DAY, week: 7 * DAY, month: 30 * DAY };
const AGAIN_MS = 60000;
const DEADLINE_MS = 20000;
const EVENTS_MAX = 100;
const MANAGEABLE = 6; // an hour: 1 in 10 minutes, EEMUA 191

export class Past {
  #title = make("h2", "subtitle");
  #ranges = make("div", "ranges");
  #figures = make("div", "rows");
  #note = make("p", "part");
  #table = make("table");
  #more = make("details", "", make("summary"), this.#table);
  #range = "day";
  #asked = -Infinity;
  #failed = false;
  #kpi = null;
  #history = null;
  node = make("section", "past", this.#title, this.#ranges, this.#note, this.#figures, this.#more);

  constructor() {
    for (const name of Object.keys(RANGES)) {
      const button = plainButton(() => this.#choose(name));
      button.dataset.range = name;
      this.#ranges.append(button);
    }
  }

  show(world) {
    if (performance.now() - this.#asked > AGAIN_MS && !world.silent) this.#ask(world);
    setText(this.#title, t("past.title"));
    for (const button of this.#ranges.children) {
      setText(button, t(`point.${button.dataset.range}`));
      button.ariaPressed = String(button.dataset.range === this.#range);
    }
    const whole = this.#kpi?.complete && this.#history?.complete;
    setText(this.#note, t(this.#failed ? "point.failed" : "past.incomplete"));
    this.#note.hidden = !this.#failed && (whole || !this.#kpi);
    setText(this.#more.firstChild, t("past.events"));
    setChildren(this.#figures, this.#kpi ? this.#rows(this.#kpi) : []);
    this.#more.hidden = !this.#history;
  }

  #choose(range) {
    this.#range = range;
    this.#asked = -Infinity;
    dispatchEvent(new Event("redraw"));
  }

  async #ask(world) {
    this.#asked = performance.now();
    const range = this.#range;
    const to = Math.round(world.now);
    const query = new URLSearchParams({ from: to - RANGES[range], to });
    const [kpi, history] = await Promise.all(
      ["kpi", "history"].map((name) => ask(`api/v1/alarms/${name}?${query}`, DEADLINE_MS)),
    );
    if (range !== this.#range) return;
    this.#failed = !kpi || !history;
    [this.#kpi, this.#history] = [kpi, history];
    if (history) this.#fill(history);
    dispatchEvent(new Event("redraw"));
  }

  #rows({ figures, labels }) {
    const named = (id) => labels[id] ?? id;
    const rate = figures.per_hour === null ? "" : number(figures.per_hour, figures.per_hour < 1 ? 2 : 1);
    const floods = figures.floods.map((it) => [it.from, it.to].map((at) => (at === null ? "" : clock(at))).join("–"));
    const mean = figures.acknowledge_mean_s;
    const lines = [
      ["raised", count(figures.raised), t("past.rate", { n: rate, most: figures.most_in_10_min, good: MANAGEABLE })],
      ["floods", count(floods.length), floods.join(" · ")],
      ["acknowledged", mean === null ? "" : duration(mean), t(mean === null ? "past.nothing" : "past.times", { n: figures.acknowledged })],
      ["hidden", count(figures.shelved + figures.suppressed), t("past.hidden_of", figures)],
      ["chattering", count(figures.chattering.length), figures.chattering.map((it) => named(it.id)).join(" · ")],
      ["stale", count(figures.stale.length), figures.stale.map(named).join(" · ")],
      ["top", "", figures.top.map((it) => `${named(it.id)} ${it.count}`).join(" · ")],
    ];
    return lines.map(([name, figure, why], index) => {
      const row = this.#figures.children[index] ?? make("div", "row", make("span", "what", make("b"), make("span", "why")), make("span", "figure"));
      setText(row.querySelector("b"), t(`past.${name}`));
      setText(row.querySelector(".why"), why);
      setText(row.lastChild, figure);
      return row;
    });
  }

  #fill({ events }) {
    const head = make("tr", "", ...["time", "alarm", "what", "who"].map((key) => make("th", "", t(`past.${key}`))));
    const body = events.slice(0, EVENTS_MAX).map(({ at, label, data }) => {
      const who = [data.by, data.reason, data.to].filter(Boolean).join(" · ");
      const cells = [`${date(at)} ${clock(at)}`, label, t(`verb.${data.verb}`), who];
      return make("tr", "", ...cells.map((cell) => make("td", "", cell)));
    });
    setChildren(this.#table, [head, ...body]);
  }
}
