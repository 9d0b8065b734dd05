// How the gateway is: a word and a reason for each part, and what it measures.
import { ask } from "./asking.js";
import { icon, make, plainButton, setChildren, setIcon, setText } from "./element.js";
import { Invite } from "./invite.js";
import { fullName, look, setState, symbolOf, valueText } from "./look.js";
import { fillTable } from "./series.js";
import { cloudLook } from "./strip.js";
import { clock, count, date, duration, has, metric, number, t, withUnit } from "./text.js";
import { Told } from "./told.js";

const ABSENT = "no_communication"; // from the first: this machine has no such sensor
const AGAIN_MS = 5000;
const TABS = ["parts", "measured", "told", "page", "address"];
const TOLD_ELSEWHERE = ["cloud", "clock", "store"]; // have a row that says more
const LOOKS = { ok: "ok", warn: "warn", bad: "fault" };

export class Place {
  #rows = new Map();
  #tabs = make("div", "ranges", ...TABS.map((name) => this.#tab(name)));
  #grid = make("div", "rows");
  #table = make("table");
  #invite = new Invite();
  #told = new Told();
  #status = null;
  #asked = -Infinity;
  #shown = TABS[0];

  constructor(node) {
    node.append(this.#tabs, this.#grid, this.#table, this.#told.node, this.#invite.node);
  }

  show(state, world) {
    if (performance.now() - this.#asked > AGAIN_MS && !world.silent) this.#ask();
    for (const tab of this.#tabs.children) {
      setText(tab, t(`system.tab.${tab.value}`));
      tab.ariaPressed = String(tab.value === this.#shown);
    }
    this.#table.hidden = this.#shown !== "page";
    this.#invite.node.hidden = this.#shown !== "address";
    this.#told.node.hidden = this.#shown !== "told";
    this.#grid.hidden = [this.#table, this.#invite.node, this.#told.node].some((node) => !node.hidden);
    if (this.#shown === "told") this.#told.show(state, world);
    else if (this.#shown === "page") this.#routes();
    else if (this.#shown === "address") this.#invite.show();
    else this.#show(this.#shown === "parts" ? this.#parts(state, world) : measured(state.points).map((point) => this.#point(point, world)));
  }

  async #ask() {
    this.#asked = performance.now();
    this.#status = (await ask("api/v1/status", AGAIN_MS)) ?? this.#status;
    dispatchEvent(new Event("redraw"));
  }

  #tab(name) {
    const button = plainButton(() => {
      this.#shown = name;
      dispatchEvent(new Event("redraw"));
    });
    button.value = name;
    return button;
  }

  #show(rows) {
    const faulty = (row) => !["ok", "off", "absent", "loading"].includes(row.dataset.state);
    setChildren(this.#grid, [...rows.filter(faulty), ...rows.filter((row) => !faulty(row))]);
  }

  #parts({ cloud, site }, world) {
    const view = cloudLook(cloud, world.now);
    const stored = `${count(cloud.acknowledged)} ${t("cloud.rows", { n: count(cloud.committed) })}`;
    const why = view.why.join(" · ") || view.short;
    return [
      world.silent ? this.#offline("cloud", t("cloud.name")) : this.#row("cloud", view.state, t("cloud.name"), why, cloud.configured ? stored : ""),
      ...this.#own(world),
      this.#clock(site, world),
      ...(this.#status?.checks ?? []).filter(({ id }) => !TOLD_ELSEWHERE.includes(id)).map((check) => this.#check(check, world)),
    ];
  }

  #offline = (id, name) => this.#row(id, "offline", name, t("state.offline"), t("big.offline"));

  #own(world) {
    if (!this.#status) return [];
    const [gateway, kept] = [t("system.gateway"), t("system.store")];
    if (world.silent) return [gateway, kept].map((name) => this.#offline(name, name));
    const { status, started_at, troubles, version, store } = this.#status;
    const since = t("system.since", { duration: duration((world.now - started_at) / 1000), version });
    const state = troubles.length ? "warn" : "ok";
    const room = t("system.room", { n: Math.round(store.used * 100) });
    const past = t("system.history", { n: count(Math.round(store.history_bytes / 1e6)), months: store.history_months });
    const lost = store.lost ? t("system.lost", { n: count(store.lost) }) : "";
    const words = [store.failing, lost, room, past].filter(Boolean).join(" · ");
    return [
      this.#row(gateway, state, gateway, [...troubles, since].join(" · "), t(`system.status.${status}`)),
      this.#row(kept, store.failing || store.lost ? "warn" : "ok", kept, words, count(store.rows)),
    ];
  }

  #clock(site, world) {
    const speed = site.speed === 1 ? [] : [t("system.speed", { n: site.speed })];
    const why = [date(world.now), t(`system.clock.${site.clock}`), ...speed].join(" · ");
    const state = site.clock === "unsynced" ? "warn" : "ok";
    return this.#row("clock", state, t("system.clock"), why, clock(world.now));
  }

  #check({ id, state, reason, value, limit: most, unit: ucum, detail }, world) {
    const name = has(`check.${id}`) ? t(`check.${id}`) : metric(id);
    if (world.silent) return this.#offline(`check ${id}`, name);
    const told = (figure) => (figure === null ? "" : withUnit(number(figure, figure < 10 ? 1 : 0), ucum));
    const words = t(`check.reason.${reason}`, { limit: told(most), n: value ?? "" });
    return this.#row(`check ${id}`, LOOKS[state], name, [ucum && told(value), words, detail].filter(Boolean).join(" · "), t(`check.state.${state}`));
  }

  #routes() {
    const head = ["route", "requests", "p50", "p95", "p99"].map((name) => t(`system.${name}`));
    const routes = [...(this.#status?.routes ?? [])].sort((a, b) => b.p95_ms - a.p95_ms);
    const time = (milliseconds) => withUnit(number(milliseconds, milliseconds < 10 ? 1 : 0), "ms");
    fillTable(this.#table, head, routes.map((it) => [`${it.method} ${it.path}`, count(it.count), time(it.p50_ms), time(it.p95_ms), time(it.p99_ms)]));
  }

  #point(point, world) {
    if (point.reason === ABSENT && point.last_at === null) {
      return this.#row(point.id, "absent", fullName(point), t("system.absent"), "");
    }
    const view = look(point, world);
    const known = point.quality !== "bad" && view.state !== "offline";
    const value = known ? valueText(point, point.value) : view.big.text;
    const why = [view.foot, t(`state.${view.state}`), view.age].filter(Boolean).join(" · ");
    return this.#row(point.id, view.state, fullName(point), why, value);
  }

  #row(id, state, name, why, value) {
    if (!this.#rows.has(id)) {
      const words = make("span", "what", make("b"), make("span", "why"));
      this.#rows.set(id, make("div", "row", icon("ok"), words, make("span", "figure")));
    }
    const row = this.#rows.get(id);
    setState(row, state);
    setIcon(row.firstChild, symbolOf(state));
    setText(row.querySelector("b"), name);
    setText(row.querySelector(".why"), why);
    setText(row.lastChild, value);
    return row;
  }
}

const measured = (points) => [...points.values()].filter((point) => point.origin === "gateway");
